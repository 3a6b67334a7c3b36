package store_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// A reader that follows a cursor misses nothing and sees nothing twice or out of
// order, while many writers of several nodes append to several streams.
func TestCursorReaderMissesNothing(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		c := new(testkit.Clock)
		o := store.Options{URL: url, Now: c.Now}
		nodes := []*store.Store{testkit.OpenStore(t, o), testkit.OpenStore(t, o)}
		const writers, each, merchants = 16, 12, 3
		var writing, reading sync.WaitGroup
		done := make(chan struct{})
		seen := make([][]pay.Event, merchants)
		for m := range merchants {
			reading.Go(func() {
				var after int64
				for last := false; ; {
					var es []pay.Event
					read(t, nodes[m%2], func(tx *store.Tx) (err error) {
						es, err = tx.Events(store.EventFilter{MerchantID: int64(m), After: after, Oldest: true, Limit: 7})
						return err
					})
					for _, e := range es {
						seen[m], after = append(seen[m], e), e.Seq
					}
					if len(es) > 0 {
						continue
					}
					if last {
						return
					}
					select {
					case <-done:
						last = true
					default:
					}
				}
			})
		}
		for w := range writers {
			writing.Go(func() {
				for n := range each {
					write(t, nodes[w%2], func(tx *store.Tx) error {
						c.Add(time.Duration((w*7+n*3)%5-2) * time.Millisecond) // clocks also run back
						for m := range merchants {
							if (w+n+m)%2 == 0 { // two streams in one unit, in either order
								tx.AppendEvent(event(int64((m+w)%merchants), fmt.Sprintf("%d.%d.%d", w, n, m)))
							}
						}
						return nil
					})
				}
			})
		}
		writing.Wait()
		close(done)
		reading.Wait()
		total, objects := 0, map[string]bool{}
		for m, es := range seen {
			for n, e := range es {
				if e.Seq != int64(n+1) || n > 0 && e.CreatedAt.Before(es[n-1].CreatedAt) {
					t.Fatalf("merchant %d: event %d is %s at %s", m, n+1, e.ID, e.CreatedAt)
				}
				objects[string(e.Object)] = true
			}
			total += len(es)
			read(t, nodes[0], func(tx *store.Tx) error {
				end, id, err := tx.StreamEnd(int64(m))
				same(t, "end of the stream", end, int64(len(es)))
				same(t, "its id", id, es[len(es)-1].ID)
				same(t, "err", err, nil)
				return nil
			})
		}
		if want := writers * each * merchants / 2; total != want || len(objects) != want {
			t.Errorf("%d events, %d different, want %d", total, len(objects), want)
		}
	})
}

