package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// manyEvents appends n events to the stream of merchant 1: of every two thousand one is
// of another invoice, order, wallet, customer and type, and one is of commerce.
const manyEvents = `INSERT INTO events (merchant_id, seq, at, type, environment, invoice_id, customer_id, object, previous, request_id, request_key,
		endpoint_id, invoice_type, order_id, wallet_address, wallet_network)
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
	SELECT 1, i, i, CASE i % 2000 WHEN 7 THEN 'payout_address.updated' ELSE (CASE i % 3 WHEN 0 THEN 'invoice.created' WHEN 1 THEN 'invoice.updated' ELSE 'invoice_payment.updated' END) END,
		'devnet', CASE i % 2000 WHEN 7 THEN 'rare' ELSE 'invoice' || (i / 5) END, CASE i % 2000 WHEN 7 THEN 'rare' WHEN 8 THEN '' ELSE 'guest' END,
		'{"object":"invoice","of":"a length that is usual for what events carry"}', '{}', '', '', '',
		CASE i % 2000 WHEN 7 THEN 'commerce' ELSE 'standard' END, CASE i % 2000 WHEN 7 THEN 'rare' ELSE '' END,
		CASE i % 2000 WHEN 7 THEN 'rare' WHEN 8 THEN 'other' ELSE '' END, '' FROM n`

// What is rare is found by an index and in the order of the stream: a page costs a page.
func TestRareEventsAreNotSearched(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		write(t, s, func(tx *store.Tx) error {
			q := manyEvents
			if s.Engine() == "postgres" {
				q = strings.NewReplacer(`'{"object"`, `CAST('{"object"`, `carry"}'`, `carry"}' AS bytea)`, `'{}'`, `CAST('{}' AS bytea)`).Replace(q)
			}
			return tx.Exec(q)
		})
		write(t, s, func(tx *store.Tx) error { return tx.Exec("ANALYZE events") })
		for name, c := range map[string]struct {
			f     store.EventFilter
			index string
			n     int
		}{
			"invoice":              {store.EventFilter{InvoiceID: "rare"}, "events_by_invoice", 20},
			"invoice and customer": {store.EventFilter{InvoiceID: "rare", CustomerID: "guest"}, "events_by_invoice", 0},
			"invoice and type":     {store.EventFilter{InvoiceID: "rare", Types: []string{"payout_address.*"}}, "events_by_invoice", 20},
			"invoice and commerce": {store.EventFilter{InvoiceID: "rare", InvoiceType: pay.Commerce}, "events_by_invoice", 20},
			"a payor's replay":     {store.EventFilter{InvoiceID: "rare", Private: true, Oldest: true, After: 30000}, "events_by_invoice", 5},
			"order":                {store.EventFilter{OrderID: "rare"}, "events_by_order", 20},
			"wallet":               {store.EventFilter{Wallet: "rare"}, "events_by_wallet", 20},
			"customer":             {store.EventFilter{CustomerID: "rare"}, "events_by_customer", 20},
			"customer in a time":   {store.EventFilter{CustomerID: "rare", From: time.UnixMilli(10000), To: time.UnixMilli(20000)}, "events_by_customer", 5},
			"type":                 {store.EventFilter{Types: []string{"payout_address.updated"}}, "events_by_type", 20},
			"types":                {store.EventFilter{Types: []string{"payout_address.*", "webhook_endpoint.disabled"}}, "events_by_type", 20},
			"a replay of types":    {store.EventFilter{Types: []string{"payout_address.*", "commerce.order.*"}, Oldest: true, After: 20000, Before: 39000}, "events_by_type", 10},
			"commerce":             {store.EventFilter{InvoiceType: pay.Commerce, Environment: pay.Devnet}, "events_of_commerce", 20},
			"everything":           {store.EventFilter{}, "events_pkey", 100},
			"what is frequent":     {store.EventFilter{Types: []string{"invoice.*"}}, "events_pkey", 100},
		} {
			c.f.MerchantID, c.f.Limit = 1, 100
			var es []pay.Event
			var plan string
			read(t, s, func(tx *store.Tx) (err error) {
				if es, err = tx.Events(c.f); err == nil {
					plan, err = tx.EventsPlan(c.f)
				}
				return err
			})
			if s.Engine() == "sqlite" {
				c.index = strings.Replace(c.index, "events_pkey", "sqlite_autoindex_events_1", 1)
			}
			bad := []string{"Seq Scan", "SCAN events"}
			if len(c.f.Types) == 0 || c.f.InvoiceID != "" {
				bad = append(bad, "Sort", "TEMP B-TREE")
			}
			for _, word := range bad {
				if strings.Contains(plan, word) {
					t.Errorf("%s: %s", name, plan)
				}
			}
			if !strings.Contains(plan, c.index) || len(es) != c.n {
				t.Errorf("%s: %d events by\n%s", name, len(es), plan)
			}
			for n, e := range es {
				if n > 0 && (e.Seq > es[n-1].Seq) != c.f.Oldest || !c.f.Wants(e) {
					t.Errorf("%s: %d is %+v", name, n, e)
				}
			}
		}
	})
}
