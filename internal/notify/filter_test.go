package notify_test

import (
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// Events of other types, environments and merchants are not delivered, nor what only
// payors may know.
func TestFilters(t *testing.T) {
	t.Parallel()
	eachRig(t, 5*time.Second, func(t *testing.T, r *rig) {
		want := map[string][]pay.EventType{
			"all":      {pay.InvoiceCreated, pay.InvoiceUpdated, pay.PaymentCreated, pay.PaymentUpdated, pay.OrderCreated},
			"invoice":  {pay.InvoiceCreated, pay.InvoiceUpdated},
			"updated":  {pay.InvoiceUpdated, pay.PaymentUpdated},
			"order":    {pay.OrderCreated},
			"mainnet":  {pay.InvoiceCreated},
			"devnet":   {pay.InvoiceCreated, pay.InvoiceUpdated, pay.PaymentCreated, pay.PaymentUpdated, pay.OrderCreated},
			"payments": {pay.PaymentCreated, pay.PaymentUpdated},
		}
		types := map[string][]string{
			"invoice": {"invoice.*"}, "updated": {"invoice.updated", "invoice_payment.updated"}, "order": {"commerce.order.*"}, "payments": {"invoice_payment.*"},
		}
		sinks := map[string]*testkit.Sink{}
		for name := range want {
			sinks[name] = testkit.NewSink(t, nil)
			e := pay.Endpoint{ID: "we_" + name, URL: sinks[name].URL, Types: types[name]}
			if name == "mainnet" || name == "devnet" {
				e.Environment = pay.Environment(name)
			} else if name != "all" {
				e.Environment = pay.Devnet
			}
			r.add(e)
		}
		add := func(m int64, env pay.Environment, types ...pay.EventType) {
			r.write(func(tx *store.Tx) error {
				for _, ty := range types {
					e := event(m, 0)
					e.Type, e.Environment = ty, env
					tx.AppendEvent(e)
				}
				return nil
			})
		}
		add(merchant, pay.Devnet, pay.InvoiceCreated, pay.QuoteUpdated, pay.InvoiceUpdated, pay.PaymentCreated, pay.PaymentUpdated, pay.OrderCreated)
		add(merchant+1, pay.Devnet, pay.InvoiceCreated)
		add(merchant, pay.Mainnet, pay.InvoiceCreated)
		want["all"] = append(want["all"], pay.InvoiceCreated)
		for name, types := range want {
			if again := r.deliver("we_" + name); !again.IsZero() {
				t.Errorf("%s: more to come at %s", name, again)
			}
			got := map[string]int{}
			for _, w := range sinks[name].Got() {
				got[w.Header.Get("X-Pepay-Event")]++
			}
			for _, ty := range types {
				got[string(ty)]--
			}
			for ty, n := range got {
				if n != 0 {
					t.Errorf("%s: %+d of %s", name, n, ty)
				}
			}
		}
	})
}
