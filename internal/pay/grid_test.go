package pay_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// grid is what each fact makes of an invoice of $100, and of the payment the fact is
// about, for every state the invoice can be in: "invoice · payment". An underpaid
// invoice has $40, a paid one $100. docs/states.md shows the same table.
const grid = `
| Fact | unpaid | underpaid | paid | expired | canceled |
|---|---|---|---|---|---|
| deposit seen, all that is due | unpaid · pending | underpaid · pending | paid · pending | expired · pending | canceled · pending |
| … its blocks are in doubt | unpaid · pending | underpaid · pending | paid · pending | expired · pending | canceled · pending |
| … final | paid · confirmed | paid · confirmed | paid · confirmed | expired · manual_retry (late) | canceled · manual_retry (late) |
| … dropped by the chain | unpaid · manual_retry (reorged) | underpaid · manual_retry (reorged) | paid · manual_retry (reorged) | expired · manual_retry (reorged) | canceled · manual_retry (reorged) |
| … dropped, then mined in another block | unpaid · pending | underpaid · pending | paid · pending | expired · pending | canceled · pending |
| … dropped, mined in another block, final | paid · confirmed | paid · confirmed | paid · confirmed | expired · manual_retry (late) | canceled · manual_retry (late) |
| … dropped, mined after the expiry, final | unpaid · manual_retry (late) | underpaid · manual_retry (late) | paid · manual_retry (late) | expired · manual_retry (late) | canceled · manual_retry (late) |
| deposit final, less than is due | underpaid · underpaid | underpaid · underpaid | paid · confirmed | expired · manual_retry (late) | canceled · manual_retry (late) |
| deposit final, less than half a cent short | paid · confirmed | paid · confirmed | paid · confirmed | expired · manual_retry (late) | canceled · manual_retry (late) |
| deposit final, twice what is due | paid · confirmed | paid · confirmed | paid · confirmed | expired · manual_retry (late) | canceled · manual_retry (late) |
| deposit final, too little to be worth anything | unpaid · underpaid | underpaid · underpaid | paid · confirmed | expired · manual_retry (late) | canceled · manual_retry (late) |
| deposit final, mined in the second of the expiry | paid · confirmed | paid · confirmed | paid · confirmed | expired · manual_retry (late) | canceled · manual_retry (late) |
| deposit final, mined after the expiry | unpaid · manual_retry (late) | underpaid · manual_retry (late) | paid · manual_retry (late) | expired · manual_retry (late) | canceled · manual_retry (late) |
| deposit final, of another token | unpaid · manual_retry (wrong_token) | underpaid · manual_retry (wrong_token) | paid · manual_retry (wrong_token) | expired · manual_retry (wrong_token) | canceled · manual_retry (wrong_token) |
| deposit final, without a price | unpaid · pending (awaiting_price) | underpaid · pending (awaiting_price) | paid · pending (awaiting_price) | expired · manual_retry (late) | canceled · manual_retry (late) |
| … then priced, all that is due | paid · confirmed | paid · confirmed | paid · confirmed | expired · manual_retry (late) | canceled · manual_retry (late) |
| deposit final, on another network | unpaid · manual_retry (wrong_network) | underpaid · manual_retry (wrong_network) | paid · manual_retry (wrong_network) | expired · manual_retry (wrong_network) | canceled · manual_retry (wrong_network) |
| … seen on another network | unpaid · pending | underpaid · pending | paid · pending | expired · pending | canceled · pending |
| … on another network, dropped by the chain | unpaid · manual_retry (reorged) | underpaid · manual_retry (reorged) | paid · manual_retry (reorged) | expired · manual_retry (reorged) | canceled · manual_retry (reorged) |
| … on another network, without a price | unpaid · manual_retry (wrong_network) | underpaid · manual_retry (wrong_network) | paid · manual_retry (wrong_network) | expired · manual_retry (wrong_network) | canceled · manual_retry (wrong_network) |
| the merchant accepts it, all that is due | paid · confirmed (wrong_network) | paid · confirmed (wrong_network) | paid · confirmed (wrong_network) | paid · confirmed (wrong_network) | paid · confirmed (wrong_network) |
| … accepts less than is due | underpaid · underpaid (wrong_network) | underpaid · underpaid (wrong_network) | paid · confirmed (wrong_network) | expired · underpaid (wrong_network) | canceled · underpaid (wrong_network) |
| … accepts one that was mined after the expiry | paid · confirmed (late) | paid · confirmed (late) | paid · confirmed (late) | paid · confirmed (late) | paid · confirmed (late) |
| … accepts one of another token | paid · confirmed (wrong_token) | paid · confirmed (wrong_token) | paid · confirmed (wrong_token) | paid · confirmed (wrong_token) | paid · confirmed (wrong_token) |
| … accepts one that is not final | refused | refused | refused | refused | refused |
| … accepts one that the chain dropped | refused | refused | refused | refused | refused |
| … accepts one without a price | refused | refused | refused | refused | refused |
| … sweeps one on another network | unpaid · manual_retry (wrong_network) | underpaid · manual_retry (wrong_network) | paid · manual_retry (wrong_network) | expired · manual_retry (wrong_network) | canceled · manual_retry (wrong_network) |
| expiry, before its time | unpaid | underpaid | paid | expired | canceled |
| expiry, at its time | expired | expired | paid | expired | canceled |
| cancel | canceled | refused | refused | refused | refused |
| cancel, with a payment on its way | refused | refused | refused | refused | refused |
| cancel, after the chain dropped the payment | canceled | refused | refused | refused | refused |
`

