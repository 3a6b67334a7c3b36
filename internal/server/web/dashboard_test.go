package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/server/web"
)

func TestDashboardDocument(t *testing.T) {
	t.Parallel()
	const evil = `"'></pre><script>alert(1)</script><img src=x onerror=alert(2)>`
	draw := func(d web.DashboardData) string {
		var b strings.Builder
		if err := web.Dashboard(&b, d); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	i := web.DashboardInvoice{ID: evil, Title: evil, Description: evil, Status: evil, Amount: evil, Paid: evil}
	html := draw(web.DashboardData{Merchant: evil, URL: evil, Key: evil, Invoices: []web.DashboardInvoice{i}, Writes: true, Payments: []web.DashboardPayment{{
		ID: evil, Invoice: i, Reason: evil, Worth: evil, Tokens: evil, Symbol: evil, Network: evil, Asked: evil, AskedOn: evil, Settlement: "manual", Hindrance: evil,
	}}})
	if strings.Count(html, "<script") != 1 || strings.Contains(html, "<img") {
		t.Error("a hostile string became markup")
	}
	for age, want := range map[time.Duration]string{
		-time.Second: "0 s ago", 59 * time.Second: "59 s ago", time.Minute: "1 min ago", 90 * time.Minute: "1 h ago", 49 * time.Hour: "2 d ago",
	} {
		if html := draw(web.DashboardData{Invoices: []web.DashboardInvoice{{Age: age}}}); !strings.Contains(html, want) {
			t.Errorf("the age %s is not shown as %s", age, want)
		}
	}
	if html := draw(web.DashboardData{Endpoints: 1}); !strings.Contains(html, "1 webhook endpoint<") || !strings.Contains(html, "None yet") {
		t.Error("an empty dashboard shows neither its endpoint nor that there is no invoice")
	}
}

// A title that only repeats the merchant's name makes way for the description.
func TestSubject(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ title, description, subject, details string }{
		{"Order 7", "A mug", "Order 7", "A mug"},
		{"Corner", "A mug", "A mug", ""},
		{"", "A mug", "A mug", ""},
		{"Corner", "", "Payment", ""},
	} {
		html := render(t, web.PageData{Merchant: "Corner", Title: c.title, Description: c.description, Footer: "Corner"})
		if !strings.Contains(html, "<h1>"+c.subject+"</h1>") || strings.Contains(html, `class="desc"`) != (c.details != "") {
			t.Errorf("title %q, description %q: want %q and %q", c.title, c.description, c.subject, c.details)
		}
		if strings.Contains(html, "<footer><p>Corner") {
			t.Error("the footer repeats the merchant's name")
		}
	}
}
