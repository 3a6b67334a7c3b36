package sui_test

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/chain/sui"
	devchain "github.com/pepay/pepay/internal/devchain/sui"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/seed"
	"github.com/pepay/pepay/internal/settle"
	"github.com/pepay/pepay/internal/settle/settletest"
	mover "github.com/pepay/pepay/internal/settle/sui"
)

const words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

// merchants are who the addresses belong to.
var merchants = []sui.Address{{0x77, 31: 1}, {0x77, 31: 2}}

// rig is a network with nodes in front of it, and a mover.
type rig struct {
	*mover.Mover
	t     *testing.T
	chain *devchain.Chain
	nodes []*gate
	seed  seed.Seed
	log   *bytes.Buffer
}

func newRig(t *testing.T, nodes int) *rig {
	s, err := seed.New(words)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, chain: devchain.New(devchain.Options{}), seed: s, log: new(bytes.Buffer)}
	r.Mover = &mover.Mover{
		Network: "sui", Chain: r.chain.ID(), Sponsor: s.Ed25519(sui.Path(1 << 30)...), Timeout: 10 * time.Second,
		Key: func(i uint32) (ed25519.PrivateKey, error) { return s.Ed25519(sui.Path(i)...), nil },
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: func() time.Time { return time.Unix(1_700_000_000, 0) },
	}
	for range nodes {
		g := &gate{chain: r.chain}
		server := httptest.NewUnstartedServer(g)
		server.Config.Protocols = r.chain.Server().Protocols
		server.Start()
		t.Cleanup(server.Close)
		r.nodes, r.Nodes = append(r.nodes, g), append(r.Nodes, server.URL)
	}
	return r
}

// funded is a rig whose sponsor has a coin.
func funded(t *testing.T, nodes int) *rig {
	r := newRig(t, nodes)
	r.chain.Fund(r.address(1<<30), sui.Native, 1_000_000_000)
	return r
}

func (r *rig) address(index uint32) sui.Address {
	return sui.AddressOf(r.seed.Ed25519(sui.Path(index)...).Public().(ed25519.PublicKey))
}

func (r *rig) item(index uint32, token string) pay.SweepItem {
	return pay.SweepItem{Address: r.address(index).String(), Receiver: merchants[index%2].String(), Salt: strconv.Itoa(int(index)), Token: token}
}

func (r *rig) fate(l pay.Relay, want pay.RelayState, mined bool) settle.Fate {
	r.t.Helper()
	f := settletest.Fate(r.t, r, l, want)
	if f.Mined != mined || f.TxHash != l.Sends[0].TxHash {
		r.t.Fatalf("fate %+v, want %s, mined %v", f, want, mined)
	}
	return f
}

func (r *rig) holds(a sui.Address, coin string, want int64) {
	r.t.Helper()
	if got := r.chain.Holds(a, coin); got.Cmp(big.NewInt(want)) != 0 {
		r.t.Errorf("%s has %s of %s, want %d", a, got, coin, want)
	}
}

// settles sends a relay until it is done.
func (r *rig) settles(l pay.Relay) {
	r.t.Helper()
	r.Send(r.t.Context(), l)
	r.chain.Mine()
	r.fate(l, pay.RelayDone, true)
}

// gate is a node, with faults.
type gate struct {
	chain *devchain.Chain

	mu    sync.Mutex
	fault func(method string, w http.ResponseWriter, pass func()) bool // it has seen to the call
}

func (g *gate) set(fault func(method string, w http.ResponseWriter, pass func()) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fault = fault
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	fault := g.fault
	g.mu.Unlock()
	pass := func() { g.chain.ServeHTTP(httptest.NewRecorder(), r) }
	if fault == nil || !fault(strings.TrimPrefix(r.URL.Path, sui.Prefix), w, pass) {
		g.chain.ServeHTTP(w, r)
	}
}

// says makes a node answer a method with a message of its own.
func says(method string, m sui.Fields) func(string, http.ResponseWriter, func()) bool {
	return func(called string, w http.ResponseWriter, _ func()) bool {
		if called == method {
			_, _ = w.Write(sui.Frame(m))
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		}
		return called == method
	}
}

// refuses makes a node answer a method with a status; after doing it, if told so.
func refuses(method string, status int, done bool) func(string, http.ResponseWriter, func()) bool {
	return func(called string, w http.ResponseWriter, pass func()) bool {
		if called != method {
			return false
		}
		if done {
			pass()
		}
		w.Header().Set("Grpc-Status", strconv.Itoa(status))
		return true
	}
}

func (r *rig) itemPaid(index uint32) pay.SweepItem {
	r.chain.Fund(r.address(index), sui.Native, 1e9)
	return r.item(index, "")
}

// relay prepares and writes down a transaction that moves the items.
func (r *rig) relay(items ...pay.SweepItem) pay.Relay {
	r.t.Helper()
	return settletest.Prepare(r.t, r, "sui", items...)
}

func TestMover(t *testing.T) {
	t.Parallel()
	settletest.Run(t, func(t *testing.T) *settletest.Network {
		r, hours := funded(t, 2), new(atomic.Int64)
		r.Now = func() time.Time { return time.Unix(1_700_000_000, 0).Add(time.Duration(hours.Add(1)) * time.Hour) }
		r.chain.Fund(r.address(0), sui.Native, 5e9)
		r.chain.Fund(r.address(0), devchain.Dollar, 6e6)
		r.chain.Mine()
		return &settletest.Network{
			Mover: r.Mover, Name: "sui", Items: []pay.SweepItem{r.item(0, ""), r.item(0, devchain.Dollar)}, Units: []int64{5e9, 6e6},
			Has: func(address, token string) *big.Int {
				a, _ := sui.ParseAddress(address)
				return r.chain.Holds(a, cmp.Or(token, sui.Native))
			},
			Mine: r.chain.Mine, Depth: 1, Expire: r.chain.NextEpoch,
			Fork: func() {
				if err := r.chain.Fork(1); err != nil {
					t.Fatal(err)
				}
			},
			Fault: func(f settletest.Fault) {
				for _, n := range r.nodes {
					n.set(map[settletest.Fault]func(string, http.ResponseWriter, func()) bool{
						settletest.Deaf: refuses(sui.ExecuteTransaction, 14, false), settletest.Mute: refuses(sui.ExecuteTransaction, 4, true),
					}[f])
				}
			},
			Account: func() settletest.Account {
				t.Cleanup(func() {
					if strings.Contains(r.log.String(), "passed over") {
						t.Error("a node is blamed for what the sponsor lacks")
					}
				})
				r.Sponsor = r.seed.Ed25519(sui.Path(1<<30 + 1)...)
				return settletest.Account{
					Address: r.address(1<<30 + 1).String(), Fund: func(units int64) { r.chain.Fund(r.address(1<<30+1), sui.Native, uint64(units)) },
					Little: []int64{mover.DefaultBudget - 1}, Enough: 1, Needs: strconv.Itoa(mover.DefaultBudget), // then paid with two coins
				}
			},
		}
	})
}
