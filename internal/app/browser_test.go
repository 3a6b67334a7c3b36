package app_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/testkit"
)

// startDev starts a deployment as the dev command does: with the test wallet.
func startDev(t *testing.T, change func(*app.Options)) *testkit.App {
	return testkit.StartApp(t, t.TempDir()+"/test.db", func(o *app.Options) {
		client, err := ethclient.Dial(o.Networks[0].RPC[0])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		wallet := &devchain.Wallet{Client: client, Key: devchain.Payer()}
		o.TestWallet = func(ctx context.Context, a billing.Allocation) (string, error) {
			tx, err := wallet.Pay(ctx, common.HexToAddress(a.Token.Address), common.HexToAddress(a.Address.Address), a.Quote.Units.Big())
			return tx.Hex(), err
		}
		if change != nil {
			change(o)
		}
	})
}

// mineSent makes the next block once it will hold a transaction.
func mineSent(t *testing.T, a *testkit.App) {
	t.Helper()
	testkit.Eventually(t, "a transaction waits for a block", func() bool {
		n, err := a.Chain.Client().PendingTransactionCount(t.Context())
		return err == nil && n > 0
	})
	a.Mine(1)
}

// The payor chooses a token, presses a button, and watches the network confirm it.
func TestPayInTheBrowser(t *testing.T) {
	t.Parallel()
	tb, a := newTab(t), startDev(t, nil)
	made, _ := a.Open(`{"amount_usd":25.50,"description":"Two bags of coffee","invoice_title":"Order 10482"}`)
	tb.open(made)
	tb.see("Corner Coffee", "$25.50", "Two bags of coffee", "Expires in 11:59:", "How would you like to pay?")
	tb.shoot("choose")
	tb.click("input[value='10']")
	tb.click("#go")
	tb.see("Pay with USDC", "Send exactly 25.500000 USDC", "Price held for 4:")
	tb.wait(`heard.includes("open")`)
	tb.shoot("address")
	tb.click("#test")
	tb.see("Payment sent")
	tb.shoot("sent")
	mineSent(t, a)
	tb.see("Payment seen", "1 of 3", "25.500000 USDC")
	tb.shoot("seen")
	a.Mine(1)
	tb.see("Confirming your payment", "2 of 3")
	tb.shoot("confirming")
	a.Mine(1)
	tb.see("Paid. Thank you.", "Confirmed on")
	tb.shoot("paid")
	if got := tb.js(`heard.filter(h => h.startsWith("invoice")).join(" ")`); got != "invoice_payment.created invoice_payment.updated invoice.updated" {
		t.Errorf("the websocket told the page of %s", got)
	}
	tb.do(chromedp.Reload())
	tb.see("Paid. Thank you.", "Confirmed on")
}

// A payor whose tab was reloaded finds the address that was given out, and one who
// sent too little is asked for the rest.
func TestBrowserUnderpaid(t *testing.T) {
	t.Parallel()
	tb, a := newTab(t), startDev(t, nil)
	made, payor := a.Open(`{"amount_usd":30,"description":"Three bags of coffee"}`)
	tb.open(made)
	tb.click("input[value='10']")
	tb.click("#go")
	tb.see("Send exactly 30.000000 USDC")
	address := tb.js(`document.getElementById("address").textContent`)
	tb.do(chromedp.Reload())
	tb.see("Send exactly 30.000000 USDC")
	if got := tb.js(`document.getElementById("address").textContent`); got != address {
		t.Errorf("after a reload the address is %s, was %s", got, address)
	}
	tb.click("#change")
	tb.see("How would you like to pay?")
	tb.click("#go")
	tb.see("Send exactly 30.000000 USDC")

	a.Pay(contracts.TestDollar, address, big.NewInt(10_000_000))
	a.Mine(1)
	tb.see("Payment seen", "10.000000 USDC")
	a.Mine(2)
	tb.see("Left to pay $20.00", "$10.00 has arrived. Send the remaining $20.00", "Send exactly 20.000000 USDC")
	tb.shoot("underpaid")
	tb.do(chromedp.Reload())
	tb.see("Send exactly 20.000000 USDC")
	if rest := a.Allocate(payor, testkit.Dollar); rest.TempAddress != address {
		t.Errorf("the rest goes to %s, the first part went to %s", rest.TempAddress, address)
	}
	tb.click("#test")
	tb.see("Payment sent")
	mineSent(t, a)
	a.Mine(2)
	tb.see("Paid. Thank you.", "10.000000 USDC", "20.000000 USDC")
}

// An open page notices by itself that the time is up.
func TestBrowserExpired(t *testing.T) {
	t.Parallel()
	tb, a := newTab(t), startDev(t, nil)
	made, _ := a.Open(`{"amount_usd":25.50,"expires_in":6000,"description":"Two bags of coffee"}`)
	tb.open(made)
	tb.see("How would you like to pay?", "Expires in 0:0")
	tb.see("This invoice has expired")
	tb.shoot("expired")
}

