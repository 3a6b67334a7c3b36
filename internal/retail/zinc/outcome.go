package zinc

import "github.com/pepay/pepay/internal/retail"

// outcome is what an error of Zinc's means for a placement.
type outcome struct {
	// stage is Failed when Zinc says that the request has ended and nothing was bought,
	// and Working when that is not certain: money goes back for a Failed order, so
	// failure is never guessed.
	stage  retail.Stage
	reason string // for people; nothing of Zinc's in it
	person bool   // the operator has to look
}

// What customers are told. Troubles with the operator's account are none of theirs.
const (
	soldOut     = "an item is not available on these terms any more"
	dearer      = "the price has risen"
	tooMany     = "fewer are available than were ordered"
	noDelivery  = "the retailer does not deliver to the address"
	badAddress  = "the retailer does not accept the address"
	noMethod    = "the goods cannot be shipped as agreed"
	notSeparate = "an item cannot be bought by itself"
	notSold     = "an item cannot be bought in this way"
	noPurchase  = "the goods could not be bought"
	stopped     = "the order was stopped before it was placed"
)

// outcomes has every error that Zinc documents for orders. One that is not here is
// treated as undecided, and logged for the operator.
var outcomes = map[string]outcome{
	// It goes on, or nobody knows yet.
	"request_processing":     {retail.Working, "", false},
	"attempting_to_cancel":   {retail.Working, "", false},
	"manual_review_required": {retail.Working, "", true},
	"internal_error":         {retail.Working, "", true}, // an outage of Zinc or the retailer: it does not say that nothing was bought
	"order_probably_placed":  {retail.Working, "", true},
	"duplicate_order":        {retail.Working, "", true}, // of what? perhaps of this one
	"invalid_client_token":   {retail.Working, "", true},
	"unauthorized_access":    {retail.Working, "", true},
	"invalid_request_id":     {retail.Working, "", true},
	"not_found":              {retail.Working, "", true},

	// The goods.
	"product_unavailable":        {retail.Failed, soldOut, false},
	"expired_product_id":         {retail.Failed, soldOut, false},
	"invalid_product_id":         {retail.Failed, soldOut, false},
	"invalid_variant":            {retail.Failed, soldOut, false},
	"insufficient_variants":      {retail.Failed, notSold, false},
	"max_price_exceeded":         {retail.Failed, dearer, false},
	"max_quantity_exceeded":      {retail.Failed, tooMany, false},
	"invalid_quantity":           {retail.Failed, tooMany, false},
	"add_on_item":                {retail.Failed, notSeparate, false},
	"prime_pantry_not_supported": {retail.Failed, notSold, false},

	// Where it goes, and how.
	"invalid_address":              {retail.Failed, badAddress, false},
	"shipping_address_refused":     {retail.Failed, badAddress, false},
	"shipping_address_unavailable": {retail.Failed, noDelivery, false},
	"shipping_method_unavailable":  {retail.Failed, noMethod, false},
	"invalid_shipping_method":      {retail.Failed, noMethod, false},
	"cannot_schedule_delivery":     {retail.Failed, noMethod, false},
	"no_free_shipping":             {retail.Failed, noMethod, false},
	"no_two_day_shipping":          {retail.Failed, noMethod, false},
	"no_gift_shipping":             {retail.Failed, noMethod, false},
	"invalid_gift_options":         {retail.Failed, noMethod, false},

	// The account that buys. These end a request before anything is bought.
	"insufficient_zma_balance":             {retail.Failed, noPurchase, true},
	"zma_temporarily_overloaded":           {retail.Failed, noPurchase, false}, // it waited for an account in vain
	"account_locked":                       {retail.Failed, noPurchase, true},
	"account_locked_verification_required": {retail.Failed, noPurchase, true},
	"account_login_failed":                 {retail.Failed, noPurchase, true},
	"additional_information_required":      {retail.Failed, noPurchase, true},
	"incomplete_account_setup":             {retail.Failed, noPurchase, true},
	"invalid_login_credentials":            {retail.Failed, noPurchase, true},
	"billing_address_refused":              {retail.Failed, noPurchase, true},
	"brand_not_accepted":                   {retail.Failed, noPurchase, true},
	"credit_card_declined":                 {retail.Failed, noPurchase, true},
	"invalid_card_number":                  {retail.Failed, noPurchase, true},
	"invalid_expiration_date":              {retail.Failed, noPurchase, true},
	"invalid_security_code":                {retail.Failed, noPurchase, true},
	"invalid_payment_method":               {retail.Failed, noPurchase, true},
	"invalid_promo_code":                   {retail.Failed, noPurchase, true},
	"payment_info_problem":                 {retail.Failed, noPurchase, true},

	// What was asked.
	"invalid_json":    {retail.Failed, noPurchase, true},
	"invalid_request": {retail.Failed, noPurchase, true},
	"aborted_request": {retail.Failed, stopped, false},
}

// meaning returns what an error of Zinc's means.
func meaning(code string) outcome {
	if o, ok := outcomes[code]; ok {
		return o
	}
	return outcome{retail.Working, "", true}
}