const due = 100_00 * money.Cent

var (
	start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	expiry = start.Add(time.Hour)
)

// a scene is an invoice in some state and its payments.
type scene struct {
	invoice  pay.Invoice
	payments []pay.Payment
}

// in returns an invoice in a state, got there by what leads there.
func in(status pay.InvoiceStatus) *scene {
	s := &scene{invoice: pay.Invoice{ID: "i", Status: pay.Unpaid, Amount: due, CreatedAt: start, ExpiresAt: expiry}}
	switch status {
	case pay.Unpaid:
	case pay.Underpaid:
		s.final(40_00*money.Cent, "first")
	case pay.Paid:
		s.final(due, "first")
	case pay.Expired:
		s.invoice = s.invoice.Expire(expiry)
	case pay.Canceled:
		s.invoice, _ = s.invoice.Cancel(nil)
	}
	return s
}

// payment is a deposit worth usd under a quote for all of it, seen in block 10.
func payment(id string, usd money.USD) pay.Payment {
	return pay.Payment{
		Deposit: pay.Deposit{
			Network: "ethereum", TxHash: id, Block: pay.Block{Height: 10, Hash: "h10", Time: start.Add(time.Minute)},
			Units: units(int64(usd) * 1000), From: "payer",
		},
		ID: id, TokenID: 2, AskedID: 2, Sight: pay.Seen, QuoteID: "q", QuoteDue: due, QuoteUnits: units(int64(due) * 1000),
	}
}

func (s *scene) final(usd money.USD, id string) *pay.Payment {
	p := payment(id, usd)
	p.Sight = pay.Final
	return s.reckon(p)
}

// reckon adds or replaces a payment and returns what became of it.
func (s *scene) reckon(p pay.Payment) *pay.Payment {
	same := func(o pay.Payment) bool { return o.ID == p.ID }
	if i := slices.IndexFunc(s.payments, same); i >= 0 {
		s.payments[i] = p
	} else {
		s.payments = append(s.payments, p)
	}
	s.invoice, s.payments = pay.Reckon(s.invoice, s.payments, start.Add(2*time.Minute))
	return &s.payments[slices.IndexFunc(s.payments, same)]
}

func (s *scene) left() money.USD {
	if s.invoice.Status == pay.Underpaid {
		return s.invoice.Remaining()
	}
	return due
}

