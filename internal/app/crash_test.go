package app_test

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// crashScene is a deployment with an unpaid invoice whose deposit is on chain, and
// no process that has seen it.
type crashScene struct {
	node     crashNode
	merchant pay.Merchant
	invoice  string
	address  common.Address
	units    *big.Int
	sink     *testkit.Sink
	receiver common.Address
	story    []string // what the merchant hears, in order, whatever happens
}

func newCrashScene(t *testing.T, n crashNode, w *devchain.Wallet) *crashScene {
	relayer, receiver := newKey(t), crypto.PubkeyToAddress(newKey(t).PublicKey)
	send := func(token, to common.Address, units *big.Int) {
		if _, err := w.Pay(t.Context(), token, to, units); err != nil {
			t.Fatal(err)
		}
	}
	send(common.Address{}, crypto.PubkeyToAddress(relayer.PublicKey), big.NewInt(1e18))
	n.Relayer = hex.EncodeToString(crypto.FromECDSA(relayer))
	a, err := app.Start(t.Context(), n.options())
	if err != nil {
		t.Fatal(err)
	}
	s := &crashScene{node: n, receiver: receiver, sink: testkit.NewSink(t, nil), story: crashStory}
	m, err := a.Billing.AddMerchant(t.Context(), pay.Merchant{Name: "M", Environment: pay.Devnet}, map[pay.Family]string{pay.EVM: receiver.Hex()})
	if err != nil {
		t.Fatal(err)
	}
	s.merchant = m
	_, key, err := a.Billing.AddKey(t.Context(), m.ID, "k", pay.ScopeMerchant, pay.Devnet, 0)
	if err != nil {
		t.Fatal(err)
	}
	k := &testkit.App{App: a, Key: key}
	k.Bind(t)
	testkit.Ask[api.Endpoint](t, "POST", a.URL+"/api/v1/webhooks", `{"url":"`+s.sink.URL+`"}`, testkit.Headers{"x-api-key", key})
	made, payor := k.Open(`{"amount_usd":25.5}`)
	addr := k.Allocate(payor, testkit.Dollar)
	s.node.Key = key
	s.invoice, s.address, s.units = made.InvoiceID, common.HexToAddress(addr.TempAddress), big.NewInt(25_500_000)
	testkit.Eventually(t, "the invoice is announced", func() bool { return len(s.sink.Got()) == 1 })
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	send(contracts.TestDollar, s.address, s.units)
	return s
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	k, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// settled runs a node until the deposit is settled and every event was delivered.
func (s *crashScene) settled(t *testing.T) (visited []string) {
	cmd, in, lines := s.node.start(t, "")
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "#") {
				visited = append(visited, lines.Text())
			}
		}
	}()
	testkit.Eventually(t, "the settlement is announced, and all before it", func() bool {
		events, settled := map[string]bool{}, false
		for _, g := range s.sink.Got() {
			events[g.Header.Get(api.HeaderEventID)] = true
			settled = settled || bytes.Contains(g.Body, []byte(`"summary_status":"settled"`))
		}
		return settled && len(events) >= len(s.story)
	})
	_ = in.Close()
	_ = cmd.Wait()
	<-read
	return visited
}

// crashStory is what a merchant hears of a payment that counts.
var crashStory = []string{
	"invoice.created unpaid", "invoice_payment.created pending pending", "invoice_payment.updated confirmed pending", "invoice.updated paid",
	"invoice_payment.updated confirmed processing", "invoice_payment.updated confirmed settled",
}

// check holds the outcome against what it must be, whatever happened on the way.
func (s *crashScene) check(t *testing.T, c *devchain.Chain) {
	t.Helper()
	bodies := map[string]string{}
	var story []string
	for _, g := range s.sink.Got() {
		id := g.Header.Get(api.HeaderEventID)
		if was, again := bodies[id]; again && was != string(g.Body) {
			t.Errorf("event %s was delivered with two bodies", id)
		}
		bodies[id] = string(g.Body)
	}
	ids := slices.SortedFunc(maps.Keys(bodies), func(a, b string) int { return strings.Compare(seq(a), seq(b)) })
	for _, id := range ids {
		var e struct {
			Type string
			Data struct {
				Object struct {
					Status     string
					Settlement string `json:"settlement_status"`
				}
			}
		}
		if err := json.Unmarshal([]byte(bodies[id]), &e); err != nil {
			t.Fatal(err)
		}
		story = append(story, strings.TrimSpace(e.Type+" "+e.Data.Object.Status+" "+e.Data.Object.Settlement))
	}
	if !slices.Equal(story, s.story) {
		t.Errorf("the events are\n\t%s\nwant\n\t%s", strings.Join(story, "\n\t"), strings.Join(s.story, "\n\t"))
	}
	for at, units := range map[common.Address]*big.Int{s.receiver: s.units, s.address: new(big.Int)} {
		got, err := contracts.BalanceOf(t.Context(), c.Client(), contracts.TestDollar, at)
		if err != nil {
			t.Fatal(err)
		}
		if got.Cmp(units) != 0 {
			t.Errorf("%s holds %s, want %s", at, got, units)
		}
	}
}

// seq returns an event's sequence number, padded so that it sorts.
func seq(id string) string {
	_, n, _ := strings.Cut(strings.TrimPrefix(id, "evt_"), "-")
	return fmt.Sprintf("%09s", n)
}

// shared is this engine's share of the places: a quarter, another on each engine, or all of
// them if PEPAY_TEST_CRASH_ALL is set.
func shared(places []string, url string) (mine []string) {
	turn := map[bool]int{true: 2}[strings.HasPrefix(url, "postgres")]
	for n, p := range places {
		if os.Getenv("PEPAY_TEST_CRASH_ALL") != "" || n%4 == turn {
			mine = append(mine, p)
		}
	}
	return mine
}

// However the process dies between a deposit and its settlement, and wherever, a
// restart ends as if nothing had happened: on both engines, at every place between
// two commits, two requests to a node, two webhooks.
func TestCrashAnywhere(t *testing.T) {
	t.Parallel()
	c := testkit.StartChain(t)
	mine := testkit.MineWhile(c, 50*time.Millisecond)
	w := &devchain.Wallet{Client: c.Client(), Key: c.Payer()}
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		defer mine()()
		s := newCrashScene(t, crashNode{Database: url, RPC: c.URL()}, w)
		visited := s.settled(t)
		s.check(t, c)
		slices.Sort(visited)
		if len(visited) < 20 {
			t.Fatalf("only %d places to die at: %q", len(visited), visited)
		}
		t.Logf("%d places to die at", len(visited))
		for n, place := range shared(visited, url) {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				defer mine()()
				t.Log(place)
				database := filepath.Join(t.TempDir(), "test.db")
				if strings.HasPrefix(url, "postgres") {
					database = testkit.Postgres(t)
				}
				s := newCrashScene(t, crashNode{Database: database, RPC: c.URL()}, w)
				s.node.dieAt(t, place)
				s.settled(t)
				s.check(t, c)
			})
		}
	})
}
