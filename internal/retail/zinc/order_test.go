package zinc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/zinc"
)

func isOnly(err, want error) bool {
	for _, e := range []error{retail.ErrNotFound, retail.ErrUnavailable} {
		if errors.Is(err, e) != errors.Is(want, e) {
			return false
		}
	}
	return err != nil
}

func (r *rig) polls(t *testing.T, request string, want retail.Progress) {
	t.Helper()
	got, err := r.Poll(t.Context(), request)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("poll of %s:\n got %+v, %v\nwant %+v", request, got, err, want)
	}
}

// What is sent is what the customer was promised and not a cent more.
func TestPlacementIsBounded(t *testing.T) {
	t.Parallel()
	r := start(t, func(o *zinc.Options) { o.Webhook, o.Days = "https://shop.example/hooks/s3cret", 6 })
	request, err := r.Place(t.Context(), placement())
	if err != nil || request != first {
		t.Fatal(request, err)
	}
	hook := `"https://shop.example/hooks/s3cret"`
	want := `{"idempotency_key":"550e8400-e29b-41d4-a716-446655440333","retailer":"amazon","max_price":2100,"is_gift":false,"addax":true,` +
		`"strict_expired_product_id":true,"client_notes":{"order":"550e8400-e29b-41d4-a716-446655440333"},` +
		`"products":[{"product_id":"B0B844T634","quantity":2,"seller_selection_criteria":{"condition_in":["New"],"handling_days_max":6,` +
		`"international":false,"max_item_price":999,"prime":true}}],"shipping":{"order_by":"price","max_days":6,"max_price":102},` +
		`"shipping_address":{"first_name":"Ada","last_name":"Lovelace","address_line1":"1 Main St","address_line2":"Apt 2","zip_code":"33101",` +
		`"city":"Miami","state":"FL","country":"US","phone_number":"3055550123"},"webhooks":{"request_succeeded":` + hook + `,"request_failed":` + hook +
		`,"tracking_obtained":` + hook + `,"tracking_updated":` + hook + `,"status_updated":` + hook + `,"case_updated":` + hook + `}}`
	var g, w any
	if json.Unmarshal([]byte(r.bodies[0]), &g) != nil || json.Unmarshal([]byte(want), &w) != nil || !reflect.DeepEqual(g, w) {
		t.Errorf("sent\n%s\nwant\n%s", r.bodies[0], want)
	}
	if strings.Contains(r.bodies[0], "ada@example.com") {
		t.Error("the mail address is nobody's business")
	}
}

