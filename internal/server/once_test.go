package server_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/testkit"
)

func TestIdempotency(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, key := newDesk(t, url, nil), testkit.UUID()
		h := d.with("Idempotency-Key", key)
		const body = `{"amount_usd":12.5,"metadata":{"n":1}}`
		first := d.ask("POST /api/v1/invoices", body, h)
		id := decode[api.CreatedInvoice](t, first).InvoiceID
		d.holds(1, 1)
		if again := d.ask("POST /api/v1/invoices", body, h); again.status != 200 || again.body != first.body {
			t.Errorf("the answer changed from\n%s to\n%d %s", first.body, again.status, again.body)
		}
		for _, other := range []string{`{"amount_usd":12.6,"metadata":{"n":1}}`, body + " "} {
			refused(t, d.ask("POST /api/v1/invoices", other, h), 409, "A", "IDEMPOTENCY_CONFLICT")
		}
		// Its answer stays even when the invoice has moved on.
		if v := decode[api.Invoice](t, d.ask("POST /api/v1/invoices/"+id+"/cancel", "", d.key)); v.Status != "canceled" {
			t.Errorf("%+v", v)
		}
		if again := d.ask("POST /api/v1/invoices", body, h); again.body != first.body {
			t.Errorf("after the cancel the answer is %s", again.body)
		}
		d.holds(1, 2)
		// The key is the merchant's own: another's is another.
		_, theirs, _ := testkit.AddMerchant(t, d.App.App)
		other := decode[api.CreatedInvoice](t, d.ask("POST /api/v1/invoices", `{"amount_usd":3}`, testkit.Headers{"x-api-key", theirs, "Idempotency-Key", key}))
		if other.InvoiceID == id {
			t.Error("another merchant got my invoice")
		}
		// A malformed repetition is malformed, and an equal key in capitals is another key.
		refused(t, d.ask("POST /api/v1/invoices", `{"amount_usd":0}`, h), 400, "B", "INVALID_AMOUNT_RANGE")
		if v := decode[api.CreatedInvoice](t, d.ask("POST /api/v1/invoices", body, d.with("Idempotency-Key", strings.ToUpper(key)))); v.InvoiceID == "" {
			t.Error("no invoice")
		}
	})
}

// Twenty at once with one key: one invoice, one event, one answer.
func TestIdempotencyUnderRaces(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, key := newDesk(t, url, nil), testkit.UUID()
		answers, wait := make([]answer, 20), sync.WaitGroup{}
		for n := range answers {
			wait.Go(func() {
				status, b := testkit.Do(t, "POST", d.URL+"/api/v1/invoices", `{"amount_usd":2}`, d.with("Idempotency-Key", key))
				answers[n] = answer{status: status, body: string(b)}
			})
		}
		wait.Wait()
		for _, a := range answers {
			if a.status != http.StatusOK || a.body != answers[0].body {
				t.Errorf("%d %s, and the first got %s", a.status, a.body, answers[0].body)
			}
		}
		d.holds(1, 1)
	})
}

// Only an unpaid invoice can be canceled, once.
func TestCancel(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, nil)
		made, payor := d.Open(`{"amount_usd":5,"customer_id":"c"}`)
		path := "POST /api/v1/invoices/" + made.InvoiceID + "/cancel"
		v := decode[api.Invoice](t, d.ask(path, "", d.with("Idempotency-Key", "a")))
		if again := decode[api.Invoice](t, d.ask(path, "", d.with("Idempotency-Key", "a"))); again.ID != v.ID || again.Status != "canceled" {
			t.Errorf("repeated: %+v", again)
		}
		es := testkit.Events(t, d.Store, d.Merchant.ID)
		if v.Status != "canceled" || len(es) != 2 || es[1].Type != "invoice.updated" || string(es[1].Previous) != `{"status":"unpaid"}` || es[1].CustomerID != "c" {
			t.Errorf("%+v with %d events, the last %s", v, len(es), es[len(es)-1].Previous)
		}
		refused(t, d.ask(path, "", d.key), 400, "B", "INVALID_INVOICE_STATE")
		refused(t, d.ask("POST /api/v1/payments/payment-addresses", `{"network":"ethereum","tokenId":10}`, payor), 400, "A", "INVALID_INVOICE_STATE")
		d.holds(1, 2)
	})
}
