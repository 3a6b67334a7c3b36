package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/server/web"
)

// fitted asserts that nothing sticks out sideways, on the narrowest phone we support.
func (tb tab) fitted() {
	tb.Helper()
	tb.Size(320, 640)
	if tb.JS("document.documentElement.scrollWidth <= 320") != "true" {
		tb.Errorf("the page is %s px wide on a screen of 320", tb.JS("document.documentElement.scrollWidth"))
	}
	tb.Size(1280, 900)
}

// audit lists visible texts with too little contrast and controls too small to touch.
const audit = `(() => {
 const rgb = s => s.match(/[\d.]+/g).map(Number);
 const lum = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((a, v, i) => a + v * [.2126, .7152, .0722][i], 0);
 const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] === undefined || c[3] === 1) return c } return [255, 255, 255] };
 const bad = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
 while (walk.nextNode()) {
  const e = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
  if (!text || !e.checkVisibility() || e.closest(".vh,svg")) continue;
  const [a, b] = [lum(rgb(getComputedStyle(e).color)), lum(ground(e))].sort((x, y) => y - x);
  if ((a + .05) / (b + .05) < 4.5) bad.push(((a + .05) / (b + .05)).toFixed(2) + " " + text);
 }
 for (const e of document.querySelectorAll("button,a.btn,.card input,.ask input,summary")) {
  const r = e.getBoundingClientRect();
  if (e.checkVisibility() && (r.height < 44 || r.width < 44)) bad.push(r.width + "x" + r.height + " " + e.textContent);
 }
 return bad.join("; ");
})()`

// legible runs the audit in both themes.
func (tb tab) legible(name string) {
	tb.Helper()
	for _, theme := range []string{"light", "dark"} {
		tb.Theme(theme)
		if got := tb.JS(audit); got != "" {
			tb.Errorf("%s, %s: %s", name, theme, got)
		}
	}
}

// evil wants to be anything but text.
const evil = `"'></script><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}`

// asks are questions of every kind.
func asks(d *web.PageData) {
	d.Form.Fields = []web.Field{
		{ID: "who", Label: "Whom is it for?", Type: "text", Required: true},
		{ID: "mail", Label: "Where may we write to?", Type: "email", Required: true},
		{ID: "n", Label: "How many cups a day?", Type: "number"},
		{ID: "day", Label: "When shall it come?", Type: "date"},
		{ID: "site", Label: "Anything else?", Type: "url"},
	}
}

