package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// blocks are the pieces of code of a language in a document.
func blocks(t *testing.T, file, language string) (all []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(b), -1) {
		all = append(all, m[1])
	}
	return all
}

// startPepay starts a development deployment in DIR/.pepay, and returns what its
// dev.json says once it is ready.
func startPepay(t *testing.T, dir string) devFile {
	t.Helper()
	file := filepath.Join(dir, ".pepay", "dev.json")
	dev := exec.Command("pepay", "dev", "--listen", "127.0.0.1:0", "--data-dir", filepath.Dir(file)) // testscript.Main puts it into PATH
	dev.Stderr = os.Stderr
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.Process.Signal(os.Interrupt); _ = dev.Wait() })
	var at devFile
	waitUntil(t, "the deployment", func() bool {
		f, err := readDevFile(file)
		if err != nil || f.BaseURL == "" {
			return false
		}
		at = *f
		resp, err := http.Get(at.BaseURL + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return at
}

// TestQuickstartShop does what docs/quickstart-shop.md says, word for word.
func TestQuickstartShop(t *testing.T) {
	t.Parallel()
	for _, need := range []string{"bash", "curl", "jq", "go"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skipf("the quick start needs %s: %v", need, err)
		}
	}
	const doc = "../../docs/quickstart-shop.md"
	dir := t.TempDir()
	at := startPepay(t, dir)
	t.Run("curl", func(t *testing.T) {
		steps := slices.DeleteFunc(blocks(t, doc, "sh"), func(s string) bool { return strings.Contains(s, "pepay dev") })
		c := exec.Command("bash", "-euo", "pipefail", "-c", strings.Join(steps, "\n"))
		c.Dir = dir
		out, err := c.CombinedOutput()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if err != nil || !strings.Contains(string(out), `"productId":"B0B844T634"`) || !strings.Contains(string(out), `"amount": 13.99`) ||
			!strings.Contains(string(out), "processing\nprocessing\nplaced\nshipped\ndelivered\n") ||
			!strings.HasPrefix(lines[len(lines)-1], `{"status":"delivered","parcels":["1Z`) || !strings.HasSuffix(lines[len(lines)-1], `"timeline":["processing","placed","shipped","delivered"]}`) {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("go", func(t *testing.T) {
		code := strings.ReplaceAll(blocks(t, doc, "go")[0], "http://127.0.0.1:3000", at.BaseURL)
		main := filepath.Join(dir, "main.go")
		if err := os.WriteFile(main, []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.Command("go", "run", main)
		c.Dir, c.Stderr, c.Env = "../..", os.Stderr, append(os.Environ(), "PEPAY_COMMERCE_KEY="+at.CommerceAPIKey)
		out, err := c.StdoutPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for s := bufio.NewScanner(out); s.Scan(); {
			if page, ok := strings.CutPrefix(s.Text(), "Pay here: "); ok {
				payAt(t, page)
				continue
			}
			said = append(said, s.Text())
		}
		if err := c.Wait(); err != nil || !slices.Equal(said, []string{"shipped", "delivered"}) {
			t.Errorf("%v: %v", said, err)
		}
	})
}

// payAt does what the payment page does when its test wallet is chosen.
func payAt(t *testing.T, page string) {
	t.Helper()
	u, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/v1/payments/payment-addresses", "/pay/test-wallet"} {
		r, err := http.NewRequest(http.MethodPost, "http://"+u.Host+path, strings.NewReader(`{"network": "ethereum", "tokenId": 10}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"X-Session-Token": {u.Query().Get("session")}, "X-Signature": {u.Query().Get("signature")}, "Content-Type": {"application/json"}}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Fatal(fmt.Sprint(path, ": ", resp.Status, " ", string(b)))
		}
	}
}