// facts are the rows of the grid.
var facts = map[string]func(*scene) *pay.Payment{
	"deposit seen, all that is due": func(s *scene) *pay.Payment { return s.reckon(payment("p", s.left())) },
	"… its blocks are in doubt":     func(s *scene) *pay.Payment { return s.then(s.left(), pay.Doubtful) },
	"… final":                       func(s *scene) *pay.Payment { return s.then(s.left(), pay.Final) },
	"… dropped by the chain":        func(s *scene) *pay.Payment { return s.then(s.left(), pay.Doubtful, pay.Gone) },
	"… dropped, then mined in another block": func(s *scene) *pay.Payment {
		return s.again(start.Add(5 * time.Minute))
	},
	"… dropped, mined in another block, final": func(s *scene) *pay.Payment {
		return s.finalize(*s.again(start.Add(5 * time.Minute)))
	},
	"… dropped, mined after the expiry, final": func(s *scene) *pay.Payment {
		return s.finalize(*s.again(expiry.Add(time.Second)))
	},
	"deposit final, less than is due":                  func(s *scene) *pay.Payment { return s.final(s.left()-10*money.Cent, "p") },
	"deposit final, less than half a cent short":       func(s *scene) *pay.Payment { return s.final(s.left()-pay.PaidTolerance, "p") },
	"deposit final, twice what is due":                 func(s *scene) *pay.Payment { return s.final(2*s.left(), "p") },
	"deposit final, too little to be worth anything":   func(s *scene) *pay.Payment { return s.dust() },
	"deposit final, mined in the second of the expiry": func(s *scene) *pay.Payment { return s.minedAt(expiry) },
	"deposit final, mined after the expiry":            func(s *scene) *pay.Payment { return s.minedAt(expiry.Add(time.Second)) },
	"deposit final, of another token": func(s *scene) *pay.Payment {
		p := payment("p", s.left())
		p.TokenID = 3
		return s.finalize(p)
	},
	"deposit final, without a price": func(s *scene) *pay.Payment { return s.finalize(unpriced(s.left())) },
	"… then priced, all that is due": func(s *scene) *pay.Payment {
		p := *s.finalize(unpriced(s.left()))
		return s.reckon(p.ValuedBy(pay.Quote{ID: "market:p", Due: due, Units: units(int64(due) * 1000)}))
	},
	"deposit final, on another network": func(s *scene) *pay.Payment { return s.finalize(stray(s.left())) },
	"… seen on another network":         func(s *scene) *pay.Payment { return s.reckon(stray(s.left())) },
	"… on another network, dropped by the chain": func(s *scene) *pay.Payment {
		p := *s.reckon(stray(s.left()))
		p.Sight = pay.Gone
		return s.reckon(p)
	},
	"… on another network, without a price": func(s *scene) *pay.Payment {
		p := unpriced(s.left())
		p.Network, p.Expected, p.TokenID = "base", "ethereum", 7
		return s.finalize(p)
	},
	"the merchant accepts it, all that is due": func(s *scene) *pay.Payment { return s.accept(s.finalize(stray(s.left()))) },
	"… accepts less than is due":               func(s *scene) *pay.Payment { return s.accept(s.finalize(stray(s.left() - 10*money.Cent))) },
	"… accepts one that was mined after the expiry": func(s *scene) *pay.Payment {
		return s.accept(s.minedAt(expiry.Add(time.Second)))
	},
	"… accepts one of another token": func(s *scene) *pay.Payment {
		p := payment("p", s.left())
		p.TokenID = 3
		return s.accept(s.finalize(p))
	},
	"… sweeps one on another network": func(s *scene) *pay.Payment {
		p, err := s.finalize(stray(s.left())).Forward(start)
		if err != nil || p.Settlement.Status != pay.SettlementPending {
			panic(fmt.Sprint(p.Settlement, err))
		}
		return s.reckon(p)
	},
}

// stray is a payment of another network's token to an address for token 2 of ethereum, in
// a block of a much lower number.
func stray(usd money.USD) pay.Payment {
	p := payment("p", usd)
	p.Network, p.Expected, p.TokenID, p.Block.Height = "base", "ethereum", 7, 1
	return p
}

// accept accepts a payment and tries again, which changes nothing.
func (s *scene) accept(p *pay.Payment) *pay.Payment {
	for range 2 {
		accepted, err := p.Accept()
		if err != nil {
			panic(err)
		}
		p = s.reckon(accepted)
	}
	return p
}

// asks are the rows of the grid that somebody asks for; their answer may be no.
var asks = map[string]func(*scene) error{
	"expiry, before its time": func(s *scene) error {
		s.invoice = s.invoice.Expire(expiry.Add(-time.Millisecond))
		return nil
	},
	"expiry, at its time": func(s *scene) error { s.invoice = s.invoice.Expire(expiry); return nil },
	"cancel":              func(s *scene) error { return s.cancel() },
	"cancel, with a payment on its way": func(s *scene) error {
		s.reckon(payment("p", s.left()))
		return s.cancel()
	},
	"cancel, after the chain dropped the payment": func(s *scene) error {
		s.then(s.left(), pay.Gone)
		return s.cancel()
	},
	"… accepts one that is not final":      func(s *scene) error { return refusal(s.reckon(stray(s.left())).Accept()) },
	"… accepts one that the chain dropped": func(s *scene) error { return refusal(s.then(s.left(), pay.Gone).Accept()) },
	"… accepts one without a price": func(s *scene) error {
		p := unpriced(s.left())
		p.TokenID = 7
		return refusal(s.finalize(p).Accept())
	},
}

func refusal(_ pay.Payment, err error) error { return err }

func (s *scene) cancel() (err error) {
	s.invoice, err = s.invoice.Cancel(s.payments)
	return err
}

func (s *scene) then(usd money.USD, sights ...pay.Sight) *pay.Payment {
	p := s.reckon(payment("p", usd))
	for _, sight := range sights {
		next := *p
		next.Sight = sight
		p = s.reckon(next)
	}
	return p
}

// again drops a payment and mines it in another block.
func (s *scene) again(at time.Time) *pay.Payment {
	p := *s.then(s.left(), pay.Gone)
	p.Block, p.Sight = pay.Block{Height: 12, Hash: "h12", Time: at}, pay.Seen
	return s.reckon(p)
}

