package sui

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
)

// The chains' identifiers: the digest of the first checkpoint.
const (
	Mainnet = "4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S"
	Testnet = "69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD"
)

// Driver implements chain.Driver. It may be used concurrently; its fields must not change
// once it is.
type Driver struct {
	Nodes   []string // as Dial takes them, best first; at least one
	Network pay.NetworkName
	Chain   string      // the chain's identifier
	Tokens  []pay.Token // whose coins count
	Log     *slog.Logger
	Now     func() time.Time  // the clock that pauses and block times are held against
	HTTP    http.RoundTripper // nil for one that speaks HTTP/2
	Timeout time.Duration     // for one call; 0 for 20 seconds
	Meter   *meter.Meter      // may be nil

	warn    sync.Once
	once    sync.Once
	nodes   *node.Pool[*Node]
	openErr error
}

var _ chain.Finder = (*Driver)(nil)

// ready returns the nodes, which it makes when it is first asked.
func (d *Driver) ready() (*node.Pool[*Node], error) {
	d.once.Do(func() {
		d.nodes = &node.Pool[*Node]{Network: d.Network, Log: d.Log, Now: d.Now, Meter: d.Meter}
		d.nodes.Nodes, d.openErr = Dial(string(d.Network), d.Chain, d.Nodes, d.HTTP, d.Timeout)
	})
	return d.nodes, d.openErr
}

// Head implements chain.Driver.
func (d *Driver) Head(ctx context.Context) (pay.Block, error) {
	nodes, err := d.ready()
	if err != nil {
		return pay.Block{}, err
	}
	return nodes.Head(ctx, func(ctx context.Context, n *Node) (pay.Block, error) {
		c, err := n.checkpoint(ctx, nil, summaryOnly...)
		return c.block, err
	})
}

// Block implements chain.Driver.
func (d *Driver) Block(ctx context.Context, height uint64) (pay.Block, error) {
	nodes, err := d.ready()
	if err != nil {
		return pay.Block{}, err
	}
	return nodes.Block(ctx, height, func(ctx context.Context, n *Node) (pay.Block, error) {
		c, err := n.checkpoint(ctx, &height, summaryOnly...)
		return c.block, err
	})
}

// Verify makes sure that there is a node of the configured chain, and that each configured
// coin exists on it with the configured decimals and symbol.
func (d *Driver) Verify(ctx context.Context) error {
	nodes, err := d.ready()
	if err != nil {
		return err
	}
	if _, err := d.Head(ctx); err != nil {
		return err
	}
	var errs []error
	for _, t := range d.Tokens {
		var meta Message
		if err := nodes.Try(ctx, func(n *Node) error {
			m, err := n.Call(ctx, GetCoinInfo, Fields{}.Text(1, coinName(t.Address)))
			if err != nil {
				return err
			}
			meta, err = m.At(2)
			return err
		}, notFound); err != nil {
			errs = append(errs, fmt.Errorf("read the coin of token %s, %s: %w", t.Symbol, coinName(t.Address), err))
			continue
		}
		if !meta.Has(2) {
			errs = append(errs, fmt.Errorf("%s has no metadata on chain; it cannot be known to be %s", coinName(t.Address), t.Symbol))
			continue
		}
		if decimals := meta.Uint(2); decimals != uint64(t.Decimals) { //nolint:gosec // not negative
			errs = append(errs, fmt.Errorf("%s has %d decimals on chain, the configuration says %d", coinName(t.Address), decimals, t.Decimals))
		}
		if symbol := meta.Text(4); symbol != t.Written() {
			errs = append(errs, fmt.Errorf("%s has the symbol %.40q on chain, the configuration says %q", coinName(t.Address), symbol, t.Written()))
		}
	}
	return errors.Join(errs...)
}

// notFound reports whether a node said that it knows no such thing, for which it is not to
// blame.
func notFound(_ *Node, err error) bool { return Refused(err, CodeNotFound) }