// Filters and cursors select what a plain reading of their rules selects.
func TestEventFilters(t *testing.T) {
	t.Parallel()
	types := []pay.EventType{pay.InvoiceCreated, pay.InvoiceUpdated, pay.PaymentCreated, pay.PaymentUpdated, pay.OrderCreated, pay.QuoteUpdated, pay.TestPing}
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		for n := range 70 {
			e := event(int64(1+n%7/6), fmt.Sprint(n))
			e.Type = types[n%len(types)]
			e.Environment = []pay.Environment{pay.Devnet, pay.Mainnet}[n/3%2]
			e.InvoiceID, e.CustomerID = fmt.Sprint("i", n%5), []string{"", "%", "c_1", "cx1", "' OR 1=1 --"}[n/2%5]
			e.OrderID, e.InvoiceType = []string{"", "o1", "o2"}[n%3], []pay.InvoiceType{pay.Standard, pay.Commerce}[n%2]
			e.WalletAddress, e.WalletNetwork = []string{"", "0xAbC1", "So1aNa", "so1ana"}[n%4], []pay.NetworkName{"", "base", "ethereum"}[n/4%3]
			write(t, s, func(tx *store.Tx) error { tx.AppendEvent(e); return nil })
			c.Add(time.Duration(n%2) * time.Second)
		}
		all := testkit.Events(t, s, 1)
		read(t, s, func(tx *store.Tx) error {
			for _, e := range all {
				got, ok, err := tx.Event(1, e.ID)
				same(t, "event by id", []any{got, ok, err}, []any{e, true, nil})
				_, ok, _ = tx.Event(2, e.ID)
				same(t, "somebody else's event", ok, false)
			}
			for _, id := range []string{"", "evt_", "evt_1-1", "evt_-1", "evt_1-", "evt_1-2-3", strings.Replace(all[0].ID, "-", "-0", 1), "EVT" + all[0].ID[3:], all[0].ID + "x", "evt_1-99999999999999999999", "evt_1-%"} {
				_, ok, err := tx.Event(1, id)
				same(t, "event "+id, []any{ok, err}, []any{false, nil})
			}
			return nil
		})
		at := all[20].CreatedAt
		for _, f := range []store.EventFilter{
			{},
			{Private: true},
			{After: 17},
			{Before: 17},
			{After: 10, Before: 20, Private: true},
			{After: all[len(all)-1].Seq},
			{Types: []string{"invoice.*"}},
			{Types: []string{"invoice_payment.*", "test.ping"}},
			{Types: []string{"invoice.created", "commerce.order.*"}},
			{Types: []string{"payment_quote.updated"}, Private: true},
			{Types: []string{"payment_quote.updated"}},
			{Types: []string{"%"}},
			{Types: []string{"invoice_created", "_nvoice.created", "invoice"}},
			{Types: []string{`\`, "'"}},
			{Environment: pay.Mainnet},
			{InvoiceID: "i3"},
			{InvoiceID: "i_"},
			{CustomerID: "%"},
			{CustomerID: "c_1"},
			{CustomerID: "' OR 1=1 --"},
			{OrderID: "o1"},
			{OrderID: "o"},
			{InvoiceType: pay.Commerce},
			{InvoiceType: pay.Standard},
			{Wallet: "0xabc1"},
			{Wallet: "0xABC1", WalletNet: "base"},
			{Wallet: "So1aNa"},
			{Wallet: "SO1ANA"},
			{WalletNet: "ethereum"},
			{From: at},
			{To: at},
			{From: at, To: at},
			{From: at.Add(time.Millisecond), To: at.Add(time.Second)},
			{Types: pay.Subscribable, Environment: pay.Devnet, CustomerID: "cx1", From: at, Private: true},
		} {
			for _, f.Limit = range []int{1, 3, 1000} {
				for _, f.Oldest = range []bool{false, true} {
					f.MerchantID = 1
					read(t, s, func(tx *store.Tx) error {
						same(t, fmt.Sprintf("%+v", f), ids(must(tx.Events(f))), ids(plainly(all, f)))
						if at, end := f.Limit, f; f.After == 0 && f.Before == 0 && f.From.IsZero() && f.To.IsZero() && at == 1000 {
							wanted := []pay.Event{}
							for _, e := range all {
								if end.Wants(e) {
									wanted = append(wanted, e)
								}
							}
							end.Oldest = true
							same(t, fmt.Sprintf("a stream with %+v", f), ids(wanted), ids(plainly(all, end)))
						}
						return nil
					})
				}
			}
		}
	})
}

// plainly is what an event filter means.
func plainly(all []pay.Event, f store.EventFilter) (found []pay.Event) {
	for _, e := range all {
		if e.Seq > f.After && (f.Before == 0 || e.Seq < f.Before) && (f.Environment == "" || e.Environment == f.Environment) &&
			(f.InvoiceID == "" || e.InvoiceID == f.InvoiceID) && (f.CustomerID == "" || e.CustomerID == f.CustomerID) &&
			(f.OrderID == "" || e.OrderID == f.OrderID) && (f.WalletNet == "" || e.WalletNetwork == f.WalletNet) &&
			(f.Wallet == "" || e.WalletAddress == f.Wallet || strings.HasPrefix(f.Wallet, "0x") && strings.EqualFold(e.WalletAddress, f.Wallet)) &&
			(f.InvoiceType == "" || e.InvoiceType == f.InvoiceType || f.InvoiceType == pay.Commerce && strings.HasPrefix(string(e.Type), "commerce.order.")) &&
			(f.InvoiceType != pay.Standard || !strings.HasPrefix(string(e.Type), "commerce.order.")) &&
			!e.CreatedAt.Before(f.From) && (f.To.IsZero() || !e.CreatedAt.After(f.To)) && (f.Private || !e.Type.Unlisted()) && e.Type.In(f.Types) {
			found = append(found, e)
		}
	}
	if !f.Oldest {
		slices.Reverse(found)
	}
	return found[:min(len(found), f.Limit)]
}

func ids(es []pay.Event) (ids []string) {
	for _, e := range es {
		ids = append(ids, e.ID)
	}
	return ids
}

// An endpoint is promised the events it asked for, and each is delivered or given
// up once.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, c *testkit.Clock) {
		asks := map[string]pay.Endpoint{
			"all":      {},
			"invoices": {Types: []string{"invoice.*"}},
			"one":      {Types: []string{"invoice_payment.updated", "commerce.order.created"}},
			"main":     {Environment: pay.Mainnet},
			"nothing":  {Types: []string{"%", "_", "payment_quote.updated"}},
			"other":    {MerchantID: 2},
		}
		write(t, s, func(tx *store.Tx) error {
			for id, e := range asks {
				e.ID, e.MerchantID, e.Secret = id, max(e.MerchantID, 1), []byte("s")
				check(tx.AddEndpoint(e))
			}
			return nil
		})
		types := []pay.EventType{pay.InvoiceCreated, pay.InvoiceUpdated, pay.PaymentCreated, pay.PaymentUpdated, pay.OrderCreated, pay.OrderUpdated, pay.QuoteUpdated}
		for n := range 14 {
			e := event(1, fmt.Sprint(n))
			e.Type, e.Environment = types[n%7], []pay.Environment{pay.Devnet, pay.Mainnet}[n/7]
			write(t, s, func(tx *store.Tx) error { tx.AppendEvent(e); return nil })
		}
		all := testkit.Events(t, s, 1)
		for id, ask := range asks {
			var want []string
			for _, e := range all {
				if !e.Type.Private() && ask.MerchantID != 2 && e.Type.In(ask.Types) && (ask.Environment == "" || ask.Environment == e.Environment) {
					want = append(want, e.ID)
				}
			}
			read(t, s, func(tx *store.Tx) error {
				var got []string
				for _, d := range must(tx.DueDeliveries(id, 100)) {
					got = append(got, d.Event.ID)
					same(t, "delivery", []any{d.EndpointID, d.State, d.Attempts, d.Due, d.Event}, []any{id, pay.DeliveryDue, 0, d.Event.CreatedAt, all[d.Event.Seq-1]})
				}
				same(t, id+" is promised", got, want)
				same(t, "a few", len(must(tx.DueDeliveries(id, 2))), min(2, len(want)))
				_, ok, err := tx.NextDelivery(id)
				same(t, "next of "+id, []any{ok, err}, []any{len(want) > 0, nil})
				return nil
			})
		}
		write(t, s, func(tx *store.Tx) error {
			ds := must(tx.DueDeliveries("invoices", 100))
			for n, state := range []pay.DeliveryState{pay.DeliveryDone, pay.DeliveryDead, pay.DeliveryDue, pay.DeliveryDue} {
				d, was := ds[n], ds[n].Due
				d.State, d.Attempts, d.Due = state, n+1, tx.Now().Add(time.Duration(n)*time.Minute)
				a := pay.Attempt{EndpointID: d.EndpointID, EventID: d.Event.ID, Number: 1, Status: 500, Error: "why", Latency: time.Second, At: tx.Now()}
				check(tx.SaveDelivery(d, was, a))
				check(tx.SaveDelivery(d, was, a)) // twice is once
			}
			same(t, "none is due", len(must(tx.DueDeliveries("invoices", 100))), 0)
			next, _, _ := tx.NextDelivery("invoices")
			same(t, "next", next, tx.Now().Add(2*time.Minute))
			return nil
		})
		c.Add(2 * time.Minute)
		write(t, s, func(tx *store.Tx) error {
			ds := must(tx.DueDeliveries("invoices", 100))
			same(t, "due again", []any{len(ds), ds[0].Attempts}, []any{1, 3})
			return nil
		})
	})
}
