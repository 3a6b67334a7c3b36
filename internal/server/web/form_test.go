package web_test

import (
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/server/web"
)

// An invoice that asks nothing has a page without a trace of questions.
func TestPageAsksNothing(t *testing.T) {
	t.Parallel()
	html := render(t, usual())
	for _, s := range []string{"form.js", "v-ask", "said", "Before you pay"} {
		if strings.Contains(html, s) {
			t.Errorf("it has %s", s)
		}
	}
}

// ask is the state of a field: what is typed, and the words beside it.
const ask = `((n) => { const i = document.getElementById("q" + n), e = document.getElementById(i.getAttribute("aria-describedby")); return i.value + "|" + i.ariaInvalid + "|" + (e.checkVisibility() ? e.textContent : "") })`

// What is required is asked for until it is there, in words beside the field, and
// nothing that was typed gets lost.
func TestPageAsks(t *testing.T) {
	t.Parallel()
	tb := newTab(t)
	tb.Forgive("/api/v1/payments/submit-form")
	s := newShop(t, asks)
	s.mute = true
	says := func(n, want string) {
		t.Helper()
		if got := tb.JS(ask + "(" + n + ")"); got != want {
			t.Errorf("field %s: %s, want %s", n, got, want)
		}
	}
	tb.open(s)
	tb.Wait("!document.getElementById('save').disabled")
	for n, want := range []string{"text on null", "email email email", "text off decimal", "date null null", "url url url"} {
		if got := tb.JS("((i) => i.type + ' ' + i.getAttribute('autocomplete') + ' ' + i.getAttribute('inputmode'))(document.getElementById('q" + string(rune('0'+n)) + "'))"); got != want {
			t.Errorf("field %d: %s, want %s", n, got, want)
		}
	}
	tb.Click("#save")
	says("0", "|true|Please fill this in.")
	says("1", "|true|Please fill this in.")
	says("2", "|null|")
	tb.Wait("document.activeElement.id === 'q0' && document.activeElement.labels[0].innerText.startsWith('Whom')")
	tb.Press("  Ann ")
	says("0", "  Ann |null|") // as soon as it is right
	tb.Press("Tab")
	for _, c := range []struct{ n, typed, kept, words string }{
		{"1", "ann@x", "ann@x", "This does not look like an email address. One looks like name@example.com."},
		{"1", "a..b@x.io", "a..b@x.io", "This does not look like an email address. One looks like name@example.com."},
		{"2", "a dozen", "a dozen", "Please enter a number, such as 12 or 7.5."},
		{"4", "my site", "my site", "Please enter a web address, such as example.com."},
		{"0", strings.Repeat("é", 1001), strings.Repeat("é", 1001), "This is too long. Please shorten it."},
	} {
		tb.JS("(document.activeElement.blur(), document.getElementById('q" + c.n + "').value = '', document.getElementById('q" + c.n + "').focus())")
		if len(c.typed) < 100 {
			tb.Press(c.typed)
		} else {
			tb.JS("document.activeElement.value = '" + c.typed + "'")
		}
		tb.Click("#save")
		says(c.n, c.kept+"|true|"+c.words)
	}
	tb.Wait("document.getElementById('live').textContent === 'Please enter a web address, such as example.com.'") // the last one left wrong
	tb.shots("ask-bad")
	for n, v := range []string{" Ann ", "Ann@X.io", "-7.5", "2026-01-31", "x.io/me"} {
		tb.JS("((i) => (i.value = '" + v + "', i.dispatchEvent(new Event('input', {bubbles: true}))))(document.getElementById('q" + string(rune('0'+n)) + "'))")
	}
	tb.Reload() // what was typed outlives it
	tb.Wait("document.getElementById('q4')?.value === 'x.io/me'")
	tb.Click("#save")
	tb.See("We could not reach the payment server. Please try again. Your answers are still here.")
	tb.shots("ask-offline")
	says("0", "Ann|null|")
	s.mu.Lock()
	s.mute = false
	s.mu.Unlock()
	tb.JS("(document.getElementById('save').click(), document.getElementById('save').click())")
	tb.See("How would you like to pay?", "Your answers")
	tb.Wait("document.activeElement.textContent === 'How would you like to pay?'")
	tb.Wait("sessionStorage.length === 0")
	s.mu.Lock()
	defer s.mu.Unlock()
	want := `{"responses":[{"question_id":"who","response":"Ann"},{"question_id":"mail","response":"Ann@X.io"},{"question_id":"n","response":"-7.5"},` +
		`{"question_id":"day","response":"2026-01-31"},{"question_id":"site","response":"https://x.io/me"}]}`
	if len(s.told) != 1 || s.told[0] != want {
		t.Errorf("told %q, want %s", s.told, want)
	}
}

