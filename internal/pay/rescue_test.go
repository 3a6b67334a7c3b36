package pay_test

import (
	"fmt"
	"testing"

	"github.com/pepay/pepay/internal/pay"
)

// forwarding is what becomes of the settlement of a payment that is asked to be swept, for
// every sight and state it can be in; a dash is a refusal.
const forwarding = `
| Payment | none | pending | processing | settled | failed | manual |
|---|---|---|---|---|---|---|
| seen | - | - | - | - | - | - |
| dropped | - | - | - | - | - | - |
| on another network | pending | pending | processing | settled | pending | pending |
| of another token | pending | pending | processing | settled | pending | pending |
| accepted | - | - | - | - | - | - |
| confirmed | - | - | - | - | - | - |
| simulated | - | - | - | - | - | - |
`

func TestForwardGrid(t *testing.T) {
	t.Parallel()
	scenes := map[string]func(*scene) *pay.Payment{
		"seen": func(s *scene) *pay.Payment { return s.reckon(stray(due)) },
		"dropped": func(s *scene) *pay.Payment {
			return s.then(due, pay.Gone)
		},
		"on another network": func(s *scene) *pay.Payment { return s.finalize(stray(due)) },
		"of another token": func(s *scene) *pay.Payment {
			p := payment("p", due)
			p.TokenID = 3
			return s.finalize(p)
		},
		"accepted":  func(s *scene) *pay.Payment { return s.accept(s.finalize(stray(due))) },
		"confirmed": func(s *scene) *pay.Payment { return s.final(due, "p") },
		"simulated": func(s *scene) *pay.Payment {
			p := payment("p", due)
			p.Index, p.TokenID = pay.IndexSimulated, 3
			return s.finalize(p)
		},
	}
	rows := table(forwarding)
	if len(rows) != len(scenes)+1 {
		t.Errorf("%d rows for %d scenes", len(rows)-1, len(scenes))
	}
	for _, row := range rows[1:] {
		for n, status := range rows[0][1:] {
			p := *scenes[row[0]](in(pay.Unpaid))
			if p.Settlement = (pay.Settlement{ID: 7, Status: pay.SettlementStatus(status), Reason: "why"}); status == "none" {
				p.Settlement = pay.Settlement{}
			}
			before := p
			after, err := p.Forward(start)
			got := string(after.Settlement.Status)
			if err != nil {
				got = "-"
				if pay.CodeOf(err) != pay.CodePaymentState || after != before {
					t.Errorf("%s, %s: %v", row[0], status, err)
				}
			}
			if got != row[n+1] || after.Settlement.ID != before.Settlement.ID {
				t.Errorf("%s, %s: %s, want %s", row[0], status, got, row[n+1])
			}
			if got == status && after != before {
				t.Errorf("%s, %s: it is %+v, was %+v", row[0], status, after, before)
			}
		}
	}
}

// Addresses are shared by the networks of EVM, and by no others.
func TestShares(t *testing.T) {
	t.Parallel()
	for _, n := range pay.Networks {
		for _, other := range pay.Networks {
			want := n == other || n.Family() == pay.EVM && other.Family() == pay.EVM
			if n.Shares(other) != want {
				t.Errorf("%s and %s", n, other)
			}
		}
	}
	if fmt.Sprint(pay.NetworkName("arbitrum").Shares("base"), pay.NetworkName("arbitrum").Shares("sui")) != "true false" {
		t.Error("arbitrum")
	}
}