func TestPageStates(t *testing.T) {
	t.Parallel()
	tb := newTab(t)
	unavailable := map[string]any{"quote_status": "unavailable", "success": false, "temp_address": nil, "retryable": true, "retry_after_seconds": 30}
	lock := &web.Lock{Network: "ETHEREUM", TokenID: "1", Address: payTo}
	paid := func(s *web.State) {
		at := s.ServerTime
		s.Status, s.PaidAt, s.AmountPaidUSD, s.AmountRemainingUSD = "paid", &at, "25.50", "0.00"
		s.Payments = []web.Payment{transfer("confirmed", 12, "25.50")}
	}
	for _, c := range []struct {
		name  string
		data  func(*web.PageData)
		quote map[string]any
		act   string // an element to press first
		see   []string
		title string
	}{
		{"choose", nil, nil, "", []string{"Fern & Field Coffee", "$25.50", "TEST", "Expires in 29:", "How would you like to pay?", "Continue with USDC"}, "Pay $25.50 · Fern & Field Coffee"},
		{"ask", asks, nil, "", []string{"Before you pay", "Fern & Field Coffee would like to know:", "Whom is it for? required", "Anything else? optional"}, "Pay $25.50 · Fern & Field Coffee"},
		{"ask-wrong", asks, nil, "#save", []string{"Please fill this in."}, ""},
		{"asked", func(d *web.PageData) { asks(d); d.Form.Answered = true }, nil, "", []string{"How would you like to pay?", "Your answers"}, ""},
		{"asked-open", func(d *web.PageData) { asks(d); d.Form.Answered = true }, nil, "summary", []string{"Whom is it for?", "No answer", "Change"}, ""},
		{"asked-pay", func(d *web.PageData) { asks(d); d.Form.Answered = true }, nil, "#go", []string{"25.500000 USDC", "Your answers"}, ""},
		{"ask-hostile", func(d *web.PageData) {
			d.Title, d.Footer = strings.Repeat("W", 255), strings.Repeat("a ", 127)+"\u202e"
			d.Form.Fields = []web.Field{{ID: evil, Label: evil, Type: evil, Value: evil}, {ID: "2", Label: strings.Repeat("M", 400), Type: "date"}, {ID: "3", Label: "\u202eשלום ABC", Type: "url"}}
		}, nil, "", []string{evil, "\u202eשלום ABC optional"}, ""},
		{"pay", nil, nil, "#go", []string{"Pay with USDC on Ethereum", "25.500000 USDC", "0x7Ad2", "Price held for 4:", "Open in wallet app", "Waiting for your payment"}, "Pay $25.50 · Fern & Field Coffee"},
		{"pay-long", func(d *web.PageData) { d.Tokens = d.Tokens[2:] }, nil, "#go", []string{"0.010489250000000000 ETH"}, ""},
		{"pay-test-wallet", func(d *web.PageData) { d.Dev = true }, nil, "#go", []string{"Pay with the test wallet"}, ""},
		{"unavailable", nil, unavailable, "#go", []string{"No price for USDC right now", "We try again in 0:", "Choose another token"}, ""},
		{"seen", func(d *web.PageData) { d.State.Payments = []web.Payment{transfer("pending", 0, "25.50")} }, nil, "", []string{"Payment seen", "0 of 12", "25.500000 USDC", "Confirming on Ethereum"}, "Confirming 0/12 · Fern & Field Coffee"},
		{"confirming", func(d *web.PageData) { d.State.Payments = []web.Payment{transfer("pending", 7, "25.50")} }, nil, "", []string{"Confirming your payment", "7 of 12", "0x8c1f5d…7c93de"}, "Confirming 7/12 · Fern & Field Coffee"},
		{"underpaid", func(d *web.PageData) {
			s := &d.State
			s.Status, s.AmountPaidUSD, s.AmountRemainingUSD, s.Locked = "underpaid", "10.00", "15.50", lock
			s.Payments = []web.Payment{transfer("underpaid", 12, "10.00")}
		}, nil, "", []string{"Left to pay $15.50", "Total $25.50", "Received $10.00", "$10.00 has arrived. Send the remaining $15.50", "15.500000 USDC"}, "Pay $15.50 · Fern & Field Coffee"},
		{"paid", func(d *web.PageData) { paid(&d.State) }, nil, "", []string{"Paid $25.50", "Paid. Thank you.", "Confirmed on Ethereum"}, "Paid · Fern & Field Coffee"},
		{"paid-return", func(d *web.PageData) { paid(&d.State); d.State.ReturnURL = "https://shop.example/thanks" }, nil, "", []string{"Return to Fern & Field Coffee"}, ""},
		{"review", func(d *web.PageData) {
			d.State.Status = "expired"
			d.State.Payments = []web.Payment{transfer("manual_retry", 12, "25.50")}
		}, nil, "", []string{"This invoice has expired", "Being looked at by the shop"}, ""},
		{"astray", func(d *web.PageData) {
			p := transfer("manual_retry", 12, "25.50")
			p.Network, p.NetworkName, p.ExpectedName = "arbitrum", "Arbitrum", "Ethereum"
			d.State.Payments = []web.Payment{p}
		}, nil, "#go", []string{"25.500000 USDC came on Arbitrum instead of Ethereum. Fern & Field Coffee has been told", "Pay with USDC on Ethereum"}, ""},
		{"astray-seen", func(d *web.PageData) {
			p := transfer("pending", 3, "25.50")
			p.Network, p.NetworkName, p.ExpectedName = "arbitrum", "Arbitrum", "Ethereum"
			d.State.Payments = []web.Payment{p}
		}, nil, "", []string{"came on Arbitrum instead of Ethereum", "Confirming on Arbitrum", "The network is confirming it now."}, ""},
		{"expired", func(d *web.PageData) { d.State.Status = "expired" }, nil, "", []string{"This invoice has expired"}, "Expired · Fern & Field Coffee"},
		{"canceled", func(d *web.PageData) { d.State.Status = "canceled" }, nil, "", []string{"This invoice was canceled"}, "Canceled · Fern & Field Coffee"},
		{"invalid", func(d *web.PageData) { *d = web.PageData{State: web.State{Status: "invalid"}} }, nil, "", []string{"This link does not open a payment"}, "Link not valid"},
		{"no-tokens", func(d *web.PageData) { d.Tokens = nil }, nil, "", []string{"No way to pay is open"}, ""},
		{"long", func(d *web.PageData) {
			d.Merchant = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
			d.Title, d.State.AmountUSD, d.State.AmountRemainingUSD = "https://example.com/a/very/long/title/without/any/space/in/it/at/all", "1234567.89", "1234567.89"
		}, nil, "#go", []string{"1234567.890000 USDC"}, ""},
	} {
		s := newShop(t, c.data)
		s.address = c.quote
		tb.open(s)
		if c.act != "" {
			tb.Wait("!document.querySelector('" + c.act + "').disabled") // the script has begun
			tb.Click(c.act)
		}
		tb.See(c.see...)
		if got := tb.JS("document.title"); c.title != "" && got != c.title {
			t.Errorf("%s: title %q, want %q", c.name, got, c.title)
		}
		if got := tb.JS("location.href"); got != s.URL+"/pay" {
			t.Errorf("%s: the address bar still says %s", c.name, got)
		}
		tb.fitted()
		tb.legible(c.name)
		tb.shots(c.name)
	}
}

