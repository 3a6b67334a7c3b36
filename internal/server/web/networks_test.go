package web_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server/web"
)

// pick chooses a token and its network, as a payor with a mouse would.
func (tb tab) pick(symbol, network string) {
	tb.Helper()
	tb.JS(fmt.Sprintf(`(r => (r.closest(".pick").querySelector("[name=coin]").click(), r.click()))(document.querySelector('[data-symbol=%q][data-network=%q]'))`, symbol, network))
}

// TestPageNetworks chooses among ten networks and looks at the address of each family.
func TestPageNetworks(t *testing.T) {
	t.Parallel()
	tb := newTab(t, wallet)
	s := newShop(t, func(d *web.PageData) { everything(d); d.Environment = "" })
	home := strings.TrimPrefix(s.URL, "http://")
	tb.open(s)
	tb.See("Token", "USDC", "10 networks", "Network", "Avalanche", "Cardano", "Continue with USDC on Ethereum")
	if got := tb.JS(`[...document.querySelectorAll(".nets")].filter(e => e.checkVisibility()).length`); got != "1" {
		t.Errorf("%s lists of networks are to be seen, want that of the chosen token", got)
	}
	tb.fitted()
	tb.legible("networks")
	tb.shots("networks")
	for _, c := range []struct {
		family pay.Family
		symbol string
		places []pay.NetworkName
		head   string // the first group of the address
		see    []string
		not    string
	}{
		{pay.EVM, "USDC", []pay.NetworkName{"ethereum", "base", "avalanche", "bsc", "arbitrum", "optimism"}, "0x7Ad2", []string{"Pay with MetaMask"}, "No memo"},
		{pay.Solana, "USDC", []pay.NetworkName{"solana"}, "7EcD", []string{"No memo or comment is needed", "your wallet finds the token account"}, "Pay with MetaMask"},
		{pay.TON, "USDC", []pay.NetworkName{"ton"}, "UQBK", []string{"No memo or comment is needed", "The Open Network"}, "Pay with MetaMask"},
		{pay.Cardano, "USDC", []pay.NetworkName{"cardano"}, "addr1qx2f", []string{"The ADA that your wallet sends along does not count"}, "Pay with MetaMask"},
		{pay.Sui, "USDC", []pay.NetworkName{"sui"}, "0x02a2", []string{"No memo or comment is needed"}, "Pay with MetaMask"},
	} {
		for _, n := range c.places {
			tb.pick(c.symbol, string(n))
			tb.See("Continue with " + c.symbol + " on " + n.Title())
			tb.Click("#go")
			tb.See("Pay with "+c.symbol+" on "+n.Title(), "25.500000 "+c.symbol, "Send only "+c.symbol+" on "+n.Title()+".", "From an exchange: choose the network", "Open in wallet app")
			tb.See(c.see...)
			for _, x := range [][2]string{
				{`[getSelection().selectAllChildren(document.getElementById("address")), getSelection().toString().trim(), getSelection().removeAllRanges()][1]`, families[c.family].address}, // one word
				{`document.querySelector("#address span").textContent`, c.head},
				{`document.querySelector("#address span:last-child").textContent.length >= 4`, "true"},
				{`document.getElementById("open").protocol`, map[pay.Family]string{pay.EVM: "ethereum:", pay.Solana: "solana:", pay.TON: "ton:", pay.Cardano: "web+cardano:", pay.Sui: "sui:"}[c.family]},
				{`document.getElementById("wallets").checkVisibility()`, strconv.FormatBool(c.family == pay.EVM)},
				{fmt.Sprintf(`document.body.innerText.includes(%q)`, c.not), "false"},
				{`document.querySelector("#qr").naturalWidth > 0`, "true"},
				{`performance.getEntriesByType("resource").every(e => new URL(e.name).host === "` + home + `" || e.name.startsWith("data:"))`, "true"},
			} {
				if got := tb.JS(x[0]); got != x[1] {
					t.Errorf("%s: %s is %s, want %s", n, x[0], got, x[1])
				}
			}
			tb.fitted()
			if n.Family() != pay.EVM || n == "ethereum" {
				tb.legible(string(n))
				tb.shots("pay-" + string(n))
			}
			tb.Click("#change")
			tb.Wait(fmt.Sprintf("document.activeElement.dataset.network === %q", n)) // it was kept
		}
	}
}

