package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// startDevPair is startDev on two networks of one kind.
func startDevPair(t *testing.T, database string) (a, other *testkit.App) {
	var key atomic.Pointer[string]
	a, other = testkit.StartPair(t, database, func(o *app.Options) {
		o.TestWallet = func(context.Context, billing.Allocation) (string, error) {
			return "", errors.New("nobody asked for it")
		}
		o.DashboardKey = func() string { return *key.Load() }
	})
	key.Store(&a.Key)
	return a, other
}

// astray is an invoice that was paid where it was not to be.
func astray(t *testing.T, a, other *testkit.App, what string, n int64) api.Payment {
	t.Helper()
	made, payor := a.Open(fmt.Sprintf(`{"amount_usd":%d,"description":%q}`, n, what))
	other.Pay(contracts.TestDollar, a.Allocate(payor, testkit.Dollar).TempAddress, dollars(n))
	return stray(t, a, other, made.InvoiceID, "it waits for its merchant", waits)
}

// signIn returns the access token of somebody new with a role.
func signIn(t *testing.T, a *testkit.App, r pay.Role) string {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	w := pay.Wallet{Type: "ethereum", Address: crypto.PubkeyToAddress(key.PublicKey).Hex()}
	err = a.Billing.SaveMember(t.Context(), a.Merchant.ID, w, r)
	c, message, e := a.Billing.Challenge(t.Context(), w)
	signature, bad := crypto.Sign(accounts.TextHash([]byte(message)), key)
	if err = errors.Join(err, e, bad); err != nil {
		t.Fatal(err)
	}
	signature[64] += 27
	v, err := a.Billing.SignIn(t.Context(), c.ID, w, signature)
	if err != nil {
		t.Fatal(err)
	}
	return v.Token
}

const focused = `document.activeElement.id`

// On the dashboard a merchant counts one payment that went astray, has another's money sent,
// and is told what the API says to what cannot be.
func TestDecideInTheBrowser(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a, other := startDevPair(t, url)
		beans, mug, coffee := astray(t, a, other, "Beans", 4), astray(t, a, other, "A mug", 10), astray(t, a, other, "Two bags of coffee", 25)
		const listed = `[...document.querySelectorAll(".needs b[id]")].map(b => b.textContent).join()`
		tb := newTab(t)
		tb.Forgive("/api/v1/invoices/") // what it refuses
		tb.Size(360, 740)
		tb.Open(a.URL)
		const why, still = "Wrong network: you asked for DUSDC on Ethereum, and DUSDC came on BSC.", "The money waits on BSC until you decide."
		tb.See("Payments that need you", "25.000000 DUSDC $25.00 "+why+" "+still+" It came for Two bags of coffee, $25.00, which is unpaid.",
			"10.000000 DUSDC $10.00 "+why, "Count it towards this invoice Move the money to me, leave the invoice as it is")
		tb.Wait(listed + ` === "25.000000 DUSDC,10.000000 DUSDC,4.000000 DUSDC"`)
		wide := func() {
			t.Helper()
			if got := tb.JS(`document.documentElement.scrollWidth`); got != "360" {
				t.Errorf("on a phone the page is %s wide", got)
			}
		}
		wide()
		tb.shoot("dashboard-payments")
		tb.Theme("dark")
		tb.Save("dashboard-payments-dark-phone.png", 360, 740)
		tb.Theme("light")
		tb.Size(360, 740)

		count := "accept-" + coffee.ID
		ask := func(button string) {
			t.Helper()
			tb.JS(fmt.Sprintf(`document.getElementById(%q).focus()`, button))
			tb.Press("Enter")
			tb.Wait(`document.getElementById("ask").open`)
		}
		ask(count)
		tb.See("Count $25.00 towards Two bags of coffee?", "becomes paid", "sent to you on BSC", "You cannot take this back.", "Leave it for now")
		tb.SaveWindow("dashboard-ask-phone.png")
		wide()
		if got := tb.JS(`document.querySelector("#ask").getAttribute("aria-labelledby") + " " + ` + focused); got != "ask-title ask-no" {
			t.Errorf("the question, and what pressing Enter once more does: %s", got)
		}
		tb.Click("#ask-no")
		tb.Wait(`!document.getElementById("ask").open && ` + focused + ` === "` + count + `"`)
		if p := a.Payments(coffee.InvoiceID)[0]; !waits(p) || p.Settlement != nil {
			t.Errorf("not asked for, it is %+v", p)
		}
		tb.JS(`document.getElementById("list").append("old")`) // the page notices that it is out of date
		tb.Wait(`!document.getElementById("list").textContent.endsWith("old") && ` + focused + ` === "` + count + `"`)
		ask(count)
		tb.Click("#ask-yes")
		tb.See("Counted. Nothing is due any more. The money is sent to you.", "Two bags of coffee paid $25.00")
		tb.Wait(`document.getElementById("live").textContent.startsWith("Counted.") && document.getElementById("live").ariaLive === "polite"`)
		tb.Wait(`!document.getElementById("` + count + `") && ` + focused + ` === "needs"`)
		stray(t, a, other, coffee.InvoiceID, "its money is where it belongs", arrived)

		ask("sweep-" + mug.ID)
		tb.See("Move $10.00 to you?", "The money is sent to you on BSC. Nothing is counted: the invoice stays unpaid.", "You can still count it later.")
		tb.Click("#ask-yes")
		tb.See("The money is on its way to you. The invoice stays as it is.", "which is unpaid")
		tb.Wait(`!document.getElementById("sweep-` + mug.ID + `") && ` + focused + ` === "needs"`)
		stray(t, a, other, mug.InvoiceID, "it is where it belongs", arrived)
		tb.See("The money has been sent to you. It came for A mug, $10.00, which is unpaid.")
		if s := a.Status(mug.InvoiceID).Invoice; s.Status != "unpaid" || s.AmountPaid != 0 {
			t.Errorf("the invoice is %s with %d", s.Status, s.AmountPaid)
		}
		tb.Wait(listed + ` === "4.000000 DUSDC,10.000000 DUSDC"`) // what still waits comes first

		ask("sweep-" + beans.ID)
		if status, body, err := decide(a, beans, "accept"); err != nil || status != http.StatusOK { // somebody else was quicker
			t.Fatalf("%d %s %v", status, body, err)
		}
		tb.Click("#ask-yes")
		tb.See("Only a payment that is manual_retry can be swept; this one is confirmed")
		tb.Wait(`document.getElementById("result").matches(".bad") && document.getElementById("live").textContent.startsWith("Only a payment")`)
		wide()
		ask("accept-" + mug.ID)
		tb.JS(`fetch = () => Promise.reject(new Error())`)
		tb.Click("#ask-yes")
		tb.See("No answer came. It may have been done all the same", "Connection lost.")
		tb.Wait(focused + ` === "accept-` + mug.ID + `"`)
	})
}

