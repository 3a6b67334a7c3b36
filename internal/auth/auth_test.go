package auth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

func open(t *testing.T, secret string) *auth.Auth {
	t.Helper()
	a, err := auth.New([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const (
	ours   = "0123456789abcdef0123456789abcdef"
	theirs = "0123456789abcdef0123456789abcdeg"
)

func TestSecretSize(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, auth.SecretSize - 1} {
		if _, err := auth.New(make([]byte, n)); err == nil {
			t.Errorf("a secret of %d bytes is taken", n)
		}
	}
	open(t, ours)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scope pay.Scope
		env   pay.Environment
		form  string
	}{
		{pay.ScopeMerchant, pay.Mainnet, `^pk_live_[0-9a-z]{24}$`},
		{pay.ScopeMerchant, pay.Devnet, `^pk_test_[0-9a-z]{24}$`},
		{pay.ScopeCommerce, pay.Mainnet, `^ck_[0-9a-z]{24}$`},
		{pay.ScopeCommerce, pay.Devnet, `^ck_[0-9a-z]{24}$`},
	} {
		seen, letters := map[string]bool{}, map[rune]int{}
		for range 500 {
			k := auth.NewKey(c.scope, c.env)
			if seen[k] || !regexp.MustCompile(c.form).MatchString(k) {
				t.Fatalf("%s is not of the form %s, or not new", k, c.form)
			}
			seen[k] = true
			for _, r := range k[len(k)-24:] {
				letters[r]++
			}
		}
		// 12,000 draws of 36 letters: 333 of each, with a deviation of 18.
		for r, n := range letters {
			if n < 333-6*18 || n > 333+6*18 || len(letters) != 36 {
				t.Errorf("%q was drawn %d times of 12000, from %d letters", r, n, len(letters))
			}
		}
	}
	if s := auth.NewWebhookSecret(); !regexp.MustCompile(`^whsec_[0-9a-z]{32}$`).MatchString(s) || s == auth.NewWebhookSecret() {
		t.Errorf("a webhook secret like %s", s)
	}
	if h := auth.Hash("abc"); h != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("the hash of abc is %s", h)
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	a := open(t, ours)
	token, sig := a.NewSession(now)
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(token) ||
		!regexp.MustCompile(`^[0-9a-f]{64}\.`+strconv.FormatInt(now.UnixMilli(), 10)+`$`).MatchString(sig) {
		t.Fatalf("a session like %s, %s", token, sig)
	}
	other, otherSig := a.NewSession(now)
	_, foreign := open(t, theirs).NewSession(now)
	hash, ms, _ := strings.Cut(sig, ".")
	for name, c := range map[string]struct {
		token, sig string
		want       bool
	}{
		"as given":                  {token, sig, true},
		"another's token":           {other, sig, false},
		"another's signature":       {token, otherSig, false},
		"another deployment's":      {token, foreign, false},
		"no token":                  {"", sig, false},
		"no signature":              {token, "", false},
		"nothing":                   {"", "", false},
		"only a dot":                {token, ".", false},
		"no hash":                   {token, "." + ms, false},
		"no time":                   {token, hash + ".", false},
		"no dot":                    {token, hash, false},
		"another time":              {token, hash + "." + ms[:len(ms)-1] + "0", false},
		"a time written otherwise":  {token, hash + ".0" + ms, false},
		"time moved into the token": {token + "." + ms[:4], hash + "." + ms[4:], false},
		"capitals in the hash":      {token, strings.ToUpper(hash) + "." + ms, strings.ToUpper(hash) == hash},
		"capitals in the token":     {strings.ToUpper(token), sig, strings.ToUpper(token) == token},
		"a changed hash":            {token, flip(hash) + "." + ms, false},
		"a short hash":              {token, hash[1:] + "." + ms, false},
		"space before":              {token, " " + sig, false},
		"space after":               {token, sig + " ", false},
		"more after":                {token, sig + ".1", false},
		"swapped":                   {sig, token, false},
		"a long token":              {token + strings.Repeat("a", 1<<20), sig, false},
		"a long signature":          {token, sig + strings.Repeat("0", 1<<20), false},
	} {
		if got := a.Session(c.token, c.sig); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !open(t, ours).Session(token, sig) {
		t.Error("another node of the deployment refuses the session")
	}
}

func flip(hex string) string {
	if hex[0] == '0' {
		return "1" + hex[1:]
	}
	return "0" + hex[1:]
}

func TestTickets(t *testing.T) {
	t.Parallel()
	a := open(t, ours)
	for _, want := range []auth.Ticket{
		{Stream: auth.StreamPayment, MerchantID: 7, InvoiceID: "i", Environment: pay.Devnet},
		{Stream: auth.StreamMerchant, MerchantID: 7},
		{Stream: auth.StreamCommerce, MerchantID: 7, Environment: pay.Mainnet},
	} {
		token, err := a.NewTicket(want, now.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := open(t, ours).Ticket(token, want.Stream, now); err != nil || got != want {
			t.Errorf("%+v became %+v, %v", want, got, err)
		}
		for _, s := range []auth.Stream{auth.StreamPayment, auth.StreamMerchant, auth.StreamCommerce, ""} {
			if _, err := a.Ticket(token, s, now); (err == nil) != (s == want.Stream) {
				t.Errorf("a ticket for %q opens %q: %v", want.Stream, s, err)
			}
		}
		for d, ok := range map[time.Duration]bool{0: true, 59 * time.Second: true, time.Minute: false, time.Hour: false} {
			if _, err := a.Ticket(token, want.Stream, now.Add(d)); (err == nil) != ok {
				t.Errorf("after %s: %v", d, err)
			}
		}
		if _, err := open(t, theirs).Ticket(token, want.Stream, now); pay.CodeOf(err) != pay.CodeTicketInvalid {
			t.Errorf("another deployment's ticket: %v", err)
		}
	}
}

func TestForgedTickets(t *testing.T) {
	t.Parallel()
	a := open(t, ours)
	good, err := a.NewTicket(auth.Ticket{Stream: auth.StreamMerchant, MerchantID: 7}, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(good, ".")
	claims := jwt.MapClaims{"aud": "merchant", "exp": now.Add(time.Minute).Unix(), "merchant_id": 7}
	sign := func(m jwt.SigningMethod, key any, c jwt.Claims) string {
		s, err := jwt.NewWithClaims(m, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	b64 := base64.RawURLEncoding.EncodeToString
	for name, token := range map[string]string{
		"nothing":                       "",
		"no JWT":                        "a.b.c",
		"alg none":                      sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims),
		"alg None, no signature":        b64([]byte(`{"alg":"None","typ":"JWT"}`)) + "." + part[1] + ".",
		"no signature":                  part[0] + "." + part[1] + ".",
		"the secret itself as the key":  sign(jwt.SigningMethodHS256, []byte(ours), claims),
		"an empty key":                  sign(jwt.SigningMethodHS256, []byte{}, claims),
		"another algorithm of our keys": sign(jwt.SigningMethodHS512, []byte(ours), claims),
		"other claims":                  part[0] + "." + b64([]byte(`{"aud":["merchant"],"exp":9999999999,"merchant_id":8}`)) + "." + part[2],
		"another head":                  b64([]byte(`{"alg":"HS256"}`)) + "." + part[1] + "." + part[2],
		"four parts":                    good + ".x",
		"long":                          strings.Repeat("a", 1<<20) + "." + part[1] + "." + part[2],
		"dots":                          strings.Repeat(".", 1<<16),
	} {
		if got, err := a.Ticket(token, auth.StreamMerchant, now); pay.CodeOf(err) != pay.CodeTicketInvalid || got != (auth.Ticket{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestSeal(t *testing.T) {
	t.Parallel()
	a := open(t, ours)
	for _, secret := range [][]byte{{}, []byte("s"), bytes.Repeat([]byte("long"), 1<<12)} {
		sealed := a.Seal(secret, "endpoint 1")
		if len(secret) > 3 && bytes.Contains(sealed, secret) || bytes.Equal(sealed, a.Seal(secret, "endpoint 1")) {
			t.Error("the seal shows its secret, or is the same twice")
		}
		if got, err := open(t, ours).Open(sealed, "endpoint 1"); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%q opened as %q, %v", secret, got, err)
		}
		for name, open := range map[string]func() ([]byte, error){
			"another purpose":    func() ([]byte, error) { return a.Open(sealed, "endpoint 2") },
			"no purpose":         func() ([]byte, error) { return a.Open(sealed, "") },
			"another deployment": func() ([]byte, error) { return open(t, theirs).Open(sealed, "endpoint 1") },
			"cut":                func() ([]byte, error) { return a.Open(sealed[:len(sealed)-1], "endpoint 1") },
			"empty":              func() ([]byte, error) { return a.Open(nil, "endpoint 1") },
			"longer":             func() ([]byte, error) { return a.Open(append(bytes.Clone(sealed), 0), "endpoint 1") },
		} {
			if got, err := open(); err == nil {
				t.Errorf("%s: opened as %q", name, got)
			}
		}
		for n := range min(len(sealed), 64) {
			changed := bytes.Clone(sealed)
			changed[n] ^= 1
			if _, err := a.Open(changed, "endpoint 1"); err == nil {
				t.Errorf("byte %d changed, and it opens", n)
			}
		}
	}
}

// The vectors were computed apart from this code, with Python's hmac; clients may
// test themselves against them.
func TestSignWebhook(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../client/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Name, Secret, Timestamp, Body, Signature string }
	if err := json.Unmarshal(b, &vectors); err != nil || len(vectors) < 3 {
		t.Fatal(len(vectors), err)
	}
	for _, v := range vectors {
		ms, err := strconv.ParseInt(v.Timestamp, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		at := time.UnixMilli(ms).Add(999 * time.Microsecond)
		if ts, sig := auth.SignWebhook(v.Secret, at, []byte(v.Body)); ts != v.Timestamp || sig != v.Signature {
			t.Errorf("%s: %s, %s", v.Name, ts, sig)
		}
	}
}
