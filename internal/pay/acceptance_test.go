package pay_test

import (
	"fmt"
	"testing"

	"github.com/pepay/pepay/internal/pay"
)

// Every policy × every kind of token × whether the invoice is begun in it.
func TestAcceptanceGrid(t *testing.T) {
	t.Parallel()
	const free, blocked = 1, 2
	want := map[string]string{
		"accept_all":  "free true, blocked true, underpaid free true, underpaid blocked true, another false",
		"selective":   "free true, blocked false, underpaid free true, underpaid blocked true, another false",
		"accept_none": "free false, blocked false, underpaid free true, underpaid blocked true, another false",
	}
	for _, p := range pay.AcceptancePolicies {
		a := pay.Acceptance{Policy: p, Blocked: []int64{blocked}}
		begun := func(token int64) pay.Invoice {
			return pay.Invoice{Status: pay.Underpaid, LockedTokenID: token}
		}
		got := fmt.Sprintf("free %t, blocked %t, underpaid free %t, underpaid blocked %t, another %t", a.Offers(pay.Invoice{}, free), a.Offers(pay.Invoice{}, blocked),
			a.Offers(begun(free), free), a.Offers(begun(blocked), blocked), a.Offers(begun(blocked), free))
		if got != want[string(p)] {
			t.Errorf("%s: %s", p, got)
		}
		for _, block := range []bool{true, false} {
			after, policy := a.Block(free, block), p
			if block && p == pay.AcceptAll {
				policy = pay.Selective
			}
			if after.Policy != policy || policy == pay.Selective && after.Takes(free) == block || policy == pay.Selective && after.Takes(blocked) != (p == pay.AcceptAll) {
				t.Errorf("%s, block %t: %+v", p, block, after)
			}
		}
	}
	if (pay.Acceptance{}).Takes(free) {
		t.Error("no policy takes a token")
	}
}