func (s *scene) finalize(p pay.Payment) *pay.Payment {
	p.Sight = pay.Final
	return s.reckon(p)
}

func (s *scene) minedAt(at time.Time) *pay.Payment {
	p := payment("p", s.left())
	p.Block.Time = at
	return s.finalize(p)
}

func (s *scene) dust() *pay.Payment {
	p := payment("p", 0)
	p.Units = units(1)
	return s.finalize(p)
}

func unpriced(usd money.USD) pay.Payment {
	p := payment("p", usd)
	p.QuoteID, p.QuoteDue, p.QuoteUnits = "", 0, money.Units{}
	return p
}

func TestGrid(t *testing.T) {
	t.Parallel()
	rows := table(grid)
	if want := "Fact unpaid underpaid paid expired canceled"; strings.Join(rows[0], " ") != want {
		t.Fatalf("the columns are %q", rows[0])
	}
	named := map[string]bool{}
	for _, row := range rows[1:] {
		named[row[0]] = true
		for n, status := range pay.InvoiceStatuses {
			s := in(status)
			if s.invoice.Status != status {
				t.Fatalf("an invoice that is to be %s is %s", status, s.invoice.Status)
			}
			var got string
			switch fact, ask := facts[row[0]], asks[row[0]]; {
			case fact != nil:
				p := fact(s)
				got = fmt.Sprintf("%s · %s", s.invoice.Status, p.Status)
				if p.Reason != "" {
					got += " (" + p.Reason + ")"
				}
				sane(t, s)
			case ask != nil:
				if got = "refused"; ask(s) == nil {
					got = string(s.invoice.Status)
				}
			default:
				t.Fatalf("no test knows the fact %q", row[0])
			}
			if n+1 >= len(row) || got != row[n+1] {
				t.Errorf("%s, of an invoice that is %s: %s, want %v", row[0], status, got, row[1:])
			}
		}
	}
	for name := range facts {
		if !named[name] {
			t.Errorf("the grid has no row for %q", name)
		}
	}
	for name := range asks {
		if !named[name] {
			t.Errorf("the grid has no row for %q", name)
		}
	}
}

// The document shows the grid, and its chart of the invoice has the grid's moves.
func TestStatesDocument(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for _, line := range strings.Split(strings.TrimSpace(grid), "\n") {
		if !strings.Contains(doc, line+"\n") {
			t.Errorf("docs/states.md lacks the row\n%s", line)
		}
	}
	moves := map[string]bool{}
	for _, row := range table(grid)[1:] {
		for n, from := range pay.InvoiceStatuses {
			to, _, _ := strings.Cut(row[n+1], " ")
			if to != string(from) && to != "refused" {
				moves[fmt.Sprintf("%s --> %s", from, to)] = true
			}
		}
	}
	chart := section(doc, "## Invoice", "## ")
	for move := range moves {
		if !strings.Contains(chart, "    "+move) {
			t.Errorf("the chart of the invoice lacks %q", move)
		}
	}
	for _, line := range strings.Split(chart, "\n") {
		move, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if move = strings.TrimSpace(move); strings.Contains(move, " --> ") && !strings.Contains(move, "[*]") && !moves[move] {
			t.Errorf("the chart of the invoice has %q, the grid has not", move)
		}
	}
	for heading, states := range map[string][]string{
		"## Payment":    {string(pay.PaymentPending), string(pay.PaymentConfirmed), string(pay.PaymentUnderpaid), string(pay.PaymentManualRetry), pay.ReasonLate, pay.ReasonReorged, pay.ReasonUnpriced, pay.ReasonWrongToken, pay.ReasonWrongNetwork},
		"## Settlement": {string(pay.SettlementPending), string(pay.SettlementProcessing), string(pay.SettlementSettled), string(pay.SettlementFailed), string(pay.SettlementManual)},
		"## Delivery":   {string(pay.DeliveryDue), string(pay.DeliveryDone), string(pay.DeliveryDead)},
	} {
		chart := section(doc, heading, "## ")
		for _, s := range states {
			if !strings.Contains(chart, s) {
				t.Errorf("%q of docs/states.md does not show %q", heading, s)
			}
		}
	}
}

// table returns the cells of a Markdown table, without the line under its head.
func table(text string) (rows [][]string) {
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if cells := strings.Split(strings.Trim(line, "| "), " | "); !strings.HasPrefix(line, "|---") {
			rows = append(rows, cells)
		}
	}
	return rows
}

func section(doc, heading, until string) string {
	_, rest, _ := strings.Cut(doc, heading+"\n")
	body, _, _ := strings.Cut(rest, "\n"+until)
	return body
}
