package server_test

import (
	"bytes"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// knock asks for a websocket and returns how the door was answered.
func (d *desk) knock(path string, h testkit.Headers) answer {
	d.t.Helper()
	header := http.Header{}
	for i := 0; i+1 < len(h); i += 2 {
		header.Set(h[i], h[i+1])
	}
	c, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(d.URL, "http")+path, header)
	if resp == nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // there is nothing to lose
	var b bytes.Buffer
	if c != nil {
		_ = c.Close()
	} else {
		_, _ = b.ReadFrom(resp.Body)
	}
	return answer{resp.StatusCode, resp.Header, b.String()}
}

func TestTickets(t *testing.T) {
	t.Parallel()
	d := newDesk(t, t.TempDir()+"/test.db", nil)
	const target = "POST /api/v1/ws/token"
	commerce := testkit.Headers{"x-commerce-api-key", d.Commerce}
	for _, body := range []string{
		`{"scope":"commerce"}`, `{"scope":"x"}`, `{"scope":1}`, `{"scope":""}`, `{"ttl_seconds":0}`, `{"ttl_seconds":-1}`, `{"ttl_seconds":3601}`, `{"ttl_seconds":"60"}`, `{"ttl_seconds":1.5}`,
		`{"ttl_seconds":1e400}`, `{"ttl_seconds":99999999999999999999}`, `{"ttl_seconds":4294967297}`, `[]`, `{`, `"x"`,
	} {
		refused(t, d.ask(target, body, d.key), 400, "B", "VALIDATION_ERROR")
	}
	refused(t, d.ask(target, `{"scope":"merchant"}`, commerce), 400, "B", "VALIDATION_ERROR")
	for body, life := range map[string]int64{``: 60, `{}`: 60, `{"ttl_seconds":1}`: 1, `{"scope":"merchant","ttl_seconds":3600}`: 3600} {
		now := time.Now().Unix()
		v := decode[api.Wrapped[api.Ticket]](t, d.ask(target, body, d.key)).Data
		if v.Scope != "merchant" || v.MerchantID != d.Merchant.ID || v.ExpiresAt < now+life || v.ExpiresAt > now+life+10 || v.WSURL != "ws"+d.URL[4:]+"/ws/merchant/events" {
			t.Errorf("%s: %+v", body, v)
		}
	}
	v := decode[api.Wrapped[api.Ticket]](t, d.ask(target, `{}`, commerce)).Data
	if v.Scope != "commerce" || v.NetworkEnvironment == nil || *v.NetworkEnvironment != "devnet" || !strings.HasSuffix(v.WSURL, "/ws/commerce/events") {
		t.Errorf("commerce: %+v", v)
	}
}

