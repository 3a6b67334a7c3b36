package zinc_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/zinc"
)

// cancelling is a rig with an order of two parts, whose cancellation is asked for.
func cancelling(t *testing.T) *rig {
	t.Helper()
	r := start(t)
	r.answer("GET /orders/"+first, placedBody("", order1, order2))
	r.answer(order1+"…", `{"request_id":"cancel1"}`)
	r.answer(order2+"…", `{"request_id":"cancel2"}`)
	r.polls(t, first, retail.Progress{Stage: retail.Placed})
	if err := r.Cancel(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	return r
}

const called = `{"_type":"cancellation_response","merchant_order_id":"x","request":{}}`

func TestCancelDelayed(t *testing.T) {
	t.Parallel()
	r := cancelling(t)
	for _, step := range []struct {
		a, b string
		want retail.Progress
	}{
		{errorBody("request_processing"), errorBody("request_processing"), retail.Progress{Stage: retail.Placed}},
		{errorBody("attempting_to_cancel"), called, retail.Progress{Stage: retail.Placed}},
		{errorBody("internal_error"), called, retail.Progress{Stage: retail.Placed}},
		{called, called, retail.Progress{Stage: retail.Cancelled}},
		{called, called, retail.Progress{Stage: retail.Cancelled}},
	} {
		r.answer("GET /cancellations/cancel1", step.a)
		r.answer("GET /cancellations/cancel2", step.b)
		r.polls(t, first, step.want)
	}
	if n := r.count("POST /orders/" + first + "/cancel"); n != 2 {
		t.Errorf("asked %d times to cancel two parts", n)
	}
}

func TestCancelRefused(t *testing.T) {
	t.Parallel()
	r := cancelling(t)
	r.answer("GET /cancellations/cancel1", errorBody("attempting_to_cancel"))
	r.answer("GET /cancellations/cancel2", errorBody("too_late_already_shipped"))
	r.polls(t, first, retail.Progress{Stage: retail.Placed})
	r.answer("GET /cancellations/cancel1", errorBody("too_late_already_shipped"))
	r.polls(t, first, retail.Progress{Stage: retail.Placed, CancelRefused: true})
	// Half an order is a matter for people.
	r.answer("GET /cancellations/cancel1", called)
	r.polls(t, first, retail.Progress{Stage: retail.Placed, CancelRefused: true})
	if !strings.Contains(r.log.String(), "a part is not") {
		t.Errorf("the operator does not hear of it: %s", r.log)
	}
	r.answer("GET /cancellations/cancel1", `{"_type":"order_response"}`)
	_, err := r.Poll(t.Context(), first)
	r.fails(t, err, retail.ErrUnavailable)
}

// Asking again, even of a provider that was started anew, sends the same keys, so that
// Zinc answers with the cancellations that there are.
func TestCancelAgain(t *testing.T) {
	t.Parallel()
	r := cancelling(t)
	keys := func(z *zinc.Zinc) (got []string) {
		before := len(r.cancelBodies)
		if err := z.Cancel(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		for _, body := range r.cancelBodies[before:] {
			var in struct {
				Key string `json:"idempotency_key"`
			}
			if err := json.Unmarshal([]byte(body), &in); err != nil || len(in.Key) != 32 {
				t.Errorf("a cancellation with a key like %s", body)
			}
			got = append(got, in.Key)
		}
		return got
	}
	one := keys(r.Zinc)
	two := keys(r.again(t))
	if len(one) != 2 || one[0] == one[1] || !slices.Equal(one, two) {
		t.Errorf("keys of cancellations:\n%v\n%v", one, two)
	}
}

// A cancellation that Zinc declines at once is refused; one without an answer is asked
// for again.
func TestCancelAtOnce(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.answer("GET /orders/"+first, placedBody("", order1))
	for _, body := range []string{errorBody("internal_error"), errorBody("request_processing"), `{}`, `{"request_id":"` + first + `"}`} {
		r.answer(order1+"…", body)
		r.fails(t, r.Cancel(t.Context(), first), retail.ErrUnavailable)
		r.polls(t, first, retail.Progress{Stage: retail.Placed})
	}
	r.answer(order1+"…", errorBody("cannot_cancel"))
	if err := r.Cancel(t.Context(), first); err != nil {
		t.Error(err)
	}
	r.polls(t, first, retail.Progress{Stage: retail.Placed, CancelRefused: true})

	r.answer("GET /orders/"+first, errorBody("request_processing"))
	r.fails(t, r.Cancel(t.Context(), first), retail.ErrUnavailable)
	r.answer("GET /orders/"+first, errorBody("product_unavailable"))
	if err := r.Cancel(t.Context(), first); err != nil {
		t.Error("there is nothing to cancel:", err)
	}
	r.fails(t, r.Cancel(t.Context(), "unknown"), retail.ErrNotFound)
}

// The retailer itself calls an order off, and the account gets everything back.
func TestCancelledByRetailer(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.answer("GET /orders/"+first, placedBody("", order1))
	const opened, refund = `{"type":"case.opened.cancel.forced_cancellation"}`, `{"type":"case.refund.full"}`
	for body, want := range map[string]retail.Stage{
		``: retail.Placed, `{"state":null}`: retail.Placed, `{"messages":[` + opened + `]}`: retail.Placed, `{"messages":[` + refund + `]}`: retail.Placed,
		`{"messages":7}`: retail.Placed, `{"messages":[` + opened + `,{"type":"case.refund.partial"}]}`: retail.Placed,
		`{"state":"closed","messages":[` + opened + `,7,` + refund + `]}`: retail.Cancelled,
	} {
		r.answer("GET /orders/"+first+"/case", body)
		r.polls(t, first, retail.Progress{Stage: want})
	}
	// What was shipped is not called off.
	r.answer("GET /orders/"+first+"/case", `{"messages":[`+opened+`,`+refund+`]}`)
	r.answer("GET /orders/"+first, placedBody(track(order1, "1Z1", "InTransit", ""), order1))
	if got, err := r.Poll(t.Context(), first); err != nil || got.Stage != retail.Placed {
		t.Errorf("%+v, %v", got, err)
	}
}