// Who may only read sees what is the matter, and neither buttons nor the key.
func TestViewerDecidesNothing(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a, other := startDevPair(t, url)
		p := astray(t, a, other, "A mug", 10)
		for role, buttons := range map[pay.Role]string{pay.RoleViewer: "0", pay.RoleDeveloper: "4", pay.RoleOwner: "4"} { // two to decide, a form and its own
			tb := newTab(t)
			tb.Forgive("/") // what is refused
			tb.Send("Authorization", "Bearer "+signIn(t, a, role))
			tb.Open(a.URL)
			tb.See("Payments that need you", "Wrong network: you asked for DUSDC on Ethereum, and DUSDC came on BSC.", "The money waits on BSC until you decide.", "Latest invoices")
			if got := tb.JS(`document.querySelectorAll("#list button, #new button, .copy").length + (document.querySelector("#new") ? 1 : 0)`); got != buttons {
				t.Errorf("%s: %s buttons and forms, want %s", role, got, buttons)
			}
			if tb.JS(`document.documentElement.outerHTML.includes("`+a.Key+`")`) != "false" {
				t.Errorf("%s is told the key", role)
			}
			if role != pay.RoleViewer {
				continue
			}
			tb.See("You may look at everything here, and change nothing.")
			tb.Wait(`fetch("/api/v1/invoices/` + p.InvoiceID + `/payments/` + p.ID + `/accept", {method: "POST"}).then(r => r.status === 403)`)
			tb.Wait(`fetch("/", {method: "POST", body: new URLSearchParams({amount: "1"})}).then(r => r.status === 403)`)
		}
		if got := a.Payments(p.InvoiceID)[0]; !waits(got) || got.Settlement != nil {
			t.Errorf("it is %+v", got)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+"/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer nobody's")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a token of nobody's: %v %v", resp, err)
		}
	})
}