// A placement that no customer can have asked for is a mistake of ours, and not sent.
func TestPlacementIsChecked(t *testing.T) {
	t.Parallel()
	r := start(t)
	for name, change := range map[string]func(*retail.Placement){
		"no key":           func(p *retail.Placement) { p.Key = "" },
		"no lines":         func(p *retail.Placement) { p.Lines = nil },
		"many lines":       func(p *retail.Placement) { p.Lines = slices.Repeat(p.Lines, pay.MaxCartItems+1) },
		"no money":         func(p *retail.Placement) { p.MaxTotal = 0 },
		"too much money":   func(p *retail.Placement) { p.MaxTotal = pay.MaxAmount + 1 },
		"no quantity":      func(p *retail.Placement) { p.Lines[0].Quantity = 0 },
		"large quantity":   func(p *retail.Placement) { p.Lines[0].Quantity = pay.MaxQuantity + 1 },
		"no price":         func(p *retail.Placement) { p.Lines[0].Price = 0 },
		"another retailer": func(p *retail.Placement) { p.Lines[0].Retailer = "walmart" },
		"no retailer":      func(p *retail.Placement) { p.Retailer, p.Lines[0].Retailer = "other", "other" },
		"a path":           func(p *retail.Placement) { p.Lines[0].ProductID = "../orders" },
	} {
		p := placement()
		change(&p)
		if _, err := r.Place(t.Context(), p); err == nil || errors.Is(err, retail.ErrUnavailable) || errors.Is(err, retail.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(r.calls) != 0 {
		t.Errorf("sent %v", r.calls)
	}
}

// The first answer is lost; asked again, there is still one order.
func TestPlaceTimeoutThenSuccess(t *testing.T) {
	t.Parallel()
	r := start(t, func(o *zinc.Options) { o.Timeout = 300 * time.Millisecond })
	slow := true
	r.breaks(func(_ http.ResponseWriter, req *http.Request) bool {
		if !slow {
			return false
		}
		slow = false
		<-req.Context().Done() // the order is in, the answer never comes
		return true
	})
	_, err := r.Place(t.Context(), placement())
	r.fails(t, err, retail.ErrUnavailable)
	for range 2 {
		if request, err := r.Place(t.Context(), placement()); err != nil || request != first {
			t.Errorf("asked again: %q, %v", request, err)
		}
	}
	if len(r.placed) != 1 || len(r.bodies) != 3 || r.bodies[0] != r.bodies[2] {
		t.Errorf("%d orders of %d placements", len(r.placed), len(r.bodies))
	}
}

// A refusal of the placement itself is told by Poll, without asking Zinc again.
func TestPlaceRefused(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.answer("POST /orders", errorBody("insufficient_zma_balance"))
	request, err := r.Place(t.Context(), placement())
	if err != nil {
		t.Fatal(err)
	}
	r.polls(t, request, retail.Progress{Stage: retail.Failed, Reason: "the goods could not be bought"})
	if n := r.count("GET"); n != 0 {
		t.Errorf("%d questions about an order that there is not", n)
	}
	if l := r.log.String(); !strings.Contains(l, `"level":"ERROR"`) || !strings.Contains(l, "insufficient_zma_balance") {
		t.Errorf("the operator does not hear of it: %s", l)
	}
	// Perhaps it is our own order that it is a duplicate of: that is no failure.
	r.answer("POST /orders", errorBody("duplicate_order"))
	_, err = r.Place(t.Context(), placement())
	r.fails(t, err, retail.ErrUnavailable)
	// An error that names the request is as good as an answer.
	for _, body := range []string{
		`{"_type":"error","code":"already_exists","data":{"request_id":"` + first + `"}}`, `{"_type":"error","code":"request_processing","request_id":"` + first + `"}`,
	} {
		r.answer("POST /orders", body)
		if request, err := r.Place(t.Context(), placement()); request != first || err != nil {
			t.Errorf("%s: %q, %v", body, request, err)
		}
	}
	for _, body := range []string{`{}`, `{"request_id":""}`, `{"request_id":7}`, `{"request_id":"../x"}`, `{"request_id":"` + strings.Repeat("a", 65) + `"}`, `[]`, `"x"`} {
		r.answer("POST /orders", body)
		_, err := r.Place(t.Context(), placement())
		r.fails(t, err, retail.ErrUnavailable)
	}
}

// meant is every code that Zinc documents, and what it must become: a reason when
// nothing was bought, "" when that is not certain.
var meant = map[string]string{
	"request_processing": "", "attempting_to_cancel": "", "manual_review_required": "", "internal_error": "", "order_probably_placed": "", "duplicate_order": "",
	"product_unavailable": "an item is not available on these terms any more", "expired_product_id": "an item is not available on these terms any more",
	"invalid_product_id": "an item is not available on these terms any more", "invalid_variant": "an item is not available on these terms any more",
	"insufficient_variants": "an item cannot be bought in this way", "prime_pantry_not_supported": "an item cannot be bought in this way",
	"max_price_exceeded": "the price has risen", "max_quantity_exceeded": "fewer are available than were ordered", "invalid_quantity": "fewer are available than were ordered",
	"add_on_item": "an item cannot be bought by itself", "invalid_address": "the retailer does not accept the address",
	"shipping_address_refused": "the retailer does not accept the address", "shipping_address_unavailable": "the retailer does not deliver to the address",
	"shipping_method_unavailable": "the goods cannot be shipped as agreed", "invalid_shipping_method": "the goods cannot be shipped as agreed",
	"cannot_schedule_delivery": "the goods cannot be shipped as agreed", "no_free_shipping": "the goods cannot be shipped as agreed",
	"no_two_day_shipping": "the goods cannot be shipped as agreed", "no_gift_shipping": "the goods cannot be shipped as agreed",
	"invalid_gift_options": "the goods cannot be shipped as agreed", "aborted_request": "the order was stopped before it was placed",
	"insufficient_zma_balance": bad, "zma_temporarily_overloaded": bad, "account_locked": bad, "account_locked_verification_required": bad,
	"account_login_failed": bad, "additional_information_required": bad, "incomplete_account_setup": bad, "invalid_login_credentials": bad,
	"billing_address_refused": bad, "brand_not_accepted": bad, "credit_card_declined": bad, "invalid_card_number": bad, "invalid_expiration_date": bad,
	"invalid_security_code": bad, "invalid_payment_method": bad, "invalid_promo_code": bad, "payment_info_problem": bad, "invalid_json": bad, "invalid_request": bad,
}

const bad = "the goods could not be bought"

// special codes are not about an order: they have tests of their own.
var special = map[string]error{
	"invalid_client_token": retail.ErrUnavailable, "unauthorized_access": retail.ErrUnavailable, "invalid_request_id": retail.ErrNotFound, "not_found": retail.ErrNotFound,
}

func TestEveryCode(t *testing.T) {
	t.Parallel()
	r := start(t)
	var all []string
	for code, reason := range meant {
		all = append(all, code)
		r.answer("GET /orders/"+code, errorBody(code))
		want := retail.Progress{Stage: retail.Failed, Reason: reason}
		if reason == "" {
			want.Stage = retail.Working
		}
		r.polls(t, code, want)
	}
	for code, want := range special {
		all = append(all, code)
		r.answer("GET /orders/"+code, errorBody(code))
		_, err := r.Poll(t.Context(), code)
		r.fails(t, err, want)
	}
	if !slices.Equal(sorted(all), sorted(zinc.Outcomes())) {
		t.Errorf("codes with a meaning:\n%v\ntested:\n%v", sorted(zinc.Outcomes()), sorted(all))
	}
	// One that is new decides nothing, and is told to the operator once.
	r.answer("GET /orders/new", errorBody("brand_new_trouble"))
	for range 3 {
		r.polls(t, "new", retail.Progress{Stage: retail.Working})
	}
	if n := strings.Count(r.log.String(), "brand_new_trouble"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	if strings.Contains(r.log.String(), "LEAK") {
		t.Error("Zinc's words are in the log")
	}
}

func track(order, number, status, products string) string {
	return fmt.Sprintf(`{"merchant_order_id":%q,"carrier":"UPS","tracking_number":%q,"delivery_status":%q,"product_ids":[%s],"tracking_url":"https://t.17track.net/en#nums=%s",`+
		`"retailer_tracking_number":"TBA1","retailer_tracking_url":"https://www.amazon.com/progress","obtained_at":"2026-01-05T11:53:05.924Z"}`, order, number, status, products, number)
}

// Parcels come one by one and keep their names; only all of them are everything.
func TestTracking(t *testing.T) {
	t.Parallel()
	r := start(t)
	const p = `"B0B844T634"`
	poll := func(tracking ...string) retail.Progress {
		t.Helper()
		r.answer("GET /orders/"+first, placedBody(strings.Join(tracking, ","), order1, order2))
		got, err := r.Poll(t.Context(), first)
		if err != nil || got.Stage != retail.Placed {
			t.Fatal(got, err)
		}
		return got
	}
	if got := poll(); got.Delivered || len(got.Shipments) != 0 {
		t.Errorf("nothing is shipped: %+v", got)
	}
	one := poll(track(order1, "1Z1", "InTransit", p))
	want := pay.Shipment{
		ID: one.Shipments[0].ID, Carrier: "UPS", Number: "1Z1", URL: "https://t.17track.net/en#nums=1Z1", RetailerNumber: "TBA1",
		RetailerURL: "https://www.amazon.com/progress", DeliveryStatus: "In Transit", ObtainedAt: time.Date(2026, 1, 5, 11, 53, 5, 924e6, time.UTC),
	}
	if one.Delivered || len(one.Shipments) != 1 || one.Shipments[0] != want || !strings.HasPrefix(want.ID, "ship_") {
		t.Errorf("one parcel: %+v", one)
	}
	if got := poll(track(order1, "1Z1", "Delivered", p)); got.Delivered || got.Shipments[0].DeliveryStatus != "Delivered" || got.Shipments[0].ID != want.ID {
		t.Errorf("one of two parcels has come: %+v", got)
	}
	if got := poll(track(order2, "1Z2", "InTransit", p), track(order1, "1Z1", "delivered", p)); got.Delivered || len(got.Shipments) != 2 || got.Shipments[1].ID != want.ID {
		t.Errorf("the other is under way: %+v", got)
	}
	if got := poll(track(order2, "1Z2", "Delivered", p), track(order1, "1Z1", "Delivered", p)); !got.Delivered {
		t.Errorf("both have come: %+v", got)
	}
	if got := poll(track(order1, "1Z1", "Delivered", "")); got.Delivered {
		t.Errorf("nothing is heard of the other: %+v", got)
	}
	if got := poll(track(order1, "1Z1", "Delivered", ""), track(order2, "1Z2", "Delivered", "")); !got.Delivered {
		t.Errorf("both have come, whatever is in them: %+v", got)
	}
	// One order of the retailer's in two parcels, of which one is not heard of yet.
	r.answer("GET /orders/"+first, placedBody(track(order1, "1Z1", "Delivered", p), order1))
	if got, err := r.Poll(t.Context(), first); err != nil || got.Delivered {
		t.Errorf("one of two things has come: %+v, %v", got, err)
	}
	r.answer("GET /orders/"+first, placedBody(track(order1, "1Z1", "Delivered", p+","+p), order1))
	if got, err := r.Poll(t.Context(), first); err != nil || !got.Delivered {
		t.Errorf("both things have come: %+v, %v", got, err)
	}
}

// What cannot be followed, or is another's, is no parcel; the rest is cut to size.
func TestTrackingIsChecked(t *testing.T) {
	t.Parallel()
	r := start(t)
	long := strings.Repeat("x", 3000)
	r.answer("GET /orders/"+first, placedBody(strings.Join([]string{
		track("999-9999999-9999999", "1Z9", "Delivered", ""),
		`{"merchant_order_id":"` + order1 + `","delivery_status":"Delivered"}`,
		`7`, `null`, `{"merchant_order_id":{}}`,
		track(order1, "1Z1", "Held by\ncustoms", ""), track(order1, "1Z1", "Held again", ""),
		`{"merchant_order_id":"` + order1 + `","tracking_number":"` + long + `","carrier":"` + long + `","tracking_url":"javascript:alert(1)","retailer_tracking_url":"http://amazon.com/","delivery_status":"` + long + `","obtained_at":"2999-01-01T00:00:00Z"}`,
	}, ","), order1))
	got, err := r.Poll(t.Context(), first)
	if err != nil || got.Delivered || len(got.Shipments) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if s := got.Shipments[0]; s.DeliveryStatus != "Held by customs" {
		t.Errorf("an unknown status is %q", s.DeliveryStatus)
	}
	if s := got.Shipments[1]; len(s.Number) != 100 || len(s.Carrier) != 100 || len(s.DeliveryStatus) != 100 || s.URL+s.RetailerURL != "" || !s.ObtainedAt.IsZero() {
		t.Errorf("%+v", s)
	}
}

// What is not an order that was placed is no progress.
func TestPollIsChecked(t *testing.T) {
	t.Parallel()
	r := start(t)
	for _, body := range []string{
		`{}`, `{"_type":"order_response"}`, placedBody(""), placedBody("", "../x"), `{"_type":"cancellation_response","merchant_order_ids":[{"merchant_order_id":"1"}]}`,
		strings.Replace(placedBody("", order1), first, strings.Repeat("0", 32), 1), `{"_type":"error"}`, `{"_type":"error","code":7}`,
		`{"_type":"error","code":"` + strings.Repeat("x", 65) + `"}`,
	} {
		r.answer("GET /orders/"+first, body)
		_, err := r.Poll(t.Context(), first)
		r.fails(t, err, retail.ErrUnavailable)
	}
	broken := r.count("GET")
	for _, request := range []string{"", "..", "a/b", "refused:", "refused:request_processing", "refused:whatever", "unknown", strings.Repeat("a", 65)} {
		_, err := r.Poll(t.Context(), request)
		r.fails(t, err, retail.ErrNotFound)
	}
	if n := r.count("GET") - broken; n != 1 {
		t.Errorf("asked about %d requests that cannot be", n-1)
	}
}
