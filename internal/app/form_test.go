package app_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/testkit"
)

// answersTo returns what the merchant reads of an invoice's answers: each as "id=answer".
func answersTo(t *testing.T, a *testkit.App, invoice string) (all string, v api.InvoiceAnswers) {
	t.Helper()
	v = testkit.Ask[api.InvoiceAnswers](t, "GET", a.URL+"/api/v1/invoices/"+invoice+"/answers", "", testkit.Headers{"x-api-key", a.Key})
	for _, one := range v.Answers {
		if all += one.QuestionID + "="; one.Response != nil {
			all += *one.Response
		}
		all += ";"
	}
	return all, v
}

// The payor cannot choose a token before the merchant's questions are answered. The
// answers reach the merchant and no event, and are not asked for again.
func TestBrowserAsks(t *testing.T) {
	t.Parallel()
	a, tb := startDev(t, nil), newTab(t)
	made, _ := a.Open(`{"amount_usd":25.50,"description":"Two bags of coffee","invoice_title":"Order 10482","invoice_footer":"12 Mill Lane, Bristol","questions":{"questions":[
		{"id":"name","question":"Whose name goes on the bags?","type":"text","validation":{"required":true}},
		{"id":"mail","question":"Where do we send the receipt?","type":"email","validation":{"required":true}},
		{"id":"day","question":"When shall we deliver?","type":"date"}]}}`)
	tb.open(made)
	tb.See("Order 10482", "12 Mill Lane, Bristol", "Before you pay", "Corner Coffee would like to know:", "Whose name goes on the bags? required", "When shall we deliver? optional")
	tb.shoot("questions")
	tb.Click("#save")
	tb.See("Please fill this in.")
	tb.Press("Ann")
	tb.Press("Tab")
	tb.Press("ann@nowhere")
	tb.Press("Enter")
	tb.See("This does not look like an email address.")
	if got := tb.JS("document.getElementById('q1').value"); got != "ann@nowhere" {
		t.Errorf("the typed address became %q", got)
	}
	if got := tb.JS("document.getElementById('v-choose').checkVisibility()"); got != "false" {
		t.Error("tokens are offered before the questions are answered")
	}
	if _, v := answersTo(t, a, made.InvoiceID); v.SubmittedAt != nil {
		t.Errorf("something was kept: %+v", v)
	}
	tb.Press(".example.com")
	tb.Press("Enter")
	tb.See("How would you like to pay?", "Your answers")
	if got, v := answersTo(t, a, made.InvoiceID); got != "name=Ann;mail=ann@nowhere.example.com;day=;" || v.SubmittedAt == nil || v.CustomerEmail != nil {
		t.Errorf("the merchant reads %s %+v", got, v)
	}
	if es := testkit.Events(t, a.Store, a.Merchant.ID); len(es) != 1 || strings.Contains(string(es[0].Object), "nowhere") {
		t.Errorf("events: %+v", es)
	}
	for _, then := range []func(){tb.Reload, func() { tb.open(made) }} {
		then()
		tb.See("How would you like to pay?", "Your answers")
		tb.Click("summary")
		tb.See("Whose name goes on the bags? Ann", "When shall we deliver? No answer")
	}
	tb.shoot("answers")
	tb.Wait("!document.getElementById('go').disabled")
	tb.Click("input[value='10']")
	tb.Click("#go")
	tb.See("Send exactly 25.500000 DUSDC")
	tb.Reload()
	tb.See("Send exactly 25.500000 DUSDC", "Your answers")
	tb.Wait("!document.getElementById('test').disabled")
	tb.Click("#test")
	tb.See("Payment sent")
	mineSent(t, a)
	a.Mine(2)
	tb.See("Paid. Thank you.")
	tb.Reload()
	tb.See("Paid. Thank you.")
	if got := tb.JS("document.body.innerText.includes('Your answers')"); got != "false" {
		t.Error("the page of a paid invoice still has the answers")
	}
}

// What need not be answered can be skipped, once and for all; an address to write to is
// offered along with questions, and kept where the API keeps it.
func TestBrowserSkips(t *testing.T) {
	t.Parallel()
	a, tb := startDev(t, nil), newTab(t)
	made, payor := a.Open(`{"amount_usd":1,"questions":{"questions":[{"id":"q","question":"Anything else?","type":"long"}]}}`)
	tb.open(made)
	tb.See("Anything else? optional", "Your email address optional", "Skip")
	tb.Wait("!document.getElementById('save').disabled")
	tb.Click("#skip")
	tb.See("How would you like to pay?")
	testkit.Eventually(t, "the server knows", func() bool { _, v := answersTo(t, a, made.InvoiceID); return v.SubmittedAt != nil })
	tb.Reload()
	tb.See("How would you like to pay?", "Your answers")
	tb.Click("#amend")
	tb.See("Before you pay", "Back")
	tb.JS("document.getElementById('q1').focus()")
	tb.Press("Ann@X.io")
	tb.Press("Enter")
	tb.See("How would you like to pay?")
	if got := testkit.Ask[api.CustomerEmail](t, "GET", a.URL+"/api/v1/payments/customer-email", "", payor); got.Email == nil || *got.Email != "ann@x.io" {
		t.Errorf("%+v", got)
	}
	tb.Reload()
	tb.See("Your answers")
	tb.Click("summary")
	tb.See("Anything else? No answer", "Your email address ann@x.io")
}

// Whatever merchants and payors write is text on the page, and changes nothing else.
func TestBrowserHostileTexts(t *testing.T) {
	t.Parallel()
	const evil = `</script><script>hacked=1</script><img src=x onerror=hacked=1>"'{{.}}`
	a, tb := startDev(t, nil), newTab(t)
	quote := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	made, payor := a.Open(`{"amount_usd":1,"invoice_title":` + quote(strings.Repeat("W", 255)) + `,"description":` + quote("\u202e"+evil) + `,"invoice_footer":` + quote(evil) +
		`,"questions":{"questions":[{"id":"\"'><b>","question":` + quote(evil) + `,"type":"<i>"},{"id":"rtl","question":"` + "\u202eשלום" + `","type":"EMAIL"}]}}`)
	body := `{"responses":[{"question_id":"\"'><b>","response":` + quote(evil) + `}]}`
	if v := testkit.Ask[api.Succeeded](t, "POST", a.URL+"/api/v1/payments/submit-form", body, payor); !v.Success {
		t.Fatal(v)
	}
	tb.open(made)
	tb.See("How would you like to pay?", strings.Repeat("W", 255), evil)
	tb.Click("summary")
	tb.See(evil+" "+evil, "\u202eשלום No answer")
	tb.Click("#amend")
	tb.See(evil+" optional", "\u202eשלום optional", "Back")
	for _, width := range []int64{320, 1280} {
		tb.Size(width, 640)
		if got := tb.JS("document.documentElement.scrollWidth - innerWidth"); got != "0" {
			t.Errorf("at %d the page is %s wider", width, got)
		}
	}
	if got := tb.JS("[typeof hacked, document.images.length, document.scripts.length, document.querySelectorAll('#ask b, #ask i, #said b').length]"); got != "undefined,1,2,0" {
		t.Errorf("the page became another: %s", got)
	}
	if got := tb.JS("document.getElementById('q0').value"); got != evil {
		t.Errorf("the answer became %s", got)
	}
}
