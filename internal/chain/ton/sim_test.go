package ton_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/ton"
	devchain "github.com/pepay/pepay/internal/devchain/ton"
	"github.com/pepay/pepay/internal/pay"
)

var (
	begin      = time.Unix(1_700_000_000, 0)
	depositKey = func() ed25519.PrivateKey {
		seed := sha256.Sum256([]byte("deposits"))
		return ed25519.NewKeyFromSeed(seed[:])
	}()
	ourA, ourB, stranger = deposit(1), deposit(2), deposit(3)
	merchant             = deposit(4)
	token                = pay.Token{Network: "ton", Symbol: "USDT", Type: pay.Jetton, Address: devchain.USDT, Decimals: 6}
	other                = pay.Token{Network: "ton", Symbol: "USDT", Type: pay.Jetton, Address: devchain.Other, Decimals: 6}
)

func deposit(index uint32) string {
	a, err := ton.DepositAddress(depositKey.Public().(ed25519.PublicKey), index, true)
	if err != nil {
		panic(err)
	}
	return a
}

func parse(text string) ton.Address {
	a, err := ton.Parse(text, true)
	if err != nil {
		panic(err)
	}
	return a
}

// sim is a network, with a relayer that knows the deposit key.
type sim struct{ *devchain.Chain }

func newSim() sim { return sim{devchain.New(func() time.Time { return begin })} }

func (s sim) wallet(t testing.TB, index uint32) ton.Wallet {
	w, err := ton.DepositWallet(depositKey.Public().(ed25519.PublicKey), index, true)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// request has the payor bring a request to a deposit wallet.
func (s sim) request(t testing.TB, index, seqno uint32, nanotons int64, all ...ton.Message) {
	t.Helper()
	w := s.wallet(t, index)
	r := ton.Request{Internal: true, Wallet: w.ID, ValidUntil: 1<<32 - 1, Seqno: seqno, Messages: all}
	if err := s.Ask(ton.Message{To: w.Address(), Value: big.NewInt(nanotons), Bounce: true, Init: w.Init(), Body: r.Sign(depositKey)}); err != nil {
		t.Fatal(err)
	}
}

func (s sim) put(t testing.TB, ts ...chaintest.Transfer) {
	t.Helper()
	for _, x := range ts {
		if !x.Sweep {
			if err := s.Pay(x.Address, x.Token, big.NewInt(x.Units)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		a := parse(x.Address)
		j := s.Jetton(x.Token)
		body := ton.Transfer{Units: s.Balance(a, x.Token), To: parse(merchant), Answer: parse(stranger), Forward: big.NewInt(1)}.Body()
		for index := range uint32(4) {
			if deposit(index) == x.Address {
				s.request(t, index, 0, 60_000_000, ton.Message{To: j.Wallet(a), Value: new(big.Int), Bounce: true, Body: body, Mode: ton.ModeForward})
			}
		}
	}
}

func (s sim) mine(t testing.TB, ts ...chaintest.Transfer) {
	t.Helper()
	s.put(t, ts...)
	s.Mine()
}

func (s sim) fork(t testing.TB, depth int, ts ...chaintest.Transfer) {
	t.Helper()
	s.Drop()
	s.Fork(depth, func() { s.put(t, ts...) })
}

// proxy is a node: the network behind HTTP, with faults.
type proxy struct {
	url  string
	sim  sim
	mu   sync.Mutex
	f    faults
	lied bool // an answer was edited
}

// faults are what is wrong with a node.
type faults struct {
	hang, garbage, huge bool
	lag                 uint64
	refuse              string                           // a path that it does not have
	edit                func(path, answer string) string // of answers to what is not refused
}

func newProxy(t testing.TB, s sim) *proxy {
	p := &proxy{sim: s}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL + "/api/v3"
	return p
}

func (p *proxy) set(f faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.f = f
}

// bit fails the test unless the fault of the node had an effect.
func (p *proxy) bit(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.f.edit != nil && !p.lied {
		t.Error("the fault changed nothing")
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	f := p.f
	p.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/api/v3")
	switch {
	case f.hang:
		<-r.Context().Done()
		return
	case f.garbage:
		_, _ = io.WriteString(w, `{"last":[7],"blocks":{"a":null},"transactions":[{"hash":{}}`)
		return
	case f.huge:
		chunk := strings.Repeat(`{"hash":"aaaa"},`, 1<<14)
		_, _ = io.WriteString(w, `{"transactions":[`)
		for {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	case f.refuse == path:
		http.Error(w, `{"error":"no"}`, http.StatusInternalServerError)
		return
	}
	if f.lag > 0 {
		top := p.sim.Head() - f.lag
		q := r.URL.Query()
		for _, name := range []string{"seqno", "mc_seqno"} {
			if n, err := strconv.ParseUint(q.Get(name), 10, 64); err == nil && n > top {
				q.Set(name, "1000000")
			}
		}
		if path == "/masterchainInfo" {
			r.URL.Path = "/api/v3/blocks"
			q.Set("workchain", "-1")
			q.Set("seqno", strconv.FormatUint(top, 10))
		}
		r.URL.RawQuery = q.Encode()
	}
	answer := httptest.NewRecorder()
	p.sim.ServeHTTP(answer, r)
	body := answer.Body.String()
	if f.lag > 0 && path == "/masterchainInfo" {
		body = strings.Replace(strings.Replace(body, `{"blocks":[`, `{"last":`, 1), "]}\n", "}", 1)
	}
	if f.edit != nil {
		was := body
		p.mu.Lock() // an edit may remember what it did
		if body = f.edit(path, was); body != was {
			p.lied = true
		}
		p.mu.Unlock()
	}
	w.WriteHeader(answer.Code)
	_, _ = io.WriteString(w, body)
}

// clock is moved by hand. It starts after the blocks.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: begin.Add(24 * time.Hour)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newDriver(c *clock, nodes ...*proxy) *ton.Driver {
	d := &ton.Driver{Network: "ton", Testnet: true, Tokens: []pay.Token{token}, Log: slog.New(slog.DiscardHandler), Now: c.Now, Timeout: 10 * time.Second}
	for _, n := range nodes {
		d.Nodes = append(d.Nodes, n.url)
	}
	return d
}

// accounts are the jetton wallets of our addresses, of every jetton that there is.
func accounts(t testing.TB, d *ton.Driver, addresses ...string) map[string]string {
	all := map[string]string{}
	for _, a := range addresses {
		for _, x := range []pay.Token{token, other} {
			w, err := d.JettonWallet(t.Context(), a, x)
			if err != nil {
				t.Fatal(err)
			}
			all[w] = a
		}
	}
	return all
}

func TestDriver(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 3} {
		for _, x := range [][2]pay.Token{{token, other}, {other, token}} {
			t.Run(fmt.Sprint(nodes, " nodes, governed ", x[0] == token), func(t *testing.T) {
				t.Parallel()
				chaintest.Run(t, func(t testing.TB) chaintest.Harness {
					s := newSim()
					var ps []*proxy
					for range nodes {
						ps = append(ps, newProxy(t, s))
					}
					d := newDriver(newClock(), ps...)
					d.Tokens = []pay.Token{x[0]}
					return chaintest.Harness{
						Driver: d, Addresses: []string{ourA, ourB}, Stranger: stranger, Accounts: accounts(t, d, ourA, ourB),
						Token: x[0].Address, Fake: x[1].Address, Mine: s.mine, Fork: s.fork,
					}
				})
			})
		}
	}
}
