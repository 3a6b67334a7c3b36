package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// stray is the one payment of an invoice, once it is as it should be.
func stray(t *testing.T, a, other *testkit.App, invoice, what string, f func(api.Payment) bool) (p api.Payment) {
	t.Helper()
	other.MineSlowly(what, func() bool {
		ps := a.Payments(invoice)
		if len(ps) != 1 {
			return false
		}
		p = ps[0]
		return f(p)
	})
	return p
}

func waits(p api.Payment) bool {
	return p.Status == "manual_retry" && p.StatusReason != nil && *p.StatusReason == "wrong_network"
}

func arrived(p api.Payment) bool { return p.SettlementStatus == "settled" }

func decide(a *testkit.App, p api.Payment, verb string) (status int, body []byte, err error) {
	r, err := http.NewRequest(http.MethodPost, a.URL+"/api/v1/invoices/"+p.InvoiceID+"/payments/"+p.ID+"/"+verb, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("x-api-key", a.Key)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// relayed is how many transactions the relayer sent on a chain.
func relayed(t *testing.T, a *testkit.App) uint64 {
	t.Helper()
	n, err := a.Chain.Client().NonceAt(t.Context(), crypto.PubkeyToAddress(devchain.Relayer().PublicKey), nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// An address was given out on one network and is paid on another: the merchant hears of it,
// accepts it, the invoice is paid and the money is where it belongs, to the last unit.
func TestRescue(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a, other := testkit.StartPair(t, url, nil)
		sink, merchant := testkit.NewSink(t, nil), devchain.Merchant()
		testkit.Ask[api.Endpoint](t, "POST", a.URL+"/api/v1/webhooks", `{"url":"`+sink.URL+`"}`, testkit.Headers{"x-api-key", a.Key})
		for _, c := range []struct {
			token common.Address
			units *big.Int
		}{{contracts.TestDollar, dollars(25)}, {common.Address{}, big.NewInt(1e16)}} { // either is worth $25
			before, sent := balance(t, other, c.token, merchant), relayed(t, other)
			made, payor := a.Open(`{"amount_usd":25}`)
			to := a.Allocate(payor, testkit.Dollar).TempAddress
			other.Pay(c.token, to, c.units)
			p := stray(t, a, other, made.InvoiceID, "it waits for its merchant", waits)
			other.Mine(3)
			if s := a.Status(made.InvoiceID).Invoice; s.Status != "unpaid" || s.AmountPaid != 0 || p.Amount != 25_000 || *p.ExpectedNetwork != "ethereum" {
				t.Errorf("the invoice is %s by %+v", s.Status, p)
			}
			if n := relayed(t, other); n != sent || balance(t, other, c.token, common.HexToAddress(to)).Cmp(c.units) != 0 {
				t.Errorf("it was moved unasked, by %d transactions", n-sent)
			}
			var wait sync.WaitGroup
			for range 8 { // of one mind, all at once
				wait.Go(func() {
					status, body, err := decide(a, p, "accept")
					if err != nil || status != http.StatusOK || !bytes.Contains(body, []byte(`"status":"confirmed"`)) {
						t.Errorf("%d %s %v", status, body, err)
					}
				})
			}
			wait.Wait()
			stray(t, a, other, made.InvoiceID, "it is settled", arrived)
			if s := a.Status(made.InvoiceID).Invoice; s.Status != "paid" || s.AmountPaid != 25_000 {
				t.Errorf("the invoice is %s with %d", s.Status, s.AmountPaid)
			}
			if got := new(big.Int).Sub(balance(t, other, c.token, merchant), before); got.Cmp(c.units) != 0 {
				t.Errorf("the merchant got %s of %s", got, c.units)
			}
			if left := balance(t, other, c.token, common.HexToAddress(to)); left.Sign() != 0 || relayed(t, other) != sent+1 || relayed(t, a) != 0 {
				t.Errorf("%s lies there still; the relayer sent %d and %d", left, relayed(t, other)-sent, relayed(t, a))
			}
			testkit.Eventually(t, "its webhooks arrive", func() bool {
				story := map[string]int{}
				for _, g := range sink.Got() {
					var e api.Event
					if json.Unmarshal(g.Body, &e) == nil && bytes.Contains(g.Body, []byte(made.InvoiceID)) {
						story[fmt.Sprintf("%s %t %t", e.Type, bytes.Contains(g.Body, []byte(`"wrong_network"`)), bytes.Contains(g.Body, []byte(`"summary_status":"settled"`)))]++
					}
				}
				return story["invoice_payment.created false false"] == 1 && story["invoice_payment.updated true true"] == 1 && story["invoice.updated false false"] == 1
			})
		}
	})
}

// Left as it is and only swept, it reaches the merchant and credits nothing; the invoice is
// paid where it was to be. What anybody else sweeps is settled all the same.
func TestRescueBySweep(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a, other := testkit.StartPair(t, url, nil)
		before := balance(t, other, contracts.TestDollar, devchain.Merchant())
		made, payor := a.Open(`{"amount_usd":10}`)
		to := a.Allocate(payor, testkit.Dollar).TempAddress
		other.Pay(contracts.TestDollar, to, dollars(10))
		p := stray(t, a, other, made.InvoiceID, "it waits for its merchant", waits)
		if status, body, err := decide(a, p, "sweep"); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s %v", status, body, err)
		}
		if p = stray(t, a, other, made.InvoiceID, "it is settled", arrived); !waits(p) || p.Settlement.Network != "bsc" || p.Settlement.SettlementAddress != devchain.Merchant().Hex() {
			t.Errorf("%+v", p)
		}
		if s := a.Status(made.InvoiceID).Invoice; s.Status != "unpaid" || s.AmountPaid != 0 {
			t.Errorf("the invoice is %s with %d", s.Status, s.AmountPaid)
		}
		a.Pay(contracts.TestDollar, to, dollars(10))
		a.MineSlowly("it is paid where it was to be", func() bool {
			ps := a.Payments(made.InvoiceID)
			return len(ps) == 2 && arrived(ps[0]) && arrived(ps[1])
		})
		if s := a.Status(made.InvoiceID).Invoice; s.Status != "paid" || s.AmountPaid != 10_000 {
			t.Errorf("the invoice is %s with %d", s.Status, s.AmountPaid)
		}
		second, payor := a.Open(`{"amount_usd":10}`)
		other.Pay(contracts.TestDollar, a.Allocate(payor, testkit.Dollar).TempAddress, dollars(3))
		stray(t, a, other, second.InvoiceID, "the next waits", waits)
		at := addressOf(t, a, second.InvoiceID)
		if _, err := other.Wallet.Call(t.Context(), contracts.Factory, contracts.PackSweep([]contracts.Item{{
			Receiver: common.HexToAddress(at.Receiver), Salt: common.HexToHash(at.Salt), Token: contracts.TestDollar,
		}})); err != nil {
			t.Fatal(err)
		}
		if p := stray(t, a, other, second.InvoiceID, "somebody else moved it", arrived); !waits(p) {
			t.Errorf("%+v", p)
		}
		if got := new(big.Int).Sub(balance(t, other, contracts.TestDollar, devchain.Merchant()), before); got.Cmp(dollars(13)) != 0 {
			t.Errorf("the merchant got %s", got)
		}
	})
}

