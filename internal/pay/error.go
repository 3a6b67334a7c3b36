package pay

import (
	"errors"
	"fmt"
)

// Code is the machine-readable class of a failure. Codes are part of the public
// contract; the HTTP status of each lives in one table in package server.
type Code string

// The codes of the contract (section 1.6), and those the contract leaves to us.
const (
	CodeInvalidRequest      Code = "INVALID_REQUEST_FORMAT" // payor: the body or a parameter is malformed
	CodeWrongNetwork        Code = "INVALID_PAYMENT_NETWORK"
	CodeWrongToken          Code = "INVALID_PAYMENT_TOKEN"
	CodeValidation          Code = "VALIDATION_ERROR" // merchant: the body or a parameter is malformed
	CodeAmountFormat        Code = "INVALID_AMOUNT_FORMAT"
	CodeAmountRange         Code = "INVALID_AMOUNT_RANGE"
	CodeMetadataTooLarge    Code = "METADATA_TOO_LARGE"
	CodeExpirationFormat    Code = "INVALID_EXPIRATION_FORMAT"
	CodeExpirationRange     Code = "INVALID_EXPIRATION_RANGE"
	CodeIdempotencyMissing  Code = "IDEMPOTENCY_KEY_MISSING"
	CodeIdempotencyConflict Code = "IDEMPOTENCY_CONFLICT"
	CodeKeyInvalid          Code = "API_KEY_INVALID"
	CodeForbidden           Code = "FORBIDDEN"
	CodeSessionInvalid      Code = "INVALID_SIGNATURE" // payor: missing or wrong session pair
	CodeTicketInvalid       Code = "TOKEN_INVALID"     // a websocket or sign-in token that is not ours, or no longer
	CodeInvoiceNotFound     Code = "INVOICE_NOT_FOUND"
	CodeNotFound            Code = "NOT_FOUND"
	CodeMethodNotAllowed    Code = "METHOD_NOT_ALLOWED"
	CodeInvoiceExpired      Code = "INVOICE_EXPIRED"
	CodeInvoiceState        Code = "INVALID_INVOICE_STATE" // the invoice's status does not allow this
	CodePaymentState        Code = "INVALID_PAYMENT_STATE" // the payment's status does not allow this
	CodeEndpointState       Code = "INVALID_WEBHOOK_STATE" // the webhook endpoint's state does not allow this
	CodeNetworkUnsupported  Code = "NETWORK_NOT_SUPPORTED"
	CodeSessionRate         Code = "PAYMENT_SESSION_RATE_LIMIT"
	CodeRate                Code = "RATE_LIMIT_EXCEEDED"
	CodeInternal            Code = "INTERNAL_SERVER_ERROR"

	// Of commerce.
	CodeCustomerMissing  Code = "CUSTOMER_IDENTIFICATION_REQUIRED"
	CodeWalletAddress    Code = "INVALID_WALLET_ADDRESS"
	CodeWalletNetwork    Code = "INVALID_WALLET_NETWORK"
	CodeCheckoutMode     Code = "INVALID_CHECKOUT_MODE"
	CodeCartEmpty        Code = "CART_EMPTY"
	CodeNoValidItems     Code = "NO_VALID_ITEMS"
	CodeEstimateExpired  Code = "ESTIMATE_EXPIRED"
	CodeEstimateUsed     Code = "ESTIMATE_ALREADY_USED"
	CodeShippingAddress  Code = "INVALID_ADDRESS"
	CodeRefundAddress    Code = "INVALID_REFUND_DESTINATION"
	CodeRefundMissing    Code = "REFUND_DESTINATION_REQUIRED"
	CodeCancellation     Code = "CANCELLATION_NOT_ALLOWED"
	CodeTransition       Code = "INVALID_TRANSITION" // the order's state does not allow this
	CodeKeyMissing       Code = "API_KEY_MISSING"
	CodeScope            Code = "INSUFFICIENT_SCOPE"
	CodeKeySuspended     Code = "API_KEY_SUSPENDED"
	CodeKeyExpired       Code = "API_KEY_EXPIRED"
	CodeDevnetOnly       Code = "DEVNET_ONLY"
	CodeMainnetAccess    Code = "MAINNET_ACCESS_REQUIRED"
	CodeProductNotFound  Code = "PRODUCT_NOT_FOUND"
	CodeCartItemNotFound Code = "CART_ITEM_NOT_FOUND"
	CodeEstimateNotFound Code = "ESTIMATE_NOT_FOUND"
	CodeAddressNotFound  Code = "ADDRESS_NOT_FOUND"
	CodeOrderNotFound    Code = "ORDER_NOT_FOUND"
	CodeCommerceDown     Code = "COMMERCE_UNAVAILABLE"
	CodeProviderDown     Code = "PROVIDER_UNAVAILABLE"
)

// Error is a failure a caller may be shown. Any other error is internal and
// reaches the caller only as CodeInternal.
type Error struct {
	Code    Code
	Message string
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Errorf returns an Error with a formatted message: one sentence that tells the
// caller what to change.
func Errorf(c Code, format string, args ...any) error {
	return &Error{c, fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of err, CodeInternal when it has none, and "" when err
// is nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
