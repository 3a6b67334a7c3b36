// Package devchain runs a whole EVM chain inside this process, for development: go-ethereum with one simulated block
// producer, JSON-RPC over HTTP and websocket on loopback, two rich accounts, the deposit factory and a play dollar.
package devchain

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/catalyst"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pepay/pepay/contracts"
)

// DefaultChainID is that of a development chain, by which wallets know one.
const DefaultChainID = 1337

// DefaultPeriod is the usual time between two blocks.
const DefaultPeriod = time.Second

// Options say how to run a Chain.
type Options struct {
	// Dir keeps the chain; a later Start with the same Dir goes on where it ended, even if the process was killed.
	// Empty keeps it in memory.
	Dir string
	// Listen is the host:port of the JSON-RPC server; empty means 127.0.0.1:0, and port 0 any free port. The host must
	// be a loopback address or localhost.
	Listen string
	// ChainID is the chain's, 0 for 1337, by which wallets know a development chain. A Dir keeps the one it began with.
	ChainID uint64
	// Period is the time between two blocks; zero makes blocks by Mine only.
	Period time.Duration
	// Log gets go-ethereum's warnings and errors once it runs; nil drops them. Their logger is global to the process, so the last
	// Chain started with a Log gets those of all.
	Log *slog.Logger
}

// Chain is a running chain. Its methods may be called from many goroutines at once, but not after Close.
type Chain struct {
	id     uint64
	node   *node.Node
	client *ethclient.Client

	mu     sync.Mutex // the beacon is for one caller at a time
	beacon *catalyst.SimulatedBeacon
	db     ethdb.KeyValueSyncer

	once sync.Once
	stop chan struct{}
	done sync.WaitGroup
	err  error // of Close
}

// Start starts a chain and returns when it answers over JSON-RPC and holds the factory, the dollar and the payer's
// 1,000,000 DUSDC. The context ends the wait for that, not the chain: call Close.
func Start(ctx context.Context, o Options) (*Chain, error) {
	c, err := launch(o)
	if err != nil {
		return nil, fmt.Errorf("start the development chain: %w", err)
	}
	if err := prepare(ctx, c.client, Payer(), func() { c.Mine() }); err != nil {
		return nil, errors.Join(fmt.Errorf("start the development chain: %w", err), c.Close())
	}
	if o.Period > 0 {
		c.done.Go(func() { c.produce(o.Period) })
	}
	return c, nil
}

// launch brings up the node, without our contracts and without block production.
func launch(o Options) (*Chain, error) {
	host, port, err := loopback(o.Listen)
	if err != nil {
		return nil, err
	}
	stack, err := node.New(nodeConfig(o.Dir, host, port))
	if errors.Is(err, node.ErrDatadirUsed) {
		return nil, fmt.Errorf("another process runs the chain in %s: %w", o.Dir, err)
	} else if err != nil {
		return nil, fmt.Errorf("open %s: %w", o.Dir, err)
	}
	id := cmp.Or(o.ChainID, DefaultChainID)
	service, err := eth.New(stack, ethConfig(id))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the chain: %w", err), stack.Close())
	}
	c := &Chain{id: id, node: stack, db: service.ChainDb(), stop: make(chan struct{})}
	c.mu.Lock() // control waits until there is a beacon
	defer c.mu.Unlock()
	stack.RegisterAPIs([]rpc.API{{
		Namespace: "eth",
		Service:   filters.NewFilterAPI(filters.NewFilterSystem(service.APIBackend, filters.Config{})),
	}, {
		Namespace: "dev",
		Service:   control{c},
	}})
	if err := stack.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", net.JoinHostPort(host, strconv.Itoa(port)), err), stack.Close())
	}
	c.client = ethclient.NewClient(stack.Attach())
	// Period zero: geth's own loop counts whole seconds and cannot be joined at the end.
	if c.beacon, err = catalyst.NewSimulatedBeacon(0, common.Address{}, service); err != nil {
		return nil, errors.Join(fmt.Errorf("start block production: %w", err), c.Close())
	}
	// Only now: opening warns of what is no news here, an empty folder, no peers, an earlier kill.
	if o.Log != nil {
		// Wrapped, because SetDefault would make geth's own type of logger the default of slog too.
		log.SetDefault(struct{ log.Logger }{log.NewLogger(warnings{o.Log.Handler()})})
	}
	return c, nil
}

// loopback splits an address to listen on and refuses those that others could reach: the chain's keys are public.
func loopback(listen string) (host string, port int, err error) {
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	host, service, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("listen address: %w", err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", 0, fmt.Errorf("listen address %q: the development chain listens on loopback only, such as 127.0.0.1", listen)
	}
	n, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("listen address %q: %w", listen, err)
	}
	return host, int(n), nil
}

func (c *Chain) produce(period time.Duration) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-tick.C:
			if period < time.Second || !c.ahead() {
				c.Mine()
			}
		}
	}
}

// ahead reports whether the newest block is of the future: Drop makes several in no time, each
// a second after the one before, and readers refuse a chain that is far ahead of them.
func (c *Chain) ahead() bool {
	h, err := c.client.HeaderByNumber(context.Background(), nil)
	return err == nil && time.Unix(int64(h.Time), 0).After(time.Now()) //nolint:gosec // of our own making
}

// Mine makes a block of the pending transactions, or an empty one, and returns the head's hash. When it returns, the
// block is on disk if the chain has a Dir; a kill in between loses no other.
func (c *Chain) Mine() common.Hash {
	c.mu.Lock()
	defer c.mu.Unlock()
	hash := c.beacon.Commit()
	// Without this the database keeps the last blocks of a fast chain in a buffer of the process.
	if err := c.db.SyncKeyValue(); err != nil {
		log.Error("The block is not on disk", "hash", hash, "err", err)
	}
	return hash
}

// Fork makes an earlier block the head again, so that the next Mine begins another branch. The transactions of the
// blocks left behind return to the pool and are mined again unless replaced. No transaction may be pending.
func (c *Chain) Fork(parent common.Hash) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.beacon.Fork(parent); err != nil {
		return fmt.Errorf("fork from %s: %w", parent, err)
	}
	return nil
}

// URL returns the JSON-RPC endpoint, http://host:port. The same with ws:// speaks websocket.
func (c *Chain) URL() string { return c.node.HTTPEndpoint() }

// ChainID returns the chain's id.
func (c *Chain) ChainID() uint64 { return c.id }

// Client returns an in-process client, which Close closes.
func (c *Chain) Client() *ethclient.Client { return c.client }

// Payer returns the package's Payer, who holds 1,000,000 coins and dollars in the beginning.
func (c *Chain) Payer() *ecdsa.PrivateKey { return Payer() }

// Relayer returns the package's Relayer, who holds 1,000,000 coins in the beginning.
func (c *Chain) Relayer() *ecdsa.PrivateKey { return Relayer() }

// Dollar returns the address of DUSDC, a token of 6 decimals that anybody may mint. It never changes.
func (c *Chain) Dollar() common.Address { return contracts.TestDollar }

// Close ends block production and the JSON-RPC server and releases the Dir. Later calls return what the first did.
func (c *Chain) Close() error {
	c.once.Do(func() {
		close(c.stop)
		c.done.Wait()
		c.client.Close()
		if c.err = c.node.Close(); c.err != nil {
			c.err = fmt.Errorf("close the development chain: %w", c.err)
		}
	})
	return c.err
}

// warnings passes on what is at least a warning.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }
