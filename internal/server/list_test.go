package server_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// walk pages through a list in both directions and holds each page to what it must
// be, given the ids of the whole list, newest first.
func walk(t *testing.T, want []string, limit int, page func(query string) ([]string, bool)) {
	t.Helper()
	query := fmt.Sprintf("limit=%d", limit)
	for at := 0; at < len(want); at += limit {
		end := min(at+limit, len(want))
		got, more := page(query)
		if !slices.Equal(got, want[at:end]) || more != (end < len(want)) {
			t.Fatalf("older at %d: more %t, %d ids", at, more, len(got))
		}
		query = fmt.Sprintf("limit=%d&starting_after=%s", limit, got[len(got)-1])
	}
	if got, more := page(query); len(got) != 0 || more {
		t.Errorf("after the oldest: %v, more %t", got, more)
	}
	query = fmt.Sprintf("limit=%d&ending_before=%s", limit, want[len(want)-1])
	for end := len(want) - 1; end > 0; end -= limit {
		start := max(0, end-limit)
		got, more := page(query)
		if !slices.Equal(got, want[start:end]) || more != (start > 0) {
			t.Fatalf("newer at %d: more %t, got %v want %v", end, more, got, want[start:end])
		}
		query = fmt.Sprintf("limit=%d&ending_before=%s", limit, got[0])
	}
	if got, more := page(query); len(got) != 0 || more {
		t.Errorf("before the newest: %v, more %t", got, more)
	}
}

// moved is a clock that is ahead of the system's, or behind it.
type moved struct{ testkit.Clock }

func (m *moved) Now() time.Time { return time.Now().Add(m.Clock.Now().Sub(testkit.Epoch)) }

func TestPages(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		clock := new(testkit.Clock) // all in the same millisecond, but for a few
		d := newDesk(t, url, func(o *app.Options) { o.Now = clock.Now; o.Networks = nil })
		var ids []string
		for n := range 25 {
			if n%10 == 9 {
				clock.Add(time.Second)
			}
			made, _ := d.Open(fmt.Sprintf(`{"amount_usd":1,"customer_id":"c%d"}`, n%2))
			ids = append(ids, made.InvoiceID)
		}
		invoices := func(path string) func(string) ([]string, bool) {
			return func(query string) (got []string, more bool) {
				l := decode[api.List[api.Invoice]](t, d.ask("GET "+path+"?"+query, "", d.key))
				for _, i := range l.Data {
					got = append(got, i.ID)
				}
				return got, l.HasMore
			}
		}
		all, more := invoices("/api/v1/invoices")("limit=100")
		if sorted := slices.Sorted(slices.Values(all)); len(all) != 25 || more || !slices.Equal(sorted, slices.Sorted(slices.Values(ids))) {
			t.Fatalf("%d invoices, more %t", len(all), more)
		}
		if first, more := invoices("/api/v1/invoices")(""); !slices.Equal(first, all[:10]) || !more {
			t.Errorf("the first page has %d, more %t", len(first), more)
		}
		walk(t, all, 7, invoices("/api/v1/invoices"))
		walk(t, all, 25, invoices("/api/v1/invoices"))
		even, _ := invoices("/api/v1/invoices/customer/c0")("limit=100")
		if len(even) != 13 {
			t.Errorf("c0 has %d", len(even))
		}
		walk(t, even, 4, invoices("/api/v1/invoices/customer/c0"))

		events := func(filter string) func(string) ([]string, bool) {
			return func(query string) (got []string, more bool) {
				l := decode[api.Wrapped[api.List[api.Event]]](t, d.ask("GET /api/v1/events?"+query+filter, "", d.key))
				for _, e := range l.Data.Data {
					got = append(got, e.ID)
				}
				return got, l.Data.HasMore
			}
		}
		for _, filter := range []string{"", "&type=invoice.*", "&type=invoice.created&environment=devnet", "&customer_id=c1"} {
			some, _ := events(filter)("limit=100")
			if want := map[bool]int{true: 12, false: 25}[strings.Contains(filter, "customer")]; len(some) != want {
				t.Errorf("%q: %d events, want %d", filter, len(some), want)
			}
			walk(t, some, 6, events(filter))
		}
		for _, filter := range []string{"&type=invoice_payment.*", "&type=commerce.order.*,test.ping", "&environment=mainnet", "&invoice_id=x"} {
			if none, more := events(filter)("limit=100"); len(none) != 0 || more {
				t.Errorf("%q: %v", filter, none)
			}
		}
		start := testkit.Epoch.Unix()
		for filter, want := range map[string]int{
			fmt.Sprintf("&created[gte]=%d", start): 25, fmt.Sprintf("&created[lte]=%d", start): 9, fmt.Sprintf("&created[gte]=%d", start+1): 16,
			fmt.Sprintf("&created[gte]=%d&created[lte]=%d", start+1, start+1): 10, fmt.Sprintf("&created[gte]=%d", start+3): 0,
		} {
			if some, _ := events(filter)("limit=100"); len(some) != want {
				t.Errorf("%q: %d events, want %d", filter, len(some), want)
			}
		}
		l := decode[api.Wrapped[api.List[api.Event]]](t, d.ask("GET /api/v1/events?limit=1", "", d.key))
		e := l.Data.Data[0]
		if one := decode[api.Wrapped[api.Event]](t, d.ask("GET /api/v1/events/"+e.ID, "", d.key)); string(one.Data.Data.Object) != string(e.Data.Object) || one.Data.ID != e.ID {
			t.Errorf("%+v is not %+v", one.Data, e)
		}
		none := decode[api.Wrapped[api.List[api.Event]]](t, d.ask("GET /api/v1/events", "", testkit.Headers{"x-api-key", d.Commerce}))
		if len(none.Data.Data) != 0 {
			t.Errorf("a commerce key sees %d events", len(none.Data.Data))
		}
		refused(t, d.ask("GET /api/v1/events/"+e.ID, "", testkit.Headers{"x-commerce-api-key", d.Commerce}), 404, "A", "NOT_FOUND")
	})
}

