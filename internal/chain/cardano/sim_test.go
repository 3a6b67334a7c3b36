package cardano_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/cardano"
	"github.com/pepay/pepay/internal/chain/chaintest"
	devchain "github.com/pepay/pepay/internal/devchain/cardano"
	"github.com/pepay/pepay/internal/pay"
)

var (
	account  = must(cardano.AccountKey(bytes.Repeat([]byte{1}, 16), 0))
	ourA     = address(0)
	ourB     = address(1)
	stranger = must(cardano.DepositAddress(account.Account(), 77, cardano.Testnet))
	merchant = "addr_test1qz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgs68faae" // CIP-19
	token    = devchain.Dollar.Unit
	fake     = strings.Repeat("ab", 28) + token[56:] // the same name by another policy
	start    = time.Unix(1_700_000_000, 0)
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func address(index uint32) string {
	return must(cardano.DepositAddress(account.Account(), index, cardano.Testnet))
}

// whatever lies at an address is of use.
func whatever(cardano.Unspent) bool { return true }

func ours() []string { return []string{ourA, ourB} }

// sim is a network on which an output may be as small as it likes.
type sim struct{ *devchain.Chain }

func newSim(t testing.TB) *sim {
	t.Helper()
	c, err := devchain.New(devchain.Options{
		Start: start, Params: cardano.Params{FeePerByte: 44, FeeBase: 155381, MaxTx: 16384, MaxValue: 5000},
		Assets: []devchain.Asset{devchain.Dollar, {Unit: fake, Ticker: "DUSDC", Decimals: 6}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Mine()
	return &sim{c}
}

// put has transfers made in the next block, each in a transaction of its own.
func (s *sim) put(t testing.TB, ts ...chaintest.Transfer) error {
	for _, x := range ts {
		if x.Sweep {
			s.sweep(t, x)
		} else if _, err := s.Pay(x.Address, x.Token, uint64(x.Units)); err != nil {
			return err
		}
	}
	return nil
}

func (s *sim) mine(t testing.TB, ts ...chaintest.Transfer) {
	t.Helper()
	if err := s.put(t, ts...); err != nil {
		t.Fatal(err)
	}
	s.Mine()
}

func (s *sim) fork(t testing.TB, depth int, ts ...chaintest.Transfer) {
	t.Helper()
	if err := s.Fork(depth, func() error { return s.put(t, ts...) }); err != nil {
		t.Fatal(err)
	}
}

func (s *sim) together(t testing.TB, ts ...chaintest.Transfer) {
	t.Helper()
	var outputs []cardano.Output
	for _, x := range ts {
		outputs = append(outputs, output(x.Address, x.Token, uint64(x.Units)))
	}
	if _, err := s.PayAll(outputs...); err != nil {
		t.Fatal(err)
	}
	s.Mine()
}

func output(address, token string, units uint64) cardano.Output {
	if token == "" {
		return cardano.Output{Address: address, Value: cardano.Value{Lovelace: units}}
	}
	return cardano.Output{Address: address, Value: cardano.Value{Lovelace: 1_200_000, Assets: map[string]uint64{token: units}}}
}

// sweep sends all that an address of ours holds to the merchant.
func (s *sim) sweep(t testing.TB, x chaintest.Transfer) {
	t.Helper()
	unspent, err := newDriver(newClock(), newProxy(t, s)).Unspent(t.Context(), x.Address, whatever)
	if err != nil {
		t.Fatal(err)
	}
	var d cardano.Draft
	var sum cardano.Value
	for _, u := range unspent {
		d.Inputs = append(d.Inputs, u.Ref)
		sum, _ = sum.Add(u.Value)
	}
	d.Outputs = []cardano.Output{{Address: merchant, Value: sum}}
	s.include(t, d, uint32(slices.Index(ours(), x.Address)))
}

func (s *sim) include(t testing.TB, d cardano.Draft, keys ...uint32) {
	t.Helper()
	var ks []cardano.Key
	for _, k := range keys {
		ks = append(ks, account.Payment(k))
	}
	if _, raw, err := d.Sign(ks...); err != nil || s.Include(raw) != nil {
		t.Fatal(err, "or the transaction cannot be read")
	}
}

// proxy is a node: the network behind HTTP, with faults.
type proxy struct {
	url string
	s   *sim

	mu     sync.Mutex
	faults faults
	calls  []string
}

// faults are what is wrong with a node.
type faults struct {
	hang    bool
	garbage bool
	huge    bool
	status  int    // of every answer, if any
	refuse  string // a path, as a pattern, that it does not have
	edit    string // a path, as a pattern, whose answers are changed
	change  func(path, body string) string
}

func newProxy(t testing.TB, s *sim) *proxy {
	p := &proxy{s: s}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = strings.Replace(server.URL, "http://", "http://the-key@", 1) + "/api/v0"
	return p
}

func (p *proxy) set(f faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
}

// asked returns how many requests' paths match.
func (p *proxy) asked(pattern string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.calls {
		if regexp.MustCompile(pattern).MatchString(c) {
			n++
		}
	}
	return n
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	f := p.faults
	p.calls = append(p.calls, r.URL.RequestURI())
	p.mu.Unlock()
	path := r.URL.Path
	switch {
	case r.Header.Get("Project_id") != "the-key", r.Header.Get("Authorization") != "":
		w.WriteHeader(http.StatusForbidden)
		return
	case f.hang:
		<-r.Context().Done()
		return
	case f.garbage:
		_, _ = io.WriteString(w, `[{"hash":7,"height":"x"},null,{"tx_hash":[]},`)
		return
	case f.huge:
		chunk := bytes.Repeat([]byte(`["aaaaaaaa"],`), 1<<16)
		_, _ = io.WriteString(w, `[`)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	case f.status != 0:
		http.Error(w, `{"status_code":402,"error":"Project Over Limit","message":"Usage is over limit."}`, f.status)
		return
	case f.refuse != "" && regexp.MustCompile(f.refuse).MatchString(path):
		w.WriteHeader(http.StatusNotFound)
		return
	}
	answer := httptest.NewRecorder()
	p.s.ServeHTTP(answer, r)
	body := answer.Body.String()
	if f.edit != "" && answer.Code == http.StatusOK && regexp.MustCompile(f.edit).MatchString(path) {
		body = f.change(path, body)
	}
	w.WriteHeader(answer.Code)
	_, _ = io.WriteString(w, body)
}

// clock is moved by hand. It starts well after the blocks.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: start.Add(240 * time.Hour)} }

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

func newDriver(c *clock, nodes ...*proxy) *cardano.Driver {
	d := &cardano.Driver{
		Network: "cardano", Magic: devchain.Magic, Log: slog.New(slog.DiscardHandler), Now: c.Now, Timeout: 10 * time.Second,
		Tokens: []pay.Token{{Symbol: "ADA", Type: pay.Native, Decimals: 6}, {Symbol: "DUSDC", Type: pay.Asset, Address: token, Decimals: 6}},
	}
	for _, n := range nodes {
		d.Nodes = append(d.Nodes, n.url)
	}
	return d
}

func TestDriver(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprint(nodes, " nodes"), func(t *testing.T) {
			t.Parallel()
			chaintest.Run(t, func(t testing.TB) chaintest.Harness {
				s := newSim(t)
				var ps []*proxy
				for range nodes {
					ps = append(ps, newProxy(t, s))
				}
				return chaintest.Harness{
					Driver: newDriver(newClock(), ps...), Addresses: ours(), Stranger: stranger,
					Token: token, Fake: fake, Mine: s.mine, Together: s.together, Fork: s.fork,
				}
			})
		})
	}
}

// get is what the network itself answers.
func (s *sim) get(path string) string {
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Body.String()
}

// serve answers a request without a connection.
func serve(p *proxy, r *http.Request, f faults) *http.Response {
	p.set(f)
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, r)
	return answer.Result()
}
