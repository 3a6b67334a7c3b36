package ton_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/chaintest"
	"github.com/pepay/pepay/internal/chain/ton"
	devchain "github.com/pepay/pepay/internal/devchain/ton"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
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
	lost    bool                             // its answers to messages do not come back
	deaf    bool                             // it takes no messages
	rewrite func(path, answer string) string // of what it says
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
			lost, deaf, rewrite := p.lost, p.deaf, p.rewrite
			p.mu.Unlock()
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
		j, err := ton.JettonWallet(a, usdt)
		if err != nil {
			t.Fatal(err)
		}
		w.book.Addresses, w.book.Accounts[j] = append(w.book.Addresses, a), a
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
	f, err := w.mover.Fate(w.Context(), l)
	if err != nil {
		w.Fatal(err)
	}
	if f.State != want {
		w.Fatalf("fate %+v, want %s", f, want)
	}
	return f
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

func TestSettles(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 2} {
		w := open(t, nodes)
		native, token, both := w.item(1, ""), w.item(2, devchain.USDT), w.item(1, devchain.USDT)
		w.pay(native, 1_000_000_000)
		w.pay(native, 5) // the network keeps some of what is there by now
		w.pay(token, 12_000_000)
		w.pay(both, 3_000_000)
		l, p := w.prepare(native, token, both)
		if len(p.Items) != 2 || p.Items[0] != native || p.Items[1] != token || len(p.Left) != 0 {
			t.Fatalf("prepared %+v", p)
		}
		w.fate(l, pay.RelaySent)
		w.mover.Send(t.Context(), l)
		w.fate(l, pay.RelaySent)
		w.Mine()
		f := w.fate(l, pay.RelayDone)
		if len(f.Refused) != 0 || !f.Mined || len(f.TxHash) != 64 || f.TxHash == l.Sends[0].TxHash {
			t.Errorf("fate %+v", f)
		}
		w.holds(receiver, "", 1_000_000_005+1-7) // one tells it of the jetton, and the network keeps some
		w.holds(receiver, devchain.USDT, 12_000_000)
		w.sums(native, "1000000005", "1000000005")
		w.sums(token, "12000000", "12000000")

		// The rest has its turn, from a wallet that is deployed by now, and so does what comes again.
		w.pay(native, 2_000_000_000)
		l, p = w.prepare(both, native)
		if len(p.Items) != 1 || p.Items[0] != both {
			t.Fatalf("prepared %+v", p)
		}
		w.mover.Send(t.Context(), l)
		w.Mine()
		w.fate(l, pay.RelayDone)
		l, _ = w.prepare(both, native)
		w.mover.Send(t.Context(), l)
		w.Mine()
		w.fate(l, pay.RelayDone)
		w.holds(receiver, devchain.USDT, 15_000_000)
		w.sums(native, "3000000005", "3000000005")
		w.sums(both, "3000000", "3000000")
		if _, p := w.prepare(native, token, both); len(p.Items) != 0 || len(p.Left) != 3 || p.Send.Raw != "" {
			t.Errorf("prepared though nothing is left: %+v", p)
		}
	}
}

func TestSentTwiceAndAnswersLost(t *testing.T) {
	t.Parallel()
	w := open(t, 2)
	i := w.item(1, "")
	w.pay(i, 1_000_000_000)
	l, _ := w.prepare(i)
	for _, n := range w.nodes {
		n.set(func() { n.lost = true })
	}
	w.mover.Send(t.Context(), l)
	w.mover.Send(t.Context(), l)
	w.Mine()
	if _, some, err := w.mover.Again(t.Context(), l, w.now); some || err != nil {
		t.Errorf("another form: %v, %v", some, err)
	}
	w.Mine()
	w.fate(l, pay.RelayDone)
	w.holds(receiver, "", 1_000_000_000)
	w.sums(i, "1000000000", "1000000000")
}

func TestNeverSentFailsOnceAndIsPreparedAnew(t *testing.T) {
	t.Parallel()
	w := open(t, 2)
	i := w.item(1, devchain.USDT)
	w.pay(i, 7_000_000)
	l, _ := w.prepare(i)
	w.advance(5*time.Minute + 30*time.Second) // the time of all that is in it is over, but shards may be late
	w.fate(l, pay.RelaySent)
	w.mover.Send(t.Context(), l) // too late
	w.advance(time.Minute)
	w.fate(l, pay.RelayFailed)
	w.mover.Send(t.Context(), l)
	w.Mine()
	w.fate(l, pay.RelayFailed)
	w.holds(receiver, devchain.USDT, 0)
	next, _ := w.prepare(i)
	w.mover.Send(t.Context(), next)
	w.Mine()
	w.fate(next, pay.RelayDone)
	w.holds(receiver, devchain.USDT, 7_000_000)
	if f := w.fate(l, pay.RelayFailed); f.Reason == "" { // by now because of the other
		t.Errorf("failed without a reason: %+v", f)
	}
}