func TestStreamDoors(t *testing.T) {
	t.Parallel()
	clock := new(moved)
	d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) { o.Now = clock.Now })
	_, payor := d.Open(`{"amount_usd":1}`)
	payment := d.Allocate(payor, testkit.Dollar).WSConnection.Token
	mint := func(h testkit.Headers) string {
		return decode[api.Wrapped[api.Ticket]](t, d.ask("POST /api/v1/ws/token", `{}`, h)).Data.Token
	}
	merchant, commerce := mint(d.key), mint(testkit.Headers{"x-api-key", d.Commerce})
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"aud": "merchant", "merchant_id": 1, "exp": time.Now().Add(time.Hour).Unix()}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	const pays, sells = "/ws/payment?token=", "/ws/merchant/events?token="
	for _, path := range []string{pays + payment, pays + payment + "&format=event_v1", sells + merchant, sells + merchant + "&types=invoice.*&environment=devnet"} {
		if a := d.knock(path, nil); a.status != http.StatusSwitchingProtocols {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := d.knock("/ws/merchant/events", d.key); a.status != http.StatusSwitchingProtocols {
		t.Errorf("with the key: %d %s", a.status, a.body)
	}
	for _, path := range []string{
		pays, "/ws/payment", pays + "x", pays + merchant, pays + commerce, pays + payment + "x", pays + unsigned, sells + "x", sells + payment, sells + commerce, sells + unsigned, sells + merchant[:len(merchant)-2],
		sells + strings.Repeat("x", 9000),
	} {
		refused(t, d.knock(path, nil), 401, "A", "TOKEN_INVALID")
	}
	refused(t, d.knock("/ws/payment", d.key), 401, "A", "TOKEN_INVALID")
	refused(t, d.knock("/ws/payment", payor), 401, "A", "TOKEN_INVALID")
	refused(t, d.knock("/ws/merchant/events", nil), 401, "A", "API_KEY_INVALID")
	refused(t, d.knock("/ws/merchant/events", testkit.Headers{"x-api-key", "wrong"}), 401, "A", "API_KEY_INVALID")
	refused(t, d.knock("/ws/merchant/events", testkit.Headers{"x-api-key", d.Commerce}), 403, "A", "FORBIDDEN")
	for _, q := range []string{"&since=x", "&since=%00", "&types=x", "&types=invoice.*,x", "&environment=live", "&format=v2", "&invoice_id=%ff", "&x=%zz"} {
		refused(t, d.knock(sells+merchant+q, nil), 400, "A", "VALIDATION_ERROR")
	}
	refused(t, d.knock(pays+payment+"&since=x", nil), 400, "A", "VALIDATION_ERROR")
	refused(t, d.stray("GET "+sells+merchant, "", nil), 400, "A", "VALIDATION_ERROR") // no upgrade
	clock.Add(61 * time.Second)
	refused(t, d.knock(sells+merchant, nil), 401, "A", "TOKEN_INVALID")
	if a := d.knock(pays+payment, nil); a.status != http.StatusSwitchingProtocols {
		t.Errorf("a payor after a minute: %d %s", a.status, a.body)
	}
	clock.Add(15 * time.Minute)
	refused(t, d.knock(pays+payment, nil), 401, "A", "TOKEN_INVALID")
}

// safely is a buffer that several goroutines may write to.
type safely struct {
	sync.Mutex
	b bytes.Buffer
}

func (s *safely) Write(p []byte) (int, error) {
	s.Lock()
	defer s.Unlock()
	return s.b.Write(p)
}

func (s *safely) String() string {
	s.Lock()
	defer s.Unlock()
	return s.b.String()
}

// Credentials are in no log line, and in the database only as hashes or sealed.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		logs := new(safely)
		d := newDesk(t, url, func(o *app.Options) {
			o.Log = slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		sink := testkit.NewSink(t, func(n int, _ *http.Request) int { return []int{500, 200}[min(n-1, 1)] })
		hook := decode[api.Endpoint](t, d.ask("POST /api/v1/webhooks", `{"url":"`+sink.URL+`/hook"}`, d.key))
		made, payor := d.Open(`{"amount_usd":1}`)
		address := d.Allocate(payor, testkit.Dollar)
		minted := decode[api.Wrapped[api.Ticket]](t, d.ask("POST /api/v1/ws/token", ``, d.key)).Data.Token
		for _, path := range []string{"/ws/payment?token=" + address.WSConnection.Token, "/ws/merchant/events?token=" + minted, "/ws/payment?token=x" + address.WSConnection.Token} {
			d.knock(path, nil)
		}
		d.stray("GET "+strings.TrimPrefix(made.PaymentURL, d.URL), "", nil)
		d.stray("GET "+strings.TrimPrefix(made.PaymentURL, d.URL)+"x", "", nil)
		d.stray("GET /api/v1/invoices?api_key="+d.Key, "", d.key)
		d.ask(payorTargets[2], `{"network":"`+made.SessionToken+`"`, payor)
		d.ask(payorTargets[3], "", testkit.Headers{"x-session-token", made.SessionToken, "x-signature", made.Signature + "x"})
		d.ask("POST /api/v1/invoices", `{`, d.with("Idempotency-Key", "x"))
		w, bearer := d.member(d.Merchant.ID, pay.RoleOwner)
		access := strings.TrimPrefix(bearer[1], "Bearer ")
		asked := d.challenge(w)
		nonce, _, _ := strings.Cut(asked.Message[strings.Index(asked.Message, "Nonce: ")+7:], "\n")
		signature := w.sign(asked.Message)
		d.verify(asked.ChallengeID, ethereumWallet(t).sign(asked.Message), w)
		d.verify(asked.ChallengeID, signature, w)
		d.ask("GET /api/v1/api-keys", "", testkit.Headers{"Authorization", "Bearer " + access + "x"})
		d.stray("GET /api/v1/api-keys?token="+access, "", bearer)
		created := decode[api.CreatedKey](t, d.ask("POST /api/v1/api-keys", `{"name":"till","scope":"merchant"}`, append(bearer, "Idempotency-Key", "k")))
		code, err := d.Billing.AddMainnetCode(t.Context(), d.Merchant.ID)
		if err != nil {
			t.Fatal(err)
		}
		d.ask("POST /api/v1/user/mainnet-access/activate", `{"access_key":"`+code+`"}`, bearer)
		if d.ask(logoutPath, "", bearer); len(nonce) != 32 {
			t.Fatal(nonce)
		}
		testkit.Eventually(t, "webhooks come", func() bool { return len(sink.Got()) > 1 })
		if !strings.Contains(logs.String(), "route=/api/v1/invoices") {
			t.Fatalf("nothing was logged: %s", logs)
		}
		kept := dump(t, url)
		if !bytes.Contains(kept, []byte(made.InvoiceID)) {
			t.Fatal("the invoice is not in the database")
		}
		for name, secret := range map[string]string{
			"API key": d.Key, "commerce key": d.Commerce, "session token": made.SessionToken, "signature": made.Signature, "signature's hash": made.Signature[:64],
			"payor's ticket": address.WSConnection.Token, "merchant's ticket": minted, "webhook secret": hook.Secret,
			"access token": access, "signature of a challenge": signature[2:], "nonce": nonce, "created key": created.APIKey, "mainnet code": code,
		} {
			if strings.Contains(logs.String(), secret) {
				t.Errorf("the log has the %s", name)
			}
			if bytes.Contains(kept, []byte(secret)) {
				t.Errorf("the database has the %s", name)
			}
		}
	})
}

// dump returns everything that a database holds, as it lies there.
func dump(t *testing.T, url string) (all []byte) {
	t.Helper()
	if !strings.HasPrefix(url, "postgres") {
		for _, part := range []string{url, url + "-wal"} {
			b, err := os.ReadFile(part)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b...)
		}
		return all
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was read
	for _, table := range cells(t, db, `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`) {
		all = append(all, bytes.Join(cells(t, db, `SELECT * FROM `+string(table)), nil)...)
	}
	return all
}

// cells returns the values that a query finds, row by row.
func cells(t *testing.T, db *sql.DB, query string) (all [][]byte) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // it was read
	names, err := rows.Columns()
	for err == nil && rows.Next() {
		values, to := make([][]byte, len(names)), make([]any, len(names))
		for n := range to {
			to[n] = &values[n]
		}
		err = rows.Scan(to...)
		all = append(all, values...)
	}
	if err = errors.Join(err, rows.Err()); err != nil {
		t.Fatal(err)
	}
	return all
}
