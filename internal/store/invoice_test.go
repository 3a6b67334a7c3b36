package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// Filters and cursors select what a plain reading of their rules selects, also
// among invoices of the same moment.
func TestInvoiceFilters(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		var all []pay.Invoice
		write(t, s, func(tx *store.Tx) error {
			all = nil
			for n := range 60 {
				i := fill[pay.Invoice](n)
				i.MerchantID, i.Status, i.Type = 1, pay.InvoiceStatuses[n%5], []pay.InvoiceType{pay.Standard, pay.Commerce}[n%2]
				i.Environment = []pay.Environment{pay.Devnet, pay.Mainnet}[n%3%2]
				i.CustomerID = []string{"", "%", "c_1", "cx1", `a\`, "' OR ''='", "c,1", "ü"}[n%8]
				i.PayerAddress, i.PayerNetwork = fmt.Sprint("0x", n%4), pay.Networks[n%2]
				i.CreatedAt = testkit.Epoch.Add(time.Duration(n/10) * time.Second) // ten at each moment
				i.ID = fmt.Sprintf("%02d", n*37%60)
				tx.AddInvoice(i)
				all = append(all, i)
			}
			other := fill[pay.Invoice](99)
			other.MerchantID = 2
			tx.AddInvoice(other)
			return nil
		})
		slices.SortFunc(all, func(a, b pay.Invoice) int {
			return -cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
		})
		at := testkit.Epoch.Add(3 * time.Second)
		for _, f := range []store.InvoiceFilter{
			{},
			{Statuses: []string{"paid"}},
			{Statuses: []string{"paid", "unpaid"}},
			{Statuses: []string{"under", "paid ", "%", "_aid"}},
			{Types: []string{"commerce"}},
			{CustomerID: "%"},
			{CustomerID: "c_1"},
			{CustomerID: `a\`},
			{CustomerID: "' OR ''='"},
			{CustomerID: "c,1"},
			{CustomerID: "ü"},
			{CustomerID: "nobody"},
			{Environment: pay.Mainnet},
			{From: at},
			{To: at},
			{From: at, To: at},
			{From: at.Add(time.Millisecond), To: at.Add(time.Second - time.Millisecond)},
			{PayerAddr: "0x1"},
			{PayerAddr: "0x1", PayerNet: "base"},
			{PayerAddr: "0x%"},
			{Older: all[15]},
			{Newer: all[15]},
			{Older: all[19]},
			{Newer: all[20]},
			{Older: all[59]},
			{Newer: all[0]},
			{Older: all[30], Statuses: []string{"paid"}},
			{Newer: all[30], From: at, CustomerID: "c_1"},
		} {
			for _, f.Limit = range []int{1, 4, 100} {
				f.MerchantID = 1
				read(t, s, func(tx *store.Tx) error {
					same(t, fmt.Sprintf("%.300s", fmt.Sprintf("%+v", f)), must(tx.Invoices(f)), selected(all, f))
					return nil
				})
			}
			if f.Older.ID != "" || f.Newer.ID != "" {
				continue
			}
			totals := map[pay.InvoiceStatus]pay.InvoiceTotal{}
			f.Limit = 1000
			for _, i := range selected(all, f) {
				sum := totals[i.Status]
				totals[i.Status] = pay.InvoiceTotal{Status: i.Status, Amount: sum.Amount + i.Amount, Count: sum.Count + 1}
			}
			read(t, s, func(tx *store.Tx) error {
				got := map[pay.InvoiceStatus]pay.InvoiceTotal{}
				for _, sum := range must(tx.InvoiceTotals(f)) {
					got[sum.Status] = sum
				}
				same(t, "totals", got, totals)
				return nil
			})
		}
		walk(t, s, all)
	})
}

// Who asks for one customer, one payer or an old page does not read all of a merchant's
// invoices, and however often a status is asked for it is asked for once.
func TestInvoicePlans(t *testing.T) {
	t.Parallel()
	testkit.EachEngine(t, func(t *testing.T, s *store.Store, _ *testkit.Clock) {
		paid := slices.Repeat([]string{"paid"}, 6000)
		for want, f := range map[string]store.InvoiceFilter{
			"invoices_by_customer": {CustomerID: "c", Statuses: paid},
			"invoices_by_payer":    {PayerAddr: "0x1", Statuses: paid},
			"invoices_by_merchant": {Older: pay.Invoice{ID: "x", CreatedAt: testkit.Epoch}},
		} {
			f.MerchantID, f.Limit = 1, 9
			write(t, s, func(tx *store.Tx) error {
				if s.Engine() == "postgres" {
					check(tx.Exec("SET LOCAL enable_seqscan = off")) // it reads tables that are nearly empty whole
					check(tx.Exec("SET LOCAL enable_bitmapscan = off"))
				}
				plan := must(tx.InvoicesPlan(f))
				if !strings.Contains(plan, want) || strings.Count(plan, "paid") > 1 || want == "invoices_by_merchant" && !strings.Contains(plan, "created_at") {
					t.Errorf("want %s: %s", want, plan)
				}
				return nil
			})
		}
	})
}

// walk pages through all invoices in both directions.
func walk(t *testing.T, s *store.Store, all []pay.Invoice) {
	t.Helper()
	for _, size := range []int{1, 7, 59, 60, 61} {
		for _, newer := range []bool{false, true} {
			var seen []pay.Invoice
			f := store.InvoiceFilter{MerchantID: 1, Limit: size}
			if newer {
				f.Newer = pay.Invoice{ID: "0", CreatedAt: testkit.Epoch.Add(-time.Hour)}
			}
			for page := all[:1]; len(page) > 0; {
				read(t, s, func(tx *store.Tx) error { page = must(tx.Invoices(f)); return nil })
				if newer {
					seen = append(slices.Clone(page), seen...)
				} else {
					seen = append(seen, page...)
				}
				if len(page) > 0 {
					f.Older, f.Newer = page[len(page)-1], pay.Invoice{}
					if newer {
						f.Older, f.Newer = pay.Invoice{}, page[0]
					}
				}
			}
			same(t, fmt.Sprintf("pages of %d, to the newer: %v", size, newer), names(seen), names(all))
		}
	}
}

func names(is []pay.Invoice) (names []string) {
	for _, i := range is {
		names = append(names, i.ID)
	}
	return names
}

// selected is what an invoice filter means; all are newest first.
func selected(all []pay.Invoice, f store.InvoiceFilter) (found []pay.Invoice) {
	after := func(i, edge pay.Invoice) bool {
		return cmp.Or(i.CreatedAt.Compare(edge.CreatedAt), cmp.Compare(i.ID, edge.ID)) > 0
	}
	for _, i := range all {
		if (f.Statuses == nil || slices.Contains(f.Statuses, string(i.Status))) && (f.Types == nil || slices.Contains(f.Types, string(i.Type))) &&
			(f.CustomerID == "" || f.CustomerID == i.CustomerID) && (f.Environment == "" || f.Environment == i.Environment) &&
			!i.CreatedAt.Before(f.From) && (f.To.IsZero() || !i.CreatedAt.After(f.To)) &&
			(f.PayerAddr == "" || f.PayerAddr == i.PayerAddress) && (f.PayerNet == "" || f.PayerNet == i.PayerNetwork) &&
			(f.Older.ID == "" || after(f.Older, i)) && (f.Newer.ID == "" || after(i, f.Newer)) {
			found = append(found, i)
		}
	}
	if f.Newer.ID != "" {
		return found[max(0, len(found)-f.Limit):]
	}
	return found[:min(len(found), f.Limit)]
}