// A node that has not the newest blocks, or lies, cannot make a relay fail.
func TestFailureNeedsTwoNodes(t *testing.T) {
	t.Parallel()
	w := open(t, 2)
	i := w.item(1, "")
	w.pay(i, 1_000_000_000)
	l, _ := w.prepare(i)
	old := ""
	w.nodes[1].set(func() {
		w.nodes[1].rewrite = func(path, answer string) string {
			if strings.HasSuffix(path, "/masterchainInfo") {
				if old == "" {
					old = answer
				}
				return old
			}
			return answer
		}
	})
	if err := w.mover.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _ = w.mover.Fate(t.Context(), l)
	w.advance(time.Hour)
	if f, err := w.mover.Fate(t.Context(), l); err == nil && f.State == pay.RelayFailed {
		t.Errorf("one node says that it failed, and another is not as far: %+v", f)
	}
	w.nodes[1].set(func() { w.nodes[1].rewrite = nil })
	w.fate(l, pay.RelayFailed)
}

func TestForkedRelayMovesOnce(t *testing.T) {
	t.Parallel()
	w := open(t, 1)
	i := w.item(1, "")
	w.pay(i, 1_000_000_000)
	l, _ := w.prepare(i)
	w.mover.Send(t.Context(), l)
	w.Mine()
	w.fate(l, pay.RelayDone)
	w.Fork(1, nil)
	w.fate(l, pay.RelaySent)
	w.holds(receiver, "", 0)
	if _, _, err := w.mover.Again(t.Context(), l, w.now); err != nil {
		t.Fatal(err)
	}
	w.Mine()
	w.fate(l, pay.RelayDone)
	w.holds(receiver, "", 1_000_000_000)
}

func TestAnotherTookItsPlace(t *testing.T) {
	t.Parallel()
	w := open(t, 2)
	a, b := w.item(1, ""), w.item(2, "")
	w.pay(a, 1_000_000_000)
	w.pay(b, 2_000_000_000)
	first, _ := w.prepare(a)
	second, _ := w.prepare(b)
	w.mover.Send(t.Context(), second)
	w.Mine()
	w.mover.Send(t.Context(), first)
	w.Mine()
	w.fate(second, pay.RelayDone)
	if f := w.fate(first, pay.RelayFailed); f.Mined || !strings.Contains(f.Reason, "another") {
		t.Errorf("fate %+v", f)
	}
	w.holds(receiver, "", 2_000_000_000)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	w := open(t, 1)
	token, native := w.item(1, devchain.USDT), w.item(2, "")
	w.pay(token, 7_000_000)
	w.pay(native, 1_000_000_000)
	w.Freeze(receiver, true)
	l, _ := w.prepare(token, native)
	w.mover.Send(t.Context(), l)
	w.Mine()
	if f := w.fate(l, pay.RelayDone); len(f.Refused) != 1 || f.Refused[0] != token {
		t.Errorf("fate %+v", f)
	}
	w.sums(token, "7000000", "0") // it came back, and never seemed to have left
	w.sums(native, "1000000000", "1000000000")
	w.Freeze(receiver, false)
	l, _ = w.prepare(token)
	w.mover.Send(t.Context(), l)
	w.Mine()
	w.fate(l, pay.RelayDone)
	w.sums(token, "7000000", "7000000")

	// Somebody else brings the request that a relay holds: it is moved all the same, and once.
	w.pay(native, 3_000_000_000)
	l, _ = w.prepare(native)
	raw, _ := hex.DecodeString(l.Sends[0].Raw)
	message, err := ton.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	_, _, body, err := ton.ParseExternal(message)
	if err != nil {
		t.Fatal(err)
	}
	r, signed, err := ton.ParseRequest(body, public(devchain.Relayer()))
	if err != nil || !signed || len(r.Messages) != 1 {
		t.Fatalf("request %+v, %v: %v", r, signed, err)
	}
	if err := w.Ask(r.Messages[0]); err != nil {
		t.Fatal(err)
	}
	w.Mine()
	w.mover.Send(t.Context(), l)
	w.Mine()
	if f := w.fate(l, pay.RelayDone); len(f.Refused) != 1 {
		t.Errorf("fate %+v", f)
	}
	w.sums(native, "4000000000", "4000000000")
}

// What the network took for keeping an address is added, to a limit: the merchant gets what was paid.
func TestTopUp(t *testing.T) {
	t.Parallel()
	w := open(t, 1)
	a, b := w.item(1, ""), w.item(2, "")
	w.pay(a, 1_000_000_000)
	w.pay(b, 1_000_000_000)
	for i, fee := range map[pay.SweepItem]int64{a: 40_000_000, b: 60_000_000} {
		at, _ := ton.Parse(i.Address, true)
		w.Fund(at, -fee)
	}
	l, p := w.prepare(a, b)
	if len(p.Items) != 1 || p.Items[0] != a || !strings.Contains(p.Left[b], "less") {
		t.Fatalf("prepared %+v", p)
	}
	w.mover.Send(t.Context(), l)
	w.Mine()
	w.fate(l, pay.RelayDone)
	w.sums(a, "1000000000", "1000000000")
}

