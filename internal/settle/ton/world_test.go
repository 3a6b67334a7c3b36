package ton_test

import (
	"crypto/ed25519"
	"crypto/sha256"
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
	"github.com/pepay/pepay/internal/settle"
	"github.com/pepay/pepay/internal/settle/settletest"
	settleton "github.com/pepay/pepay/internal/settle/ton"
)

func key(words string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(words))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

var (
	deposits = key("deposits")
	receiver = ton.FeeWallet(public(key("merchant")), true).Address()
	usdt     = pay.Token{Network: "ton", Symbol: "USDT", Address: devchain.USDT, Decimals: 6}
)

// world is a network, its nodes, and a mover.
type world struct {
	*testing.T
	*devchain.Chain
	mover  *settleton.Mover
	driver *ton.Driver
	book   *chaintest.Book
	nodes  []*proxy
	mu     sync.Mutex
	now    time.Time
}

// proxy is a node that can be made to fail.
type proxy struct {
	url     string
	mu      sync.Mutex
	lost    bool                                          // its answers to messages do not come back
	deaf    bool                                          // it takes no messages
	rewrite func(path, answer string) string              // of what it says
	stead   func(http.ResponseWriter, *http.Request) bool // answers in its stead, or not
}

func (p *proxy) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func open(t *testing.T, nodes int) *world {
	w := &world{T: t, now: time.Unix(1_700_000_000, 0)}
	clock := func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now
	}
	w.Chain = devchain.New(clock)
	w.driver = &ton.Driver{
		Network: "ton", Testnet: true, Tokens: []pay.Token{usdt}, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return clock().Add(24 * time.Hour) },
	}
	for range nodes {
		p := &proxy{}
		s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			p.mu.Lock()
			lost, deaf, rewrite, stead := p.lost, p.deaf, p.rewrite, p.stead
			p.mu.Unlock()
			if stead != nil && stead(rw, r) {
				return
			}
			sends := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/message")
			if sends && deaf {
				http.Error(rw, "no", http.StatusInternalServerError)
				return
			}
			answer := httptest.NewRecorder()
			w.ServeHTTP(answer, r)
			body := answer.Body.String()
			if rewrite != nil {
				body = rewrite(r.URL.Path, body)
			}
			if sends && lost {
				answer.Code = http.StatusGatewayTimeout
			}
			rw.WriteHeader(answer.Code)
			_, _ = io.WriteString(rw, body)
		}))
		t.Cleanup(s.Close)
		p.url = s.URL + "/api/v3"
		w.nodes, w.driver.Nodes = append(w.nodes, p), append(w.driver.Nodes, p.url)
	}
	w.mover = &settleton.Mover{
		Chain: w.driver, Relayer: devchain.Relayer(), Log: slog.New(slog.DiscardHandler),
		Key: func(uint32) (ed25519.PrivateKey, error) { return deposits, nil },
	}
	w.book = &chaintest.Book{Accounts: map[string]string{}}
	for index := range uint32(5) {
		a := w.item(index, "").Address
		owner, err := ton.Parse(a, false)
		j, ok := ton.Known(usdt.Address)
		if err != nil || !ok {
			t.Fatal(err, ok)
		}
		w.book.Addresses, w.book.Accounts[j.Wallet(owner).String()] = append(w.book.Addresses, a), a
	}
	w.watch()
	return w
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
	w.Mine()
}

func (w *world) item(index uint32, token string) pay.SweepItem {
	a, err := ton.DepositAddress(public(deposits), index, true)
	if err != nil {
		w.Fatal(err)
	}
	return pay.SweepItem{Address: a, Receiver: receiver.String(), Salt: big.NewInt(int64(index)).String(), Token: token}
}

func (w *world) pay(i pay.SweepItem, units int64) {
	w.Helper()
	if err := w.Pay(i.Address, i.Token, big.NewInt(units)); err != nil {
		w.Fatal(err)
	}
	w.Mine()
}

func (w *world) prepare(items ...pay.SweepItem) (pay.Relay, settle.Prepared) {
	w.Helper()
	p, err := w.mover.Prepare(w.Context(), items)
	if err != nil {
		w.Fatal(err)
	}
	return pay.Relay{Network: "ton", Nonce: p.Nonce, Sweeps: p.Items, Sends: []pay.RelaySend{p.Send}, State: pay.RelaySent}, p
}

func (w *world) fate(l pay.Relay, want pay.RelayState) settle.Fate {
	w.Helper()
	return settletest.Fate(w, w.mover, l, want)
}

func (w *world) holds(a ton.Address, token string, want int64) {
	w.Helper()
	if got := w.Balance(a, token); got.Cmp(big.NewInt(want)) != 0 {
		w.Errorf("%s holds %s of %q, want %d", a, got, token, want)
	}
}

// watch lets a watcher see all that happened.
func (w *world) watch() {
	w.Helper()
	chaintest.Settle(w, chaintest.NewWatcher(w.driver, w.book, 1))
}

// sums are what came to addresses and what left them, as the watcher sees it.
func (w *world) sums(i pay.SweepItem, came, left string) {
	w.Helper()
	w.watch()
	in, out := new(big.Int), new(big.Int)
	for _, d := range w.book.Final() {
		if d.Address == i.Address && d.Token == i.Token {
			in.Add(in, d.Units.Big())
		}
	}
	for _, s := range w.book.FinalSweeps() {
		if s.Address == i.Address && s.Token == i.Token {
			if s.To != i.Receiver {
				w.Errorf("a sweep went to %s", s.To)
			}
			out.Add(out, s.Units.Big())
		}
	}
	if in.String() != came || out.String() != left {
		w.Errorf("%s of %q came and %s left, want %s and %s", in, i.Token, out, came, left)
	}
}

func TestMover(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]string{"coin": "", "jetton": devchain.USDT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settletest.Run(t, func(t *testing.T) *settletest.Network { return open(t, 2).promises(token) })
		})
	}
}

func (w *world) promises(token string) *settletest.Network {
	i, units := w.item(1, token), map[string]int64{"": 1_000_000_000, devchain.USDT: 7_000_000}[token]
	w.pay(i, units)
	return &settletest.Network{
		Mover: w.mover, Name: "ton", Items: []pay.SweepItem{i}, Units: []int64{units}, Spare: map[string]int64{"": 5_000_000}[token],
		Has: func(address, token string) *big.Int {
			a, _ := ton.Parse(address, true)
			return w.Balance(a, token)
		},
		End:  func() { w.sums(i, strconv.FormatInt(units, 10), strconv.FormatInt(units, 10)) },
		Mine: w.Mine, Depth: 1, Fork: func() { w.Fork(1, nil) }, Expire: func() { w.advance(390 * time.Second) },
		Fault: func(f settletest.Fault) {
			for _, n := range w.nodes {
				n.set(func() { n.deaf, n.lost = f == settletest.Deaf, f == settletest.Mute })
			}
		},
		Account: func() settletest.Account {
			w.mover.Relayer = key("a poor relayer") // whose wallet the first message deploys, too
			poor := ton.FeeWallet(public(w.mover.Relayer), true).Address()
			return settletest.Account{
				Address: poor.String(), Fund: func(units int64) { w.Fund(poor, units) },
				Little: []int64{1000}, Enough: 1_000_000_000, Needs: map[string]string{"": `\d+`, devchain.USDT: "125000000"}[token],
			}
		},
	}
}