// Without a price the page says so, and another token still works.
func TestBrowserWithoutPrice(t *testing.T) {
	t.Parallel()
	tb, a := newTab(t), startDev(t, func(o *app.Options) { delete(o.Sources[0].(*rates.Static).Rates, "ETH") })
	made, _ := a.Open(`{"amount_usd":25.50,"description":"Two bags of coffee"}`)
	tb.open(made)
	tb.click("input[value='11']")
	tb.click("#go")
	tb.see("No price for ETH right now", "We try again in 0:")
	tb.shoot("unavailable")
	tb.click("#other")
	tb.see("How would you like to pay?")
	tb.click("input[value='10']")
	tb.click("#go")
	tb.see("Send exactly 25.500000 USDC")
}

// tab is a browser tab that remembers everything that went wrong in it. What its
// websocket hears is in the page's array heard.
type tab struct {
	*testing.T
	ctx    context.Context
	mu     sync.Mutex
	faults []string
}

const eavesdrop = `addEventListener("securitypolicyviolation", e => console.error("CSP " + e.violatedDirective + " " + e.blockedURI));
const heard = window.heard = [];
window.WebSocket = class extends WebSocket {
  constructor(...a) {
    super(...a);
    this.addEventListener("open", () => heard.push("open"));
    this.addEventListener("message", e => heard.push(JSON.parse(e.data).type));
  }
}`

// newTab starts a browser of its own, which reaches nothing but loopback. Without one
// installed the test is skipped, unless REQUIRE_BROWSER is set.
func newTab(t *testing.T) *tab {
	t.Helper()
	bin := cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium")
	if _, err := exec.LookPath(bin); err != nil && os.Getenv("REQUIRE_BROWSER") != "" {
		t.Fatalf("no browser: %v (set CHROMIUM to one)", err)
	} else if err != nil {
		t.Skipf("no browser: %v (set CHROMIUM to one)", err)
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(bin), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	tb := &tab{T: t, ctx: ctx}
	if err := chromedp.Listen(ctx, tb.hear); err != nil {
		t.Fatalf("start browser: %v", err)
	}
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: eavesdrop}); err != nil {
		t.Fatal(err)
	}
	calm := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: calm}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		for _, f := range tb.faults {
			t.Errorf("browser: %s", f)
		}
	})
	return tb
}

func (tb *tab) hear(ev any) {
	fault := ""
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		if fault = e.ExceptionDetails.Text; e.ExceptionDetails.Exception != nil {
			fault += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		for _, a := range e.Args {
			fault += string(a.Value) + " "
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" {
			fault = e.Entry.Text + " " + e.Entry.URL
		}
	}
	if fault != "" {
		tb.mu.Lock()
		tb.faults = append(tb.faults, fault)
		tb.mu.Unlock()
	}
}

func (tb *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tb.Fatal(err)
	}
}

func (tb *tab) open(made api.CreatedInvoice) {
	tb.Helper()
	tb.do(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(made.PaymentURL))
}

// js evaluates an expression that yields a string.
func (tb *tab) js(expr string) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+expr+")"))
	if err != nil {
		tb.Fatalf("%s: %v", expr, err)
	}
	return v
}

// wait polls until an expression is true.
func (tb *tab) wait(expr string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, 30*time.Second)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](expr, chromedp.WithPollingInterval(30*time.Millisecond))); err != nil {
		tb.Fatalf("waiting for %s: %v\npage: %s", expr, err, tb.js("document.body.innerText"))
	}
}

// see waits until all texts are visible on the page.
func (tb *tab) see(texts ...string) {
	tb.Helper()
	for _, s := range texts {
		tb.wait(fmt.Sprintf("document.body.innerText.replace(/\\s+/g,' ').includes(%q)", s))
	}
}

func (tb *tab) click(sel string) {
	tb.Helper()
	tb.js(fmt.Sprintf("document.querySelector(%q).click()", sel))
}

// shoot saves the page on a phone and on a desktop where SCREENSHOTS says.
func (tb *tab) shoot(name string) {
	tb.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	for _, s := range []struct {
		name          string
		width, height int64
	}{{"phone", 360, 740}, {"desktop", 1280, 900}} {
		tb.do(chromedp.EmulateViewport(s.width, s.height))
		shot, err := chromedp.Run(tb.ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+"-"+s.name+".png"), small(tb.T, shot), 0o644)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// small reduces a picture to its 256 most frequent colours.
func small(t *testing.T, shot []byte) []byte {
	from, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	count, b := map[color.Color]int{}, from.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			count[from.At(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return cmp.Compare(count[b], count[a]) })
	to := image.NewPaletted(b, colors[:min(256, len(colors))])
	nearest := map[color.Color]uint8{}
	for c := range count {
		nearest[c] = uint8(to.Palette.Index(c))
	}
	for y := range b.Dy() {
		for x := range b.Dx() {
			to.SetColorIndex(x, y, nearest[from.At(x, y)])
		}
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