// A reorganisation drops it: it can be neither accepted nor swept. Mined again it is the
// same payment, and counts once.
func TestRescueReorg(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a, other := testkit.StartPair(t, url, nil)
		made, payor := a.Open(`{"amount_usd":10}`)
		to := a.Allocate(payor, testkit.Dollar).TempAddress
		other.Mine(3)
		parent := head(t, other)
		lost := other.Pay(contracts.TestDollar, to, dollars(10))
		other.Mine(1)
		latest(t, a, made.InvoiceID, "it is seen", func(p api.Payment) bool { return p.Status == "pending" })
		replace(t, other, parent, lost)
		p := latest(t, a, made.InvoiceID, "it is dropped", func(p api.Payment) bool {
			return p.Status == "manual_retry" && *p.StatusReason == "reorged"
		})
		for _, verb := range []string{"accept", "sweep"} {
			if status, body, err := decide(a, p, verb); err != nil || status != http.StatusConflict {
				t.Errorf("%s: %d %s %v", verb, status, body, err)
			}
		}
		parent = head(t, other)
		again := other.Pay(contracts.TestDollar, to, dollars(10))
		other.Mine(1)
		moved := func(p api.Payment) bool { return p.TxHash == again.Hex() }
		first := latest(t, a, made.InvoiceID, "another is seen", moved)
		if err := other.Chain.Fork(parent); err != nil {
			t.Fatal(err)
		}
		other.MineSlowly("it is final in another block", func() bool {
			return slices.ContainsFunc(a.Payments(made.InvoiceID), func(p api.Payment) bool { return moved(p) && waits(p) })
		})
		if ps := a.Payments(made.InvoiceID); len(ps) != 2 {
			t.Errorf("%d payments", len(ps))
		}
		if status, body, err := decide(a, first, "accept"); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s %v", status, body, err)
		}
		other.MineSlowly("it is settled", func() bool { return slices.ContainsFunc(a.Payments(made.InvoiceID), arrived) })
		if s := a.Status(made.InvoiceID).Invoice; s.Status != "paid" || s.AmountPaid != 10_000 {
			t.Errorf("the invoice is %s with %d", s.Status, s.AmountPaid)
		}
	})
}