// TestPageFind types a part of a name, and pays by keyboard alone.
func TestPageFind(t *testing.T) {
	t.Parallel()
	tb := newTab(t)
	s := newShop(t, everything)
	tb.open(s)
	tb.See("Continue with USDC on Ethereum")
	tb.JS("document.getElementById('find').focus()")
	tb.Press("usdt so")
	tb.See("Continue with USDT on Solana")
	tb.Wait(`[...document.querySelectorAll(".chip")].filter(e => e.checkVisibility()).length === 1`)
	tb.Wait("document.getElementById('live').textContent === '1 token, USDT on Solana chosen'")
	tb.shots("find")
	tb.Press("x")
	tb.See("Nothing here has that name.")
	tb.Wait("document.getElementById('go').disabled")
	tb.Press("Enter") // goes nowhere
	tb.shots("find-none")
	tb.JS(`(e => (e.value = "", e.dispatchEvent(new Event("input"))))(document.getElementById("find"))`)
	tb.Wait(`[...document.querySelectorAll(".chip")].filter(e => e.checkVisibility()).length === 11`)
	for _, step := range [][2]string{
		{"Tab", "document.activeElement.name === 'coin' && document.activeElement.parentElement.innerText.includes('USDT')"},
		{"ArrowDown", "document.activeElement.parentElement.innerText.includes('ETH')"},
		{"Tab", "document.activeElement.dataset.network === 'ethereum'"},
		{"ArrowDown", "document.activeElement.dataset.network === 'base'"},
		{"Tab", "document.activeElement.id === 'go'"},
	} {
		if tb.Press(step[0]); tb.JS(step[1]) != "true" {
			t.Fatalf("after %s the keyboard is at %s", step[0], tb.JS("document.activeElement.outerHTML"))
		}
	}
	tb.See("Continue with ETH on Base")
	tb.Press("Enter")
	tb.See("Pay with ETH on Base")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.asked) != 1 || !strings.HasPrefix(s.asked[0], "base/") {
		t.Errorf("asked for %v, want ETH on base", s.asked)
	}
}

// TestPageSimulated says so wherever a network is none.
func TestPageSimulated(t *testing.T) {
	t.Parallel()
	tb := newTab(t)
	note := `[...document.querySelectorAll(".sim,#sim")].filter(e => e.checkVisibility()).map(e => e.textContent).join()`
	for _, few := range []bool{false, true} {
		s := newShop(t, func(d *web.PageData) {
			d.Dev = true
			everything(d)
			if few {
				d.Tokens = d.Tokens[:3] // Ethereum, Base and Solana
			}
		})
		s.address = map[string]any{"simulated": true}
		tb.open(s)
		tb.See("Solana Simulated")
		if got := tb.JS(note); got != "" {
			t.Errorf("few %v: Ethereum is said to be simulated: %s", few, got)
		}
		tb.Click("[data-network=solana]")
		tb.See("Simulated network: no real coins.")
		tb.fitted()
		tb.legible("simulated")
		tb.shots(map[bool]string{true: "simulated-few", false: "simulated"}[few])
		tb.Click("#go")
		tb.See("Pay with USDC on Solana", "Simulated network: no real coins.")
		tb.shots("simulated-pay")
	}
	s := newShop(t, nil)
	tb.open(s)
	tb.Click("#go")
	tb.See("Pay with USDC on Ethereum")
	if got := tb.JS(note); got != "" {
		t.Errorf("a real network is said to be simulated: %s", got)
	}
}

// TestPageFinalAtOnce counts nothing where one confirmation is all there is, and never
// more than are wanted.
func TestPageFinalAtOnce(t *testing.T) {
	t.Parallel()
	tb := newTab(t)
	p := transfer("pending", 0, "25.50")
	p.RequiredConfirmations = 1
	p.ExplorerURL = "https://explorer.example/tx/" + sentHash
	s := newShop(t, func(d *web.PageData) { d.State.Payments = []web.Payment{p} })
	tb.open(s)
	tb.See("Payment seen", "The network is confirming it now")
	if got := tb.JS(`document.title + document.querySelector(".ring p").textContent`); got != "Confirming · Fern & Field Coffee" {
		t.Errorf("it counts: %s", got)
	}
	if got := tb.JS(`document.querySelector("#v-track .rows a").href`); got != p.ExplorerURL {
		t.Errorf("the explorer is at %s", got)
	}
	tb.shots("final-at-once")
	p.Confirmations, p.RequiredConfirmations = 9, 3 // the network says itself what is final
	s.set(func(st *web.State) { st.Payments = []web.Payment{p} })
	tb.See("3 of 3")
}

// TestPageLinks shows wallets to open only where a finger touches, and only pages.
func TestPageLinks(t *testing.T) {
	t.Parallel()
	tb := newTab(t)
	s := newShop(t, func(d *web.PageData) {
		everything(d)
		d.State.Locked = &web.Lock{Network: "ton", TokenID: d.Tokens[4].ID} // where the payor was before a reload
	})
	tb.open(s)
	tb.See("Pay with USDC on TON")
	links := `[...document.querySelectorAll("#links a")].map(a => a.textContent + " " + a.href + " " + a.rel).join()`
	if got := tb.JS(links); got != "Open in Keeper https://wallet.example/transfer/UQBK noopener noreferrer" {
		t.Errorf("links: %s", got)
	}
	if tb.JS(`document.getElementById("links").checkVisibility()`) != "false" {
		t.Error("a mouse is no finger: its owner scans the code")
	}
	tb.Size(320, 900)
	tb.Touch() // of the size the window has now
	tb.Wait(`document.getElementById("links").checkVisibility() && document.documentElement.scrollWidth <= 320`)
	tb.legible("links")
	tb.SaveWindow("links.png")
	s.address = map[string]any{"uri": ""} // a family without such a form
	tb.Click("#change")
	tb.See("Continue with USDC on TON")
	tb.Click("#go")
	tb.Wait(`document.getElementById("open").hidden`)
}