// A node whose account states are older than its blocks says nothing about what may still come.
func TestOldStateIsNoFailure(t *testing.T) {
	t.Parallel()
	w := open(t, 1)
	i := w.item(1, "")
	w.pay(i, 1_000_000_000)
	ask := func() string {
		r := httptest.NewRecorder()
		w.ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/api/v3/accountStates?address="+ton.FeeWallet(public(devchain.Relayer()), true).Address().Raw(), nil))
		return r.Body.String()
	}
	old := ask()
	l, _ := w.prepare(i)
	w.mover.Send(t.Context(), l)
	w.Mine()
	w.fate(l, pay.RelayDone)
	w.pay(i, 1_000_000_000)
	next, _ := w.prepare(i)
	w.advance(time.Hour)
	w.nodes[0].set(func() {
		w.nodes[0].rewrite = func(path, answer string) string {
			if strings.HasSuffix(path, "/accountStates") {
				return old
			}
			return answer
		}
	})
	w.fate(next, pay.RelaySent)
	w.nodes[0].set(func() { w.nodes[0].rewrite = nil })
	w.fate(next, pay.RelayFailed)
}

func TestShortage(t *testing.T) {
	t.Parallel()
	w := open(t, 1)
	w.mover.Relayer = key("a poor relayer")
	poor := ton.FeeWallet(public(w.mover.Relayer), true).Address()
	i := w.item(1, devchain.USDT)
	w.pay(i, 7_000_000)
	if units, known := w.mover.Holds(); known || units != nil || w.mover.Shortage() != "" {
		t.Errorf("holds %v, %v", units, known)
	}
	if _, err := w.mover.Prepare(t.Context(), []pay.SweepItem{i}); !errors.Is(err, settle.ErrNoGas) {
		t.Errorf("prepared by a relayer without coin: %v", err)
	}
	if s := w.mover.Shortage(); !strings.Contains(s, poor.String()) || !strings.Contains(s, "125000000") {
		t.Errorf("shortage %q", s)
	}
	w.Fund(poor, 1_000_000_000)
	if err := w.mover.Look(t.Context()); err != nil || w.mover.Shortage() != "" {
		t.Errorf("after it was funded: %v, %q", err, w.mover.Shortage())
	}
	if units, known := w.mover.Holds(); !known || units.String() != "1000000000" {
		t.Errorf("holds %v, %v", units, known)
	}
	l, _ := w.prepare(i) // it deploys the relayer's wallet, too
	w.mover.Send(t.Context(), l)
	w.Mine()
	w.fate(l, pay.RelayDone)
	w.holds(receiver, devchain.USDT, 7_000_000)
}

func TestBadItems(t *testing.T) {
	t.Parallel()
	w := open(t, 1)
	good := w.item(1, "")
	w.pay(good, 1_000_000_000)
	for name, change := range map[string]func(*pay.SweepItem){
		"no index":        func(i *pay.SweepItem) { i.Salt = "0x01" },
		"too big":         func(i *pay.SweepItem) { i.Salt = "2147483648" },
		"another index":   func(i *pay.SweepItem) { i.Salt = "2" },
		"another address": func(i *pay.SweepItem) { i.Address = w.item(2, "").Address },
		"no jetton":       func(i *pay.SweepItem) { i.Token = good.Address },
	} {
		i := good
		change(&i)
		if p, err := w.mover.Prepare(t.Context(), []pay.SweepItem{i}); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
	bad := good
	bad.Receiver = "UQ"
	if _, p := w.prepare(bad); len(p.Items) != 0 || !strings.Contains(p.Left[bad], "receiver") {
		t.Errorf("prepared %+v", p)
	}
	w.mover.Key = func(uint32) (ed25519.PrivateKey, error) { return nil, errors.New("sealed") }
	if _, err := w.mover.Prepare(t.Context(), []pay.SweepItem{good}); err == nil || !strings.Contains(err.Error(), "sealed") {
		t.Errorf("without a key: %v", err)
	}
}

// The message of a relay that the real virtual machine ran (@ton/sandbox 0.41, with the code of USDT's
// wallets from mainnet): both wallets were deployed, 1 TON and 12 USDT arrived at the receiver, whose
// jetton wallet was deployed too, 0.088 TON came back to the relayer, and a second time it was
// refused with exit code 133.
func TestMessageOfARelay(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/relay.hex")
	if err != nil {
		t.Fatal(err)
	}
	w := open(t, 1)
	a, b := w.item(1, ""), w.item(2, devchain.USDT)
	w.pay(a, 1_000_000_000)
	w.pay(b, 12_000_000)
	w.advance(9 * time.Second) // to when they were made
	l, _ := w.prepare(a, b)
	hash := func(text string) string {
		raw, err := hex.DecodeString(strings.TrimSpace(text))
		if err != nil {
			t.Fatal(err)
		}
		c, err := ton.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(c.Hash())
	}
	if got := l.Sends[0]; hash(got.Raw) != hash(string(want)) || got.TxHash != "66ce10531e53638dbc36ae1b0c74123b0ddc3f3b7f012daf7961af4308576eef" {
		t.Errorf("message %s is %s", got.TxHash, got.Raw)
	}
}
