package cardano_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/cardano"
	devchain "github.com/pepay/pepay/internal/devchain/cardano"
	"github.com/pepay/pepay/internal/pay"
	settle "github.com/pepay/pepay/internal/settle/cardano"
	"github.com/pepay/pepay/internal/settle/settletest"
)

const (
	// A base address, longer than a deposit address, and an enterprise one: both of CIP-19.
	longReceiver  = "addr_test1qz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgs68faae"
	shortReceiver = "addr_test1vz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerspjrlsz"
	ada           = 1_000_000
	confirmations = 3
)

var (
	account = must(cardano.AccountKey(bytes.Repeat([]byte{1}, 16), 0))
	start   = time.Unix(1_700_000_000, 0)
	token   = devchain.Dollar.Unit
	junk    = strings.Repeat("cd", 28)
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// rig is a network, nodes of it that may fail, and a Mover.
type rig struct {
	*devchain.Chain
	*settle.Mover
	log bytes.Buffer

	mu     sync.Mutex
	faults []func(w http.ResponseWriter, r *http.Request) bool // of each node, nil for none; true answers
}

func newRig(t testing.TB, nodes int) *rig {
	t.Helper()
	c, err := devchain.New(devchain.Options{Start: start, Assets: []devchain.Asset{devchain.Dollar, {Unit: junk, Silent: true}}})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Chain: c, faults: make([]func(http.ResponseWriter, *http.Request) bool, nodes)}
	log := slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var minutes atomic.Int64
	d := &cardano.Driver{Network: "cardano", Magic: devchain.Magic, Log: log, Timeout: 5 * time.Second, Now: func() time.Time {
		return start.Add(240*time.Hour + time.Duration(minutes.Add(3))*time.Minute) // no pause of a node outlasts a question
	}}
	for i := range nodes {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			r.mu.Lock()
			fault := r.faults[i]
			r.mu.Unlock()
			if fault == nil || !fault(w, q) {
				c.ServeHTTP(w, q)
			}
		}))
		t.Cleanup(server.Close)
		d.Nodes = append(d.Nodes, server.URL)
	}
	r.Mover = &settle.Mover{
		Network: pay.Network{Name: "cardano", ChainID: devchain.Magic, Confirmations: confirmations}, Driver: d, FeePayer: feeKey(), MaxFee: 2 * ada, Log: log,
		Key: func(index uint32) (cardano.Key, error) { return account.Payment(index), nil },
	}
	r.fund(t, feePayer(), cardano.Value{Lovelace: 100 * ada})
	return r
}

// feeKey is that of the account for fees.
func feeKey() cardano.Key {
	k, err := cardano.AccountKey([]byte("pepay development fees"), 0)
	if err != nil {
		panic(err) // of a constant
	}
	return k.Payment(0)
}

func feePayer() string { return cardano.Testnet.Enterprise(feeKey().Public()) }

func (r *rig) fault(node int, f func(http.ResponseWriter, *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults[node] = f
}

func (r *rig) fund(t testing.TB, address string, vs ...cardano.Value) {
	t.Helper()
	for _, v := range vs {
		if _, err := r.Fund(address, v); err != nil {
			t.Fatal(err)
		}
	}
	r.Mine()
}

func address(index uint32) string {
	return must(cardano.DepositAddress(account.Account(), index, cardano.Testnet))
}

func item(index uint32, receiver, token string) pay.SweepItem {
	return pay.SweepItem{Address: address(index), Receiver: receiver, Salt: fmt.Sprint(index), Token: token}
}

func tokens(lovelace uint64, units ...any) cardano.Value {
	v := cardano.Value{Lovelace: lovelace, Assets: map[string]uint64{}}
	for i := 0; i < len(units); i += 2 {
		v.Assets[units[i].(string)] = uint64(units[i+1].(int))
	}
	return v
}

func (r *rig) is(t testing.TB, l pay.Relay, state pay.RelayState, mined bool) {
	t.Helper()
	if f := settletest.Fate(t, r, l, state); f.Mined != mined || f.TxHash != l.Sends[0].TxHash {
		t.Fatalf("fate %+v, want %s, mined %v", f, state, mined)
	}
}

func (r *rig) mine(n int) {
	for range n {
		r.Mine()
	}
}

func (r *rig) holds(t testing.TB, address string, want cardano.Value) {
	t.Helper()
	got := r.Balance(address)
	if got.Lovelace != want.Lovelace || len(got.Assets) != len(want.Assets) {
		t.Fatalf("%s holds %+v, want %+v", address, got, want)
	}
	for unit, n := range want.Assets {
		if got.Assets[unit] != n {
			t.Fatalf("%s holds %+v, want %+v", address, got, want)
		}
	}
}

// relay prepares a transaction of items.
func (r *rig) relay(t testing.TB, items ...pay.SweepItem) pay.Relay {
	t.Helper()
	return settletest.Prepare(t, r, "cardano", items...)
}

func TestMover(t *testing.T) {
	t.Parallel()
	settletest.Run(t, func(t *testing.T) *settletest.Network {
		r := newRig(t, 2)
		r.fund(t, address(0), cardano.Value{Lovelace: 5 * ada}, tokens(2*ada, token, 40))
		return &settletest.Network{
			Mover: r.Mover, Name: "cardano", Items: []pay.SweepItem{item(0, shortReceiver, ""), item(0, shortReceiver, token)}, Units: []int64{7 * ada, 40},
			Has: func(address, token string) *big.Int {
				v := r.Balance(address)
				if token == "" {
					return new(big.Int).SetUint64(v.Lovelace)
				}
				return new(big.Int).SetUint64(v.Assets[token])
			},
			Mine: r.Mine, Depth: confirmations, Expire: func() { r.Wait(29 * time.Minute); r.mine(2 * confirmations) },
			Fork: func() {
				r.Mine()
				if err := r.Chain.Fork(2, nil); err != nil {
					t.Fatal(err)
				}
			},
			Fault: func(f settletest.Fault) {
				for n := range r.faults {
					r.fault(n, func(w http.ResponseWriter, q *http.Request) bool {
						if q.Method != http.MethodPost || f == settletest.None {
							return false
						}
						if f == settletest.Mute {
							r.ServeHTTP(httptest.NewRecorder(), q)
							panic(http.ErrAbortHandler)
						}
						w.WriteHeader(http.StatusBadGateway)
						return true
					})
				}
			},
			Account: func() settletest.Account {
				r.FeePayer = must(cardano.AccountKey(bytes.Repeat([]byte{9}, 16), 0)).Payment(0)
				at := cardano.Testnet.Enterprise(r.FeePayer.Public())
				return settletest.Account{
					Address: at, Fund: func(units int64) { // what lies beside a token is not for fees
						r.fund(t, at, cardano.Value{Lovelace: uint64(units)}, tokens(50*ada, junk, 1))
					},
					Little: []int64{ada}, Enough: 2 * ada, Needs: `1\d{6}`,
				}
			},
		}
	})
}