// Answers can be changed until something is paid, and left as they were.
func TestPageAnswersChange(t *testing.T) {
	t.Parallel()
	tb := newTab(t)
	s := newShop(t, func(d *web.PageData) {
		d.Form = web.Form{Answered: true, Fields: []web.Field{{ID: "who", Label: "Whom for?", Type: "text", Value: "Ann"}, {Label: "Your email address", Type: "email", Required: true, Value: "ann@x.io"}}}
	})
	tb.open(s)
	tb.Wait("!document.getElementById('go').disabled")
	tb.Click("#go")
	tb.See("25.500000 USDC")
	tb.Click("summary")
	tb.See("Whom for? Ann", "Your email address ann@x.io")
	tb.Click("#amend")
	tb.See("Before you pay")
	tb.JS("document.getElementById('q0').value = 'Bob'")
	tb.Click("#skip") // "Back"
	tb.See("25.500000 USDC", "Whom for? Ann")
	tb.Click("#amend")
	tb.JS("document.getElementById('q0').value = 'Cem'")
	tb.JS("document.getElementById('q1').value = 'cem@x.io'")
	tb.Click("#save")
	tb.See("25.500000 USDC", "Whom for? Cem", "cem@x.io")
	s.set(func(st *web.State) { st.Payments = []web.Payment{transfer("pending", 1, "25.50")} })
	tb.See("1 of 12")
	tb.Wait("document.getElementById('said').hidden")
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.Join(s.told, " "); got != `{"email":"cem@x.io"} {"responses":[{"question_id":"who","response":"Cem"}]}` {
		t.Errorf("told %s", got)
	}
	if len(s.asked) != 1 {
		t.Errorf("the address was asked for again: %q", s.asked)
	}
}

// An invoice that was given an address by other means, or is paid in part, asks before
// it goes on; one whose payment is on its way does not.
func TestPageAsksFirst(t *testing.T) {
	t.Parallel()
	tb := newTab(t)
	s := newShop(t, func(d *web.PageData) {
		d.State.Status, d.State.AmountPaidUSD, d.State.AmountRemainingUSD = "underpaid", "10.00", "15.50"
		d.State.Locked = &web.Lock{Network: "ETHEREUM", TokenID: "1", Address: payTo}
		d.Form.Fields = []web.Field{{ID: "who", Label: "Whom for?", Type: "text", Required: true}}
	})
	tb.open(s)
	tb.See("Before you pay")
	s.set(func(st *web.State) { st.Payments = []web.Payment{transfer("pending", 1, "15.50")} })
	tb.See("1 of 12")
	s.set(func(st *web.State) { st.Payments = nil })
	tb.See("Before you pay")
	tb.JS("document.getElementById('q0').focus()")
	s.mu.Lock()
	if len(s.asked) != 0 {
		t.Errorf("an address was asked for: %q", s.asked)
	}
	s.mu.Unlock()
	tb.Press("Ann")
	tb.Press("Enter")
	tb.See("15.500000 USDC", "Your answers")
}