// deaf takes the slow polls away, so that only the web socket can bring news.
const deaf = `const st = setTimeout; window.setTimeout = (f, ms, ...a) => ms >= 3000 ? 0 : st(f, ms, ...a)`

// TestPageStory pays in two parts by keyboard alone and hears the bell each time.
func TestPageStory(t *testing.T) {
	t.Parallel()
	tb := newTab(t, deaf)
	s := newShop(t, func(d *web.PageData) { d.Dev = true })
	s.data.State.ReturnURL = s.URL + "/pay/assets/thanks"
	until := func(expr string) {
		t.Helper()
		for range 12 {
			if tb.Press("Tab"); tb.JS(expr) == "true" {
				return
			}
		}
		t.Fatalf("the keyboard does not reach %s", expr)
	}
	tb.open(s)
	tb.See("Continue with USDC")
	until("document.activeElement.name === 'token'")
	tb.Press("ArrowDown")
	tb.Press("ArrowDown")
	tb.See("Continue with ETH")
	tb.Press("Enter")
	tb.See("0.010489250000000000 ETH")
	tb.Wait("document.activeElement.tagName === 'H2'") // focus follows the payor
	until("document.activeElement.id === 'change'")
	tb.Press("Enter")
	tb.Wait("document.activeElement.value === '3'")
	tb.Press("ArrowUp")
	tb.Press("ArrowUp")
	tb.Press("Enter")
	tb.See("25.500000 USDC")
	until("document.activeElement.dataset.copy === 'amount'")
	tb.Press("Enter")
	tb.See("Copied")
	tb.Wait("document.getElementById('live').textContent === 'Amount copied'")
	until("document.activeElement.id === 'test'")
	tb.Press("Enter")
	tb.See("Payment sent", "Show the payment details again")
	tb.Wait("document.activeElement.dataset.f === 'track-title'")
	tb.shots("sent")
	s.drop() // the page rings again, and looks as soon as it is through
	s.set(func(st *web.State) { st.Payments = []web.Payment{transfer("pending", 3, "10.00")} })
	tb.See("3 of 12")
	tb.Wait("document.getElementById('progress').ariaValueText === '3 of 12 confirmations'")
	s.set(func(st *web.State) {
		st.Status, st.AmountPaidUSD, st.AmountRemainingUSD = "underpaid", "10.00", "15.50"
		st.Locked, st.Payments = &web.Lock{Network: "ETHEREUM", TokenID: "1", Address: payTo}, []web.Payment{transfer("underpaid", 12, "10.00")}
	})
	tb.See("15.500000 USDC", "$10.00 has arrived")
	if tb.JS("document.getElementById('change').hidden") != "true" {
		t.Error("a bound invoice must not offer another token")
	}
	s.set(func(st *web.State) {
		at := st.ServerTime
		st.Status, st.PaidAt, st.AmountPaidUSD, st.AmountRemainingUSD = "paid", &at, "25.50", "0.00"
	})
	tb.See("Paid. Thank you.", "Taking you back in 0:")
	tb.Wait("document.getElementById('live').textContent === 'Paid. Thank you.'")
	tb.shots("paid-leaving")
	until("document.activeElement.id === 'stay'")
	tb.Press("Enter")
	tb.Wait("document.getElementById('auto').hidden")
	tb.Reload() // the keys survive in the tab's history
	tb.See("Paid. Thank you.")
	if got := tb.JS("location.href"); got != s.URL+"/pay" {
		t.Errorf("after a reload the address bar says %s", got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	want := []string{"ETHEREUM/3", "ETHEREUM/1", "ETHEREUM/1"}
	if len(s.asked) != len(want) || s.asked[0] != want[0] || s.asked[2] != want[2] {
		t.Errorf("asked for %v, want %v", s.asked, want)
	}
}

func TestPageQuoteRefresh(t *testing.T) {
	t.Parallel()
	tb := newTab(t)
	s := newShop(t, nil)
	s.address = map[string]any{"quote_valid_until": 1, "estimated_token_amount": "25.400000"}
	tb.open(s)
	tb.See("Continue with USDC")
	s.mu.Lock()
	s.address = nil
	s.mu.Unlock()
	// The first answer is already stale; the page must fetch another by itself.
	tb.JS(`(window.real = window.fetch, window.fetch = (u, o) => real(u, o).then(async r => { if (u !== "/pay/address") return r; window.fetch = real; return new Response(JSON.stringify({...await r.json(), quote_valid_until: 1, estimated_token_amount: "25.400000"})) }))`)
	tb.Click("#go")
	tb.See("25.500000 USDC")
	tb.Wait("document.getElementById('live').textContent.startsWith('The price was refreshed. Send 25.500000 USDC')")
}

func TestPageTrouble(t *testing.T) {
	t.Parallel()
	tb := newTab(t)
	s := newShop(t, nil)
	refuse := func(status int) {
		s.mu.Lock()
		s.refuse = status
		s.mu.Unlock()
	}
	refuse(http.StatusBadGateway)
	tb.open(s)
	tb.See("Connection lost. Trying again…")
	tb.shots("offline")
	refuse(0)
	tb.Wait("document.getElementById('offline').hidden")
	s.address = map[string]any{"quote_status": "unavailable", "temp_address": nil, "retry_after_seconds": 2}
	tb.Click("#go")
	tb.See("No price for USDC right now")
	s.mu.Lock()
	s.address = nil
	s.mu.Unlock()
	tb.See("25.500000 USDC") // by itself
	refuse(http.StatusNotFound)
	s.set(func(*web.State) {})
	tb.See("This link does not open a payment")
	tb.Open(s.URL + "/pay")
	tb.See("This link does not open a payment")
}

// wallet announces a provider that records what it is asked and answers by script.
const wallet = `window.calls = []; window.answers = {eth_requestAccounts: ["0x1111111111111111111111111111111111111111"], eth_chainId: "0x1", wallet_switchEthereumChain: null, eth_sendTransaction: "` + sentHash + `"};
addEventListener("eip6963:requestProvider", () => dispatchEvent(new CustomEvent("eip6963:announceProvider", {detail: Object.freeze({
 info: {uuid: "u1", name: "MetaMask", icon: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Cpath fill='%23f6851b' d='M0 0h8v8H0z'/%3E%3C/svg%3E", rdns: "io.metamask"},
 provider: {request: async q => { calls.push(q); const a = answers[q.method]; if (a?.code) throw a; return a }}})})))`

func TestPageWallet(t *testing.T) {
	t.Parallel()
	tb := newTab(t, wallet)
	s := newShop(t, nil)
	tb.open(s)
	tb.Click("#go")
	tb.See("Pay with MetaMask")
	tb.shots("pay-wallet")
	for _, c := range [][3]string{
		{"wallet_switchEthereumChain", "{code: 4902}", "MetaMask does not know the network Ethereum (chain 1337)."},
		{"eth_sendTransaction", "{code: 4001}", "You declined in MetaMask. Nothing was sent."},
		{"eth_requestAccounts", "{code: -32002}", "MetaMask is already waiting for your answer."},
	} {
		tb.JS("window.kept = answers." + c[0])
		tb.JS("answers." + c[0] + " = " + c[1])
		tb.Click("#wallets button")
		tb.See(c[2])
		tb.JS("answers." + c[0] + " = kept")
	}
	tb.shots("pay-wallet-fault")
	tb.JS("calls.length = 0")
	tb.Click("#wallets button")
	tb.See("Payment sent")
	want := `[{"method":"eth_requestAccounts"},{"method":"eth_chainId"},{"method":"wallet_switchEthereumChain","params":[{"chainId":"0x539"}]},` +
		`{"method":"eth_sendTransaction","params":[{"from":"0x1111111111111111111111111111111111111111","to":"` + usdcAt + `","value":"0x0",` +
		`"data":"0xa9059cbb0000000000000000000000007ad2c41fe09b53f8a6de0b1c9e4477f2d35c8ab6000000000000000000000000000000000000000000000000000000000` + `1851960"}]}]`
	if got := tb.JS("JSON.stringify(calls)"); got != want {
		t.Errorf("calls:\n%s\nwant\n%s", got, want)
	}
	tb.Click("#details")
	tb.See("25.500000 USDC")
	tb.Click("#change")
	tb.Click("input[value='3']")
	tb.Click("#go")
	tb.See("0.010489250000000000 ETH")
	tb.JS("calls.length = 0")
	tb.Click("#wallets button")
	tb.See("Payment sent")
	if got, want := tb.JS("JSON.stringify(calls.at(-1).params)"), `[{"from":"0x1111111111111111111111111111111111111111","to":"`+payTo+`","value":"0x2543ead435d400"}]`; got != want {
		t.Errorf("native: %s, want %s", got, want)
	}
}