// Native coin that nobody saw on another network is known from the sweep that moves it.
func TestSweepBringsStraysToLight(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a, other := testkit.StartPair(t, url, func(o *app.Options) { o.Networks[1].Poll, o.Networks[1].Relayer = time.Hour, nil })
		made, payor := a.Open(`{"amount_usd":10}`)
		to := a.Allocate(payor, testkit.Ether).TempAddress
		book := &billing.Book{Billing: a.Billing, Network: a.Networks[1].Network}
		from := rests(t, other, book)
		at := pay.Block{Height: from.Height + 1, Hash: "h", Time: time.Now().Truncate(time.Second)}
		sweep := chain.Found{Last: at, Blocks: 1, Sweeps: []pay.Sweep{{
			Network: book.Network.Name, TxHash: "0x02", Block: at, Address: to, Units: money.NewUnits(big.NewInt(4e15)), To: devchain.Merchant().Hex(),
		}}}
		for range 2 {
			if err := book.See(t.Context(), sweep); err != nil {
				t.Fatal(err)
			}
		}
		if err := book.Finalize(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if ps := a.Payments(made.InvoiceID); len(ps) != 1 || !waits(ps[0]) || !arrived(ps[0]) || ps[0].Amount != 10_000 {
			t.Errorf("%+v", ps)
		}
	})
}

// options serve both networks.
func (n *crashNode) options() app.Options {
	o := nodeOptions(n.Database, n.RPC, n.Relayer)
	if n.Other != "" {
		other := testkit.BSC(n.Other, nil, 0)
		other.Relayer = privateKey(n.Relayer)
		o.Networks = append(o.Networks, other)
	}
	return o
}

// acceptAll accepts what is paid to an invoice and does not count, until something is.
func acceptAll(url, invoice, key string) {
	a := &testkit.App{App: &app.App{URL: url}, Key: key}
	for ; ; time.Sleep(20 * time.Millisecond) { // in a process of its own
		r, err := http.NewRequest(http.MethodGet, url+"/api/v1/invoices/"+invoice+"?expand=payments", http.NoBody)
		if err != nil {
			panic(err)
		}
		r.Header.Set("x-api-key", key)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			continue
		}
		var i api.Invoice
		err = json.NewDecoder(resp.Body).Decode(&i)
		if _ = resp.Body.Close(); err != nil || i.Payments == nil {
			continue
		}
		for _, p := range i.Payments.Data {
			if !waits(p) {
				continue
			}
			if status, _, err := decide(a, p, "accept"); err == nil && status == http.StatusOK {
				return
			}
		}
	}
}

// However the process dies between a payment on another network, its acceptance and its
// settlement, a restart ends as if nothing had happened: accepted once, moved once.
func TestCrashInRescue(t *testing.T) {
	t.Parallel()
	home, c := testkit.StartChain(t), testkit.StartChain(t)
	mineHome, mine := testkit.MineWhile(home, 50*time.Millisecond), testkit.MineWhile(c, 50*time.Millisecond)
	w := &devchain.Wallet{Client: c.Client(), Key: c.Payer()}
	scene := func(t *testing.T, database string) *crashScene {
		s := newCrashScene(t, crashNode{Database: database, RPC: home.URL(), Other: c.URL()}, w)
		s.node.Accept = s.invoice
		s.story = []string{
			"invoice.created unpaid", "invoice_payment.created pending pending", "invoice_payment.updated manual_retry pending", "invoice_payment.updated confirmed pending",
			"invoice.updated paid", "invoice_payment.updated confirmed processing", "invoice_payment.updated confirmed settled",
		}
		return s
	}
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		defer mineHome()()
		defer mine()()
		s := scene(t, url)
		all := s.settled(t)
		s.check(t, c)
		visited := slices.DeleteFunc(slices.Sorted(slices.Values(all)), func(place string) bool { // of the commits every twenty-fourth, others on each engine
			name, n, _ := strings.Cut(place, "#")
			at, _ := strconv.Atoi(n)
			some := strings.HasPrefix(name, commitPlace) && at%24 == map[bool]int{false: 6, true: 18}[strings.HasPrefix(url, "postgres")]
			return !some && !lethal(place, strings.HasPrefix(url, "postgres"))
		})
		if len(visited) < 8 || !slices.Contains(visited, "after eth_sendRawTransaction#1") {
			t.Fatalf("only %d places to die at: %q", len(visited), visited)
		}
		t.Logf("%d places to die at, of %d", len(visited), len(all))
		for n, place := range visited {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				defer mineHome()()
				defer mine()()
				t.Log(place)
				database := filepath.Join(t.TempDir(), "test.db")
				if strings.HasPrefix(url, "postgres") {
					database = testkit.Postgres(t)
				}
				s := scene(t, database)
				s.node.dieAt(t, place)
				s.settled(t)
				s.check(t, c)
			})
		}
	})
}
