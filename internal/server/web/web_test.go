package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rsc.io/qr"

	"github.com/pepay/pepay/internal/server/web"
)

func render(t *testing.T, d web.PageData) string {
	t.Helper()
	var b strings.Builder
	if err := web.Page(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHostileStringsStayText(t *testing.T) {
	t.Parallel()
	evil := evil + "\u2028`${1}"
	many := []web.Token{{ID: evil, Symbol: evil, Name: evil, Network: evil, NetworkName: evil}, {Network: "b"}}
	for len(many) < 20 {
		many = append(many, web.Token{ID: evil, Symbol: evil + strconv.Itoa(len(many)), Name: evil, Network: evil, NetworkName: evil, Simulated: true})
	}
	for _, tokens := range [][]web.Token{many[:2], many} {
		stayText(t, evil, tokens)
	}
}

func stayText(t *testing.T, evil string, tokens []web.Token) {
	t.Helper()
	html := render(t, web.PageData{
		Form:     web.Form{Fields: []web.Field{{evil, evil, evil, true, evil}, {evil, evil, "email", false, evil}}},
		Merchant: evil, Title: evil, Description: evil, Footer: evil, Currency: evil, Environment: evil,
		Tokens: tokens,
		State: web.State{
			Status: "paid", AmountUSD: evil, AmountPaidUSD: evil, AmountRemainingUSD: evil, ReturnURL: "javascript:alert(3)//" + evil,
			Locked: &web.Lock{Network: evil}, Payments: []web.Payment{{TxHash: evil, ExplorerURL: evil}},
		},
	})
	if n := strings.Count(html, "<script"); n != 2 {
		t.Errorf("%d script elements, want the module and the state", n)
	}
	for _, bad := range []string{"<img src=x", `href="javascript:`, `""'>`} {
		if strings.Contains(html, bad) {
			t.Errorf("the page contains %s", bad)
		}
	}
	if inline := regexp.MustCompile(`(?i)<[a-z][^>"]*(?:"[^"]*"[^>"]*)*\s(on[a-z]+|style)=`).FindString(html); inline != "" {
		t.Errorf("inline script or style: %s", inline)
	}
}

func TestPageReadsWithoutScript(t *testing.T) {
	t.Parallel()
	visible := func(d web.PageData) string {
		return regexp.MustCompile(`(?s)<section[^>]* hidden>.*?</section>`).ReplaceAllString(render(t, d), "")
	}
	for status, want := range map[string]string{
		"unpaid": "How would you like to pay?", "underpaid": "Preparing your payment", "paid": "Paid. Thank you.",
		"expired": "This invoice has expired", "canceled": "This invoice was canceled", "invalid": "This link does not open a payment", "": "Preparing",
	} {
		d := usual()
		d.State.Status = status
		html := visible(d)
		if !strings.Contains(html, want) || strings.Count(html, "<section") != 1 {
			t.Errorf("%q: want only the section %q", status, want)
		}
		for _, s := range []string{"<noscript>", "$25.50", "Fern &amp; Field Coffee"} {
			if !strings.Contains(html, s) {
				t.Errorf("%q: no %s", status, s)
			}
		}
	}
	d := usual()
	d.Currency, d.Environment = "EUR", "production"
	if html := visible(d); !strings.Contains(html, ">25.50 EUR<") || strings.Contains(html, `class="test"`) {
		t.Error("an amount in euros must say so, and production must not say test")
	}
}

func TestWeight(t *testing.T) {
	t.Parallel()
	var ten web.PageData
	everything(&ten)
	total, some, many := len(render(t, usual())), 0, len(render(t, ten))
	files, err := filepath.Glob("assets/*")
	if err != nil || len(files) < 5 {
		t.Fatalf("assets: %v %v", files, err)
	}
	external := regexp.MustCompile(`(?i)https?://[a-z0-9]|["'(]//[a-z0-9]|@import|\beval\b`)
	for _, f := range append(files, "templates/pay.html", "templates/choose.html") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(f, "templates/") && !strings.HasPrefix(f, "assets/reference") && !strings.HasPrefix(f, "assets/dashboard") {
			total += len(b) // what the payment page loads
		}
		if f == "assets/form.js" || f == "assets/find.js" {
			some += len(b) // if it asks anything, or there is much to choose from
		}
		text := strings.ReplaceAll(string(b), "http://www.w3.org/2000/svg", "")
		if m := external.FindString(text); m != "" {
			t.Errorf("%s reaches outside: %s", f, m)
		}
		if n := strings.Count(text, "\n"); n > 400 {
			t.Errorf("%s has %d lines", f, n)
		}
	}
	t.Logf("page and assets: %d bytes, %d of them for some pages only; the page of ten networks: %d bytes", total, some, many)
	if total-some >= 50_000 || total >= 56_000 || many > 25_000 {
		t.Errorf("the page weighs %d bytes, want under 50 kB, 56 with all scripts; that of ten networks %d, want under 25 kB", total, many)
	}
}

func TestCSP(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"unsafe-", "*", "http:", "https:", "blob:"} {
		if strings.Contains(web.CSP, bad) {
			t.Errorf("the policy allows %s", bad)
		}
	}
	for _, want := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(web.CSP, want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	get := func(path, encoding string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		web.Assets().ServeHTTP(w, r)
		return w.Result()
	}
	links := regexp.MustCompile(`"(/pay/assets/[^"]+)"`).FindAllStringSubmatch(render(t, usual()), -1)
	if len(links) < 6 {
		t.Fatalf("links: %v", links)
	}
	for _, l := range links {
		plain, zipped := get(l[1], ""), get(l[1], "br, gzip")
		if plain.StatusCode != http.StatusOK || !strings.Contains(plain.Header.Get("Cache-Control"), "immutable") || plain.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", l[1], plain.StatusCode, plain.Header)
		}
		z, err := gzip.NewReader(zipped.Body)
		if err != nil {
			t.Fatalf("%s: %v", l[1], err)
		}
		a, errA := io.ReadAll(plain.Body)
		b, errB := io.ReadAll(z)
		if errA != nil || errB != nil || string(a) != string(b) || len(a) == 0 {
			t.Errorf("%s: compressed and plain differ", l[1])
		}
	}
	for _, path := range []string{"/pay/assets/", "/pay/assets/0123456789abcdef/pay.js", "/pay/assets/pay.js", filepath.Dir(links[0][1]) + "/../../web.go"} {
		if got := get(path, ""); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, got.StatusCode)
		}
	}
}

