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
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/pepay/pepay/api"
)

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
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](expr, chromedp.WithPollingInterval(30*time.Millisecond)))
	for err != nil && strings.Contains(err.Error(), "context") && ctx.Err() == nil { // the document was replaced by another
		_, err = chromedp.Run(ctx, chromedp.Poll[bool](expr, chromedp.WithPollingInterval(30*time.Millisecond)))
	}
	if err != nil {
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
	tb.save(name+"-phone.png", 360, 740)
	tb.save(name+"-desktop.png", 1280, 900)
}

func (tb *tab) save(file string, width, height int64) {
	tb.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	tb.do(chromedp.EmulateViewport(width, height))
	shot, err := chromedp.Run(tb.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, file), small(tb.T, shot), 0o644)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// small reduces a picture to at most 160 colours.
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
	// The most frequent of those alike come first: else the many greens would leave no
	// room for the one yellow.
	best := map[[3]uint32]color.Color{}
	for c, n := range count {
		r, g, b, _ := c.RGBA()
		kin := [3]uint32{r >> 12, g >> 12, b >> 12}
		if old, ok := best[kin]; !ok || n > count[old] {
			best[kin] = c
		}
	}
	often := func(a, b color.Color) int { return cmp.Compare(count[b], count[a]) }
	few := slices.SortedFunc(maps.Values(best), often)
	few = few[:min(64, len(few))]
	all := slices.SortedFunc(maps.Keys(count), often)
	to := image.NewPaletted(b, append(few, all[:min(96, len(all))]...))
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
