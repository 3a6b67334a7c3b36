package testkit

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
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Tab is a browser tab, light and without motion, that remembers everything that
// went wrong in it: its test fails when anything did.
type Tab struct {
	testing.TB
	ctx     context.Context
	mu      sync.Mutex
	faults  []string
	forgive []string
}

// NewTab starts a browser of its own, which reaches nothing but loopback, and has every
// page run scripts before its own. Without one installed the test is skipped, unless
// REQUIRE_BROWSER is set.
func NewTab(t testing.TB, scripts ...string) *Tab {
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
	tb := &Tab{TB: t, ctx: ctx}
	if err := chromedp.Listen(ctx, tb.hear); err != nil {
		t.Fatalf("start browser: %v", err)
	}
	scripts = append(scripts, `addEventListener("securitypolicyviolation", e => console.error("CSP " + e.violatedDirective + " " + e.blockedURI))`)
	for _, s := range scripts {
		if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: s}); err != nil {
			t.Fatal(err)
		}
	}
	tb.Theme("light")
	t.Cleanup(func() {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		for _, f := range tb.faults {
			t.Errorf("browser: %s", f)
		}
	})
	return tb
}

// Forgive takes requests to a path that fail, or are refused, for a part of the story.
func (tb *Tab) Forgive(path string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.forgive = append(tb.forgive, path)
}

func (tb *Tab) hear(ev any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
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
		forgiven := e.Entry.Source == "network" && slices.ContainsFunc(tb.forgive, func(p string) bool { return strings.Contains(e.Entry.URL, p) })
		if e.Entry.Level == "error" && !forgiven {
			fault = e.Entry.Text + " " + e.Entry.URL
		}
	}
	if fault != "" {
		tb.faults = append(tb.faults, fault)
	}
}

func (tb *Tab) do(step chromedp.Action[chromedp.Void]) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, step); err != nil {
		tb.Fatal(err)
	}
}

// Open goes to an address.
func (tb *Tab) Open(url string) { tb.Helper(); tb.do(chromedp.Navigate(url)) }

// Reload loads the page again, as a payor would.
func (tb *Tab) Reload() { tb.Helper(); tb.do(chromedp.Reload()) }

// Back returns to the page before.
func (tb *Tab) Back() { tb.Helper(); tb.do(chromedp.NavigateBack()) }

// Size makes the window so large.
func (tb *Tab) Size(width, height int64) { tb.Helper(); tb.do(chromedp.EmulateViewport(width, height)) }

// Send has every request of the page carry a header.
func (tb *Tab) Send(header, value string) {
	tb.Helper()
	if _, err := chromedp.Call(tb.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{header: value}}); err != nil {
		tb.Fatal(err)
	}
}

// Touch makes the screen one for fingers.
func (tb *Tab) Touch() {
	tb.Helper()
	if _, err := chromedp.Call(tb.ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true}); err != nil {
		tb.Fatal(err)
	}
}

var keys = map[string]string{"Tab": kb.Tab, "Enter": kb.Enter, "ArrowDown": kb.ArrowDown, "ArrowUp": kb.ArrowUp}

// Press presses one key that it knows by name, or types the text.
func (tb *Tab) Press(key string) {
	tb.Helper()
	tb.do(chromedp.KeyEvent(cmp.Or(keys[key], key)))
}

// JS evaluates an expression and returns it as a text.
func (tb *Tab) JS(expr string) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+expr+")"))
	if err != nil {
		tb.Fatalf("%s: %v", expr, err)
	}
	return v
}

// Wait returns once an expression is true, whatever page is there by then.
func (tb *Tab) Wait(expr string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, 30*time.Second)
	defer cancel()
	poll := chromedp.Poll[bool](expr, chromedp.WithPollingInterval(30*time.Millisecond))
	_, err := chromedp.Run(ctx, poll)
	for err != nil && replaced(err) && ctx.Err() == nil {
		_, err = chromedp.Run(ctx, poll)
	}
	if err != nil {
		tb.Fatalf("waiting for %s: %v\npage: %s", expr, err, tb.JS("document.body.innerText"))
	}
}

// replaced reports whether an expression failed because one document took the place of
// another.
func replaced(err error) bool {
	return slices.ContainsFunc([]string{"context", "navigated", "null (reading 'innerText')"}, func(s string) bool { return strings.Contains(err.Error(), s) })
}

// See waits until all texts are visible on the page.
func (tb *Tab) See(texts ...string) {
	tb.Helper()
	for _, s := range texts {
		tb.Wait(fmt.Sprintf("document.body.innerText.replace(/\\s+/g,' ').includes(%q)", s))
	}
}

// Click presses the first element that a selector finds.
func (tb *Tab) Click(sel string) {
	tb.Helper()
	tb.JS(fmt.Sprintf("document.querySelector(%q).click()", sel))
}

// Theme sets light or dark, and stills all motion.
func (tb *Tab) Theme(name string) {
	tb.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	if _, err := chromedp.Call(tb.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		tb.Fatal(err)
	}
}

// Save saves a picture of the whole page, in a window of this size, in the folder
// that SCREENSHOTS names; without one it does nothing.
func (tb *Tab) Save(file string, width, height int64) {
	tb.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	tb.Size(width, height)
	shot, err := chromedp.Run(tb.ctx, chromedp.FullScreenshot(100))
	tb.keep(filepath.Join(dir, file), shot, err)
}

// SaveWindow is Save for what the window shows of the page, as large as it is.
func (tb *Tab) SaveWindow(file string) {
	tb.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	shot, err := chromedp.Run(tb.ctx, chromedp.CaptureScreenshot())
	tb.keep(filepath.Join(dir, file), shot, err)
}

func (tb *Tab) keep(file string, shot []byte, err error) {
	tb.Helper()
	if err == nil {
		shot, err = small(shot)
	}
	if err == nil {
		err = os.WriteFile(file, shot, 0o644)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// small reduces a picture to at most 160 colours.
func small(shot []byte) ([]byte, error) {
	from, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
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
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to)
	return out.Bytes(), err
}