func TestQR(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a", "ethereum:" + usdcAt + "@1337/transfer?address=" + payTo + "&uint256=25500000", strings.Repeat("Pepay ", 300)} {
		svg, err := web.QR(text)
		if err != nil {
			t.Fatal(err)
		}
		code, err := qr.Encode(text, qr.M)
		if err != nil {
			t.Fatal(err)
		}
		side := code.Size + 8
		if !strings.Contains(string(svg), `viewBox="0 0 `+strconv.Itoa(side)+" "+strconv.Itoa(side)+`"`) {
			t.Errorf("no quiet zone of four: %.120s", svg)
		}
		dark := map[[2]int]bool{}
		for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(string(svg), -1) {
			x, _ := strconv.Atoi(m[1])
			y, _ := strconv.Atoi(m[2])
			n, _ := strconv.Atoi(m[3])
			for i := range n {
				if dark[[2]int{x + i, y}] {
					t.Fatalf("module %d,%d is drawn twice", x+i, y)
				}
				dark[[2]int{x + i, y}] = true
			}
		}
		for y := range side {
			for x := range side {
				if dark[[2]int{x, y}] != code.Black(x-4, y-4) {
					t.Fatalf("module %d,%d of %.20q differs", x, y, text)
				}
			}
		}
	}
	if _, err := web.QR(strings.Repeat("x", 5000)); err == nil {
		t.Error("5,000 bytes fit no code")
	}
}
