package notify_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// verify reports whether a webhook was signed with the secret, not long ago.
func verify(h http.Header, body []byte, secret string, now time.Time) bool {
	ms, err := strconv.ParseInt(h.Get("X-Pepay-Timestamp"), 10, 64)
	if err != nil || now.Sub(time.UnixMilli(ms)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(h.Get("X-Pepay-Timestamp") + "."))
	mac.Write(body)
	want := []byte(hex.EncodeToString(mac.Sum(nil)))
	return hmac.Equal(want, []byte(h.Get("X-Pepay-Signature"))) ||
		hmac.Equal(want, []byte(h.Get("X-Pepay-Signature-Previous")))
}

// documented returns the code of a language in docs/webhooks.md.
func documented(t *testing.T, language string) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "```"+language+"\n")
	code, _, end := strings.Cut(rest, "```")
	if !ok || !end {
		t.Fatalf("docs/webhooks.md has no %s", language)
	}
	return code
}

// question is a webhook, as a receiver with a secret sees it at a time.
type question struct {
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`
	Secret  string            `json:"secret"`
	Now     int64             `json:"now"`
	want    bool
}

func (q question) header() http.Header {
	h := http.Header{}
	for k, v := range q.Headers {
		h.Set(k, v)
	}
	return h
}

// askNode runs the documented code of Node on questions.
func askNode(t *testing.T, qs []question) (answers []bool) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: the documented code for Node was not run")
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "verify.mjs")
	code := documented(t, "js") + `
import { readFileSync } from 'node:fs';
const qs = JSON.parse(readFileSync(0));
console.log(JSON.stringify(qs.map((q) => verify(q.headers, Buffer.from(q.body ?? '', 'base64'), q.secret, q.now))));
`
	if err := os.WriteFile(script, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := json.Marshal(qs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), node, script)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &answers)
	}
	if err != nil || len(answers) != len(qs) {
		t.Fatalf("%v: %s", err, out)
	}
	return answers
}

// The documented ways to check a webhook accept what we send, also during a rotation,
// with the secrets of the time and no others; and the published examples.
func TestDocumentedVerification(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("verify_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(source), documented(t, "go")) {
		t.Fatal("the Go code of docs/webhooks.md is not the one that is tested here")
	}
	var qs []question
	eachSQLite(t, func(t *testing.T, r *rig) {
		sink := testkit.NewSink(t, nil)
		r.endpoint("we_1", sink.URL)
		const second, third = "whsec_second", "whsec_third"
		sent := func(good ...string) {
			r.happen(1)
			r.deliver("we_1")
			got := sink.Got()
			w := got[len(got)-1]
			q := question{Headers: map[string]string{}, Body: w.Body}
			for k := range w.Header {
				q.Headers[strings.ToLower(k)] = w.Header.Get(k)
			}
			for _, q.Secret = range []string{secret, second, third, ""} {
				signs := strings.Contains(strings.Join(good, " ")+" ", q.Secret+" ") && q.Secret != ""
				for after, fresh := range map[time.Duration]bool{0: true, 5 * time.Minute: true, -5 * time.Minute: true, 5*time.Minute + time.Millisecond: false, -time.Hour: false} {
					q.Now, q.want = r.c.Now().Add(after).UnixMilli(), signs && fresh
					qs = append(qs, q)
				}
			}
			q.Secret, q.Now, q.want, q.Body = good[0], r.c.Now().UnixMilli(), false, append(bytes.Clone(w.Body), ' ')
			qs = append(qs, q)
		}
		rotate := func(to string) {
			r.change("we_1", func(e pay.Endpoint) pay.Endpoint {
				return e.Rotate(r.d.Auth.Seal([]byte(to), "webhook we_1"), r.c.Now())
			})
		}
		sent(secret)
		rotate(second)
		sent(second, secret)
		rotate(third)
		sent(third, second)
		r.c.Add(24 * time.Hour)
		sent(third)
	})
	var vectors []struct{ Name, Secret, Timestamp, Body, Signature string }
	b, err := os.ReadFile("../../client/testdata/vectors.json")
	if err == nil {
		err = json.Unmarshal(b, &vectors)
	}
	if err != nil || len(vectors) < 5 {
		t.Fatal(len(vectors), err)
	}
	for _, v := range vectors {
		ms, _ := strconv.ParseInt(v.Timestamp, 10, 64)
		for _, header := range []string{"x-pepay-signature", "x-pepay-signature-previous"} {
			for signature, want := range map[string]bool{v.Signature: true, v.Signature[1:] + "0": false, strings.ToUpper(v.Signature): false, "": false, "é" + v.Signature[2:]: false} {
				qs = append(qs, question{map[string]string{"x-pepay-timestamp": v.Timestamp, header: signature}, []byte(v.Body), v.Secret, ms, want})
			}
		}
	}
	for _, stamp := range []string{"", "x", "1.5", " 1", "-1", "99999999999999999999"} {
		qs = append(qs, question{map[string]string{"x-pepay-timestamp": stamp}, nil, "whsec_x", 0, false})
	}
	for n, q := range qs {
		if verify(q.header(), q.Body, q.Secret, time.UnixMilli(q.Now)) != q.want {
			t.Errorf("Go, %d: %+v, want %t", n, q, q.want)
		}
	}
	for n, got := range askNode(t, qs) {
		if got != qs[n].want {
			t.Errorf("Node, %d: %+v, want %t", n, qs[n], qs[n].want)
		}
	}
}
