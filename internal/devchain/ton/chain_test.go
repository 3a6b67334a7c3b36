package ton_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/ton"
	devchain "github.com/pepay/pepay/internal/devchain/ton"
	"github.com/pepay/pepay/internal/testkit"
)

const now = 1_700_000_000

func open() *devchain.Chain { return devchain.New(func() time.Time { return time.Unix(now, 0) }) }

func relayer() ton.Wallet {
	return ton.FeeWallet(devchain.Relayer().Public().(ed25519.PublicKey), true)
}

var somebody = ton.Address(bytes.Repeat([]byte{0x11}, 32))

// post sends a message over HTTP and returns what the node says against it.
func post(c *devchain.Chain, m *ton.Cell) string {
	body, _ := json.Marshal(ton.SendMessage{BoC: ton.Encode64(m)})
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/v3/message", bytes.NewReader(body)))
	if w.Code == http.StatusOK {
		return ""
	}
	return w.Body.String()
}

// What the real network refuses is refused.
func TestRefuses(t *testing.T) {
	t.Parallel()
	c, w := open(), relayer()
	good := ton.Request{Wallet: w.ID, ValidUntil: now + 60, Messages: []ton.Message{{To: somebody, Value: big.NewInt(5), Mode: 3}}}
	for name, v := range map[string]struct {
		change func(*ton.Request)
		key    ed25519.PrivateKey
		want   string
	}{
		"another key":      {key: devchain.Payer(), want: "135"},
		"another wallet":   {change: func(r *ton.Request) { r.Wallet++ }, want: "133"},
		"another number":   {change: func(r *ton.Request) { r.Seqno = 1 }, want: "133"},
		"too late":         {change: func(r *ton.Request) { r.ValidUntil = now }, want: "136"},
		"errors not taken": {change: func(r *ton.Request) { r.Messages = []ton.Message{{To: somebody, Value: big.NewInt(5), Mode: 1}} }, want: "137"},
		"from inside":      {change: func(r *ton.Request) { r.Internal = true }, want: "refuses"},
	} {
		r, key := good, devchain.Relayer()
		if v.change != nil {
			v.change(&r)
		}
		if v.key != nil {
			key = v.key
		}
		if got := post(c, ton.External(w.Address(), nil, r.Sign(key))); !strings.Contains(got, v.want) {
			t.Errorf("%s: %q, want %q", name, got, v.want)
		}
	}
	if got := post(c, ton.External(somebody, nil, good.Sign(devchain.Relayer()))); !strings.Contains(got, "no contract") {
		t.Errorf("no contract: %q", got)
	}
	m := ton.External(w.Address(), nil, good.Sign(devchain.Relayer()))
	if got := post(c, m) + post(c, m); got != "" {
		t.Errorf("sound: %q", got)
	}
	c.Mine()
	if got := post(c, m); !strings.Contains(got, "133") {
		t.Errorf("a second time: %q", got)
	}
	if got := c.Balance(somebody, ""); got.Int64() != 5 {
		t.Errorf("paid %s", got)
	}
}

// A transfer of a jetton that cannot be is undone, and what it brought comes back.
func TestJettonsAreKept(t *testing.T) {
	t.Parallel()
	c := open()
	payer := ton.FeeWallet(devchain.Payer().Public().(ed25519.PublicKey), true).Address()
	had := c.Balance(payer, devchain.USDT)
	if err := c.Pay(somebody.Raw(), devchain.USDT, new(big.Int).Add(had, big.NewInt(1))); err != nil {
		t.Fatal(err)
	}
	c.Mine()
	c.Freeze(somebody, true)
	if err := c.Pay(somebody.String(), devchain.USDT, big.NewInt(7)); err != nil {
		t.Fatal(err)
	}
	c.Mine()
	if got := c.Balance(payer, devchain.USDT); got.Cmp(had) != 0 || c.Balance(somebody, devchain.USDT).Sign() != 0 {
		t.Errorf("the payor holds %s, had %s", got, had)
	}
	c.Freeze(somebody, false)
	if err := c.Pay(somebody.String(), devchain.USDT, big.NewInt(7)); err != nil {
		t.Fatal(err)
	}
	c.Mine()
	if got := c.Balance(somebody, devchain.USDT); got.Int64() != 7 {
		t.Errorf("arrived %s", got)
	}
	head := c.Head()
	c.Fork(1, nil)
	if got := c.Balance(somebody, devchain.USDT); got.Sign() != 0 || c.Head() != head+1 {
		t.Errorf("after the fork %s, at %d", got, c.Head())
	}
	for _, bad := range [][2]string{{"UQ", ""}, {somebody.String(), somebody.String()}} {
		if err := c.Pay(bad[0], bad[1], big.NewInt(1)); err == nil {
			t.Errorf("paid %v", bad)
		}
	}
}

// Bad questions get an answer, too.
func TestBadQuestions(t *testing.T) {
	t.Parallel()
	c := open()
	for question, want := range map[string]int{
		"GET /api/v3/nothing": 404, "GET /": 404, "POST /api/v3/blocks": 404,
		"GET /api/v3/masterchainBlockShardState?seqno=999": 404, "GET /api/v3/masterchainBlockShardState?seqno=x": 404,
		"GET /api/v3/transactions?account=x": 422, "GET /api/v3/accountStates?address=x": 422,
		"POST /api/v3/message": 422, "POST /api/v3/runGetMethod": 422,
		"GET /api/v3/transactions?limit=-1&offset=-1": 200, "GET /api/v3/blocks?limit=99999&offset=99999&sort=asc": 200,
		"GET /api/v3/transactionsByMasterchainBlock?seqno=-1": 200, "GET /api/v3/transactionsByMessage?msg_hash=zz": 200,
	} {
		method, path, _ := strings.Cut(question, " ")
		w := httptest.NewRecorder()
		c.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader("{")))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", question, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/v3/message", strings.NewReader(`{"boc":"te6c"}`)))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("a message that is none: %d", w.Code)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	c := open()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		c.Run(ctx, time.Millisecond)
		close(done)
	}()
	from := c.Head()
	if err := c.Pay(somebody.String(), "", big.NewInt(1)); err != nil {
		t.Error(err)
	}
	testkit.Eventually(t, "three blocks are made", func() bool { return c.Head() >= from+3 })
	cancel()
	<-done
	if fmt.Sprint(c.Balance(somebody, "")) == "0" {
		t.Error("nothing was mined")
	}
}
