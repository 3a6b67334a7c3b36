package solana_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/solana"
	sim "github.com/pepay/pepay/internal/devchain/solana"
	"github.com/pepay/pepay/internal/pay"
)

var (
	keyA, keyB = sim.Key("deposit a"), sim.Key("deposit b")
	ourA, ourB = solana.Address(keyA).String(), solana.Address(keyB).String()
	stranger   = solana.Address(sim.Key("stranger")).String()
	merchant   = solana.Address(sim.Key("merchant"))
	dollar     = sim.Dollar.String()
	newDollar  = sim.NewDollar.String()
	fake       = sim.Fake.String()
)

var tokens = []pay.Token{
	{Symbol: "SOL", Decimals: 9}, {Symbol: "USDC", Address: dollar, Decimals: 6}, {Symbol: "PYUSD", Address: newDollar, Decimals: 6},
}

// newSim returns a network on which the addresses exist, so that they can be paid little.
func newSim(seed uint64) *sim.Chain {
	c := sim.New(sim.Options{Seed: seed})
	for _, a := range []string{ourA, ourB, stranger, merchant.String()} {
		k, _ := solana.ParseKey(a)
		c.Fund(k, 1_000_000)
	}
	c.Mine()
	return c
}

func payment(x chaintest.Transfer) sim.Payment {
	return sim.Payment{To: x.Address, Token: x.Token, Units: uint64(x.Units)}
}

// empty moves all that an address of ours holds of a token to the merchant.
func empty(t testing.TB, c *sim.Chain, address, token string) {
	t.Helper()
	key, payer := keyA, solana.Address(sim.Wallet())
	if address == ourB {
		key = keyB
	}
	owner, mint := solana.Address(key), sim.Dollar
	from, to := solana.TokenAccount(owner, solana.Token, mint), solana.TokenAccount(merchant, solana.Token, mint)
	steps := []solana.Instruction{
		solana.CreateAccount(payer, merchant, solana.Token, mint),
		solana.TransferChecked(solana.Token, from, mint, to, owner, c.Balance(address, token), 6), solana.CloseAccount(solana.Token, from, payer, owner),
	}
	if token == "" {
		steps = []solana.Instruction{solana.Transfer(owner, merchant, c.Balance(address, ""))}
	}
	tx, err := solana.Compile(payer, c.Head(), steps...).Sign(key, sim.Wallet())
	if err == nil {
		err = c.Submit(tx.Bytes())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func mine(t testing.TB, c *sim.Chain, ts ...chaintest.Transfer) {
	t.Helper()
	for _, x := range ts {
		if x.Sweep {
			empty(t, c, x.Address, x.Token)
		} else if _, err := c.Pay(payment(x)); err != nil {
			t.Fatal(err)
		}
	}
	c.Mine()
}

// proxy is a node: the network behind HTTP, with faults.
type proxy struct {
	url string
	c   http.Handler

	mu     sync.Mutex
	faults faults
}

// faults are what is wrong with a node.
type faults struct {
	hang    bool
	garbage bool
	huge    bool
	refuse  string // a method it does not have
	private http.Handler
	edit    func(method string, result string) string
}

func newProxy(t testing.TB, c http.Handler) *proxy {
	p := &proxy{c: c}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *proxy) set(f faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
}

type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  any             `json:"error,omitempty"`
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var m message
	if err != nil || json.Unmarshal(body, &m) != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	f, c := p.faults, p.c
	p.mu.Unlock()
	switch {
	case f.hang:
		<-r.Context().Done()
		return
	case f.garbage:
		_, _ = io.WriteString(w, `{"id":1,"result":{"blockhash":7},"x":[`)
		return
	case f.huge:
		chunk := bytes.Repeat([]byte(`["aaaaaaaa"],`), 1<<16)
		_, _ = io.WriteString(w, `{"id":1,"result":[`)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	case m.Method == f.refuse:
		_, _ = fmt.Fprintf(w, `{"id":%s,"error":{"code":-32601,"message":"Method not found"}}`, m.ID)
		return
	case f.private != nil:
		c = f.private
	}
	rec := httptest.NewRecorder()
	r.Body = io.NopCloser(bytes.NewReader(body))
	c.ServeHTTP(rec, r)
	out := rec.Body.Bytes()
	var answer message
	if f.edit != nil && json.Unmarshal(out, &answer) == nil && len(answer.Result) > 0 {
		answer.Result = json.RawMessage(f.edit(m.Method, string(answer.Result)))
		out, _ = json.Marshal(answer)
	}
	_, _ = w.Write(out)
}

// clock is moved by hand. It starts well after the blocks.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0).Add(24 * time.Hour)} }

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

func newDriver(c *clock, chain *sim.Chain, nodes ...*proxy) *solana.Driver {
	d := &solana.Driver{
		Network: "solana", Genesis: chain.Genesis(), Tokens: tokens, Log: slog.New(slog.DiscardHandler), Now: c.Now, Timeout: 10 * time.Second,
	}
	for _, n := range nodes {
		d.Nodes = append(d.Nodes, n.url)
	}
	return d
}

func TestDriver(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 3} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(nodes, " nodes, seed ", seed), func(t *testing.T) {
				t.Parallel()
				chaintest.Run(t, func(t testing.TB) chaintest.Harness {
					c := newSim(seed)
					var ps []*proxy
					for range nodes {
						ps = append(ps, newProxy(t, c))
					}
					h := chaintest.Harness{
						Driver: newDriver(newClock(), c, ps...), Addresses: []string{ourA, ourB}, Stranger: stranger,
						Token: dollar, Fake: fake, Sparse: true,
						Mine: func(t testing.TB, ts ...chaintest.Transfer) { mine(t, c, ts...) },
						Together: func(t testing.TB, ts ...chaintest.Transfer) {
							var ps []sim.Payment
							for _, x := range ts {
								ps = append(ps, payment(x))
							}
							if _, err := c.Pay(ps...); err != nil {
								t.Fatal(err)
							}
							c.Mine()
						},
						Fork: func(t testing.TB, depth int, ts ...chaintest.Transfer) {
							var ps []sim.Payment
							for _, x := range ts {
								ps = append(ps, payment(x))
							}
							if err := c.Fork(depth, ps...); err != nil {
								t.Fatal(err)
							}
						},
					}
					return h
				})
			})
		}
	}
}

// post returns the result of a question, nil if there is none.
func post(t testing.TB, url string, body []byte) json.RawMessage {
	t.Helper()
	res, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var m message
	if err := json.NewDecoder(res.Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m.Result
}