// Filters, alone and together, of the list and of the totals.
func TestInvoiceFilters(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		clock := new(testkit.Clock)
		d := newDesk(t, url, func(o *app.Options) { o.Now = clock.Now; o.Networks = nil })
		for n, s := range []pay.InvoiceStatus{pay.Unpaid, pay.Underpaid, pay.Paid, pay.Paid, pay.Expired, pay.Canceled} {
			i := pay.Invoice{
				MerchantID: d.Merchant.ID, Environment: pay.Devnet, Type: pay.Standard, Status: s, Amount: 1000, CustomerID: "status", Metadata: "{}",
				SessionHash: fmt.Sprint(n), CreatedAt: clock.Now(), ExpiresAt: clock.Now().Add(time.Hour),
			}
			switch n {
			case 1:
				i.PayerAddress, i.PayerNetwork, i.Paid = checked, "ethereum", 400
			case 2:
				i.PayerAddress, i.PayerNetwork, i.Paid, i.PaidAt = checked, "base", 1000, clock.Now()
			case 3:
				i.Environment, i.CustomerID = pay.Mainnet, "o'brien & co"
			case 4:
				i.Type = pay.Commerce
			}
			if err := d.Store.Write(context.Background(), func(tx *store.Tx) error { i.ID = tx.NewID(); tx.AddInvoice(i); return nil }); err != nil {
				t.Fatal(err)
			}
			clock.Add(time.Second)
		}
		start := testkit.Epoch
		iso := func(n int) string { return start.Add(time.Duration(n) * time.Second).Format(time.RFC3339) }
		for query, want := range map[string]int{
			"": 6, "status=paid": 2, "status=paid,unpaid": 3, "status=paid&status=unpaid": 3, "status=canceled": 1, "status=unpaid,underpaid,paid,expired,canceled": 6,
			"invoice_type=standard": 5, "invoice_type=commerce": 1, "invoice_type=standard,commerce": 6, "customer_id=status": 5, "customer_id=o'brien+%26+co": 1,
			"customer_id=stat": 0, "customer_id=%25": 0, "environment=devnet": 5, "environment=mainnet": 1,
			fmt.Sprintf("created_gte=%d", start.Unix()+2): 4, fmt.Sprintf("created_lte=%d", start.Unix()+2): 3, "created_gte=" + iso(5): 1, "created_lte=" + iso(0): 1,
			fmt.Sprintf("created_gte=%d&created_lte=%d", start.Unix()+1, start.Unix()+3): 3, "created_gte=" + iso(60): 0,
			"status=paid&environment=devnet": 1, "status=paid&environment=mainnet&customer_id=status": 0, "status=expired&invoice_type=commerce&customer_id=status&created_gte=" + iso(4): 1,
			"payer_wallet_address=" + checked: 2, "payer_wallet_address=" + checked + "&payer_wallet_network=base": 1, "payer_wallet_network=solana": 0,
			"payer_wallet_address=" + strings.ToLower(checked): 2, "payer_wallet_address=SoL4": 0,
		} {
			l := decode[api.List[api.Invoice]](t, d.ask("GET /api/v1/invoices?"+query, "", d.key))
			if len(l.Data) != want || l.HasMore {
				t.Errorf("%q: %d invoices, more %t, want %d", query, len(l.Data), l.HasMore, want)
			}
			if strings.Contains(query, "payer") {
				continue
			}
			ts := decode[api.InvoiceTotals](t, d.ask("GET /api/v1/invoices/totals?"+query, "", d.key)).Totals
			if sum := ts["all"]; len(ts) != 6 || sum.Count != int64(want) || sum.Amount != int64(want)*1000 || sum.AmountDecimal != fmt.Sprintf("%d.000", want) {
				t.Errorf("%q: totals %+v, want %d", query, ts, want)
			}
			if !slices.IsSortedFunc(l.Data, func(a, b api.Invoice) int { return cmp.Compare(*b.CreatedAt, *a.CreatedAt) }) {
				t.Errorf("%q: not newest first", query)
			}
			paid := 0
			for _, i := range l.Data {
				if i.Status == "paid" {
					paid++
				}
			}
			if ts["paid"].Count != int64(paid) {
				t.Errorf("%q: %d paid of %d", query, ts["paid"].Count, paid)
			}
		}
		if l := decode[api.List[api.Invoice]](t, d.stray("GET /api/v1/invoices/customer/status?status=paid", "", d.key)); len(l.Data) != 1 {
			t.Errorf("a customer called status has %d paid invoices", len(l.Data))
		}
		if l := decode[api.List[api.Invoice]](t, d.ask("GET /api/v1/invoices/customer/o'brien%20&%20co?customer_id=status", "", d.key)); len(l.Data) != 1 {
			t.Errorf("o'brien has %d invoices", len(l.Data))
		}
	})
}
