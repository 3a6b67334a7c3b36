package web_test

import (
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/server/web"
)

// What the dashboard says of a payment that does not count, and what it lets be done.
func TestDashboardPayment(t *testing.T) {
	t.Parallel()
	const asked = "you asked for USDC on Base, and USDT came on Arbitrum."
	for name, c := range map[string]struct {
		reason, settlement, worth string
		stays                     bool
		why, where, value         string
		moves                     bool
	}{
		"wrong network":       {"wrong_network", "", "25.00", false, "Wrong network: " + asked, "The money waits on Arbitrum until you decide.", "$25.00", true},
		"without a price":     {"wrong_network", "", "", false, "Wrong network: " + asked, "The money waits on Arbitrum until you decide.", "price not known yet", true},
		"on its way":          {"wrong_network", "pending", "25.00", false, "Wrong network: " + asked, "The money is on its way to you.", "$25.00", false},
		"sent":                {"wrong_network", "processing", "25.00", false, "Wrong network: " + asked, "The money is on its way to you.", "$25.00", false},
		"arrived":             {"wrong_network", "settled", "25.00", false, "Wrong network: " + asked, "The money has been sent to you.", "$25.00", false},
		"failed":              {"wrong_network", "failed", "25.00", false, "Wrong network: " + asked, "The money could not be sent to you: no relayer.", "$25.00", true},
		"nobody moves it":     {"late", "manual", "25.00", false, "Too late: it came when the invoice could no longer be paid.", "The money could not be sent to you: no relayer.", "$25.00", true},
		"late":                {"late", "pending", "25.00", false, "Too late: it came when the invoice could no longer be paid.", "The money is on its way to you.", "$25.00", false},
		"wrong token":         {"wrong_token", "pending", "25.00", true, "Wrong token: " + asked, "The money is sent to you by itself once the invoice is closed.", "$25.00", false},
		"wrong token, closed": {"wrong_token", "pending", "25.00", false, "Wrong token: " + asked, "The money is on its way to you.", "$25.00", false},
		"another reason":      {"new_reason", "settled", "25.00", false, "It does not count: new_reason.", "The money has been sent to you.", "$25.00", false},
	} {
		d := web.DashboardData{Key: "k", Payments: []web.DashboardPayment{{
			ID: "p", Invoice: web.DashboardInvoice{ID: "i", Title: "Order 7", Status: "unpaid", Amount: "30.00"}, Reason: c.reason, Worth: c.worth, Tokens: "25.000000", Symbol: "USDT",
			Network: "Arbitrum", Asked: "USDC", AskedOn: "Base", Settlement: c.settlement, Hindrance: "no relayer", Stays: c.stays,
		}}}
		for _, d.Writes = range []bool{true, false} {
			var b strings.Builder
			if err := web.Dashboard(&b, d); err != nil {
				t.Fatal(err)
			}
			html := b.String()
			for _, s := range []string{"Payments that need you", "25.000000 USDT", ">" + c.value + "<", ">" + c.why + "<", ">" + c.where + " It came for <b>Order 7</b>, $30.00, which is unpaid."} {
				if !strings.Contains(html, s) {
					t.Errorf("%s: %q is not shown", name, s)
				}
			}
			for act, want := range map[string]bool{"accept": d.Writes, "sweep": d.Writes && c.moves} {
				if got := strings.Contains(html, `data-act="`+act+`"`); got != want {
					t.Errorf("%s, writes %v: %s is offered: %v", name, d.Writes, act, got)
				}
			}
			if strings.Contains(html, `id="new"`) != d.Writes || strings.Contains(html, "change nothing") == d.Writes {
				t.Errorf("%s, writes %v: a form for a new invoice", name, d.Writes)
			}
			if d.More = !d.More; strings.Contains(html, "There are more.") == d.More {
				t.Errorf("%s: more is shown wrongly", name)
			}
		}
	}
	var b strings.Builder
	if err := web.Dashboard(&b, web.DashboardData{Writes: true}); err != nil || strings.Contains(b.String(), "need you") || strings.Contains(b.String(), "From your code") {
		t.Errorf("without payments and key: %v", err)
	}
}
