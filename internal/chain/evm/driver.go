// Package evm reads networks of the Ethereum family over JSON-RPC. It takes
// nodes for hostile: a block counts only if its header hashes to the block's
// hash and names the block before, its transactions and receipts only if they
// hash to the header's roots, a balance only if it is proven from the state
// root. So a node can withhold, which costs time, but not leave out or invent.
// What a lone node cannot prove, that its chain is the one everybody follows, a
// second node confirms.
package evm

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
)

// Driver implements chain.Driver. It may be used concurrently; its fields must
// not change once it is.
type Driver struct {
	Nodes   []string // URLs of JSON-RPC endpoints over HTTP, best first; at least one
	Network pay.NetworkName
	ChainID uint64
	Tokens  []common.Address // contracts whose Transfer logs count
	Factory common.Address   // the contract whose Swept logs count
	Log     *slog.Logger
	Now     func() time.Time  // the clock that pauses and block times are held against
	HTTP    http.RoundTripper // nil for http.DefaultTransport
	Timeout time.Duration     // for one request; 0 for 20 seconds
	Meter   *meter.Meter      // may be nil

	once    sync.Once
	nodes   *node.Pool[*endpoint]
	openErr error
	mu      sync.Mutex
	turn    int             // which node is asked first for balances
	proofs  map[string]bool // nodes known to have no proofs, by name
	tail    []*block        // see ancestors
}

// ready returns the nodes, which it makes when it is first asked.
func (d *Driver) ready() (*node.Pool[*endpoint], error) {
	d.once.Do(func() {
		d.nodes = &node.Pool[*endpoint]{Network: d.Network, Log: d.Log, Now: d.Now, Meter: d.Meter}
		client := node.HTTPClient(d.HTTP, d.Timeout)
		for i, url := range d.Nodes {
			n, err := dial(url, fmt.Sprintf("%s node %d", d.Network, i+1), d.ChainID, client)
			if err != nil {
				d.openErr = err
				return
			}
			d.nodes.Nodes = append(d.nodes.Nodes, n)
		}
		if len(d.Nodes) == 0 {
			d.openErr = fmt.Errorf("%s has no nodes", d.Network)
		}
		d.proofs = map[string]bool{}
	})
	return d.nodes, d.openErr
}

// Head implements chain.Driver.
func (d *Driver) Head(ctx context.Context) (pay.Block, error) {
	nodes, err := d.ready()
	if err != nil {
		return pay.Block{}, err
	}
	return nodes.Head(ctx, func(ctx context.Context, n *endpoint) (pay.Block, error) { return d.at(ctx, n, "latest") })
}

// Final implements chain.Finalizer: a rule is the block tag that nodes know it by.
func (d *Driver) Final(ctx context.Context, rule pay.Finality) (pay.Block, error) {
	nodes, err := d.ready()
	if err != nil {
		return pay.Block{}, err
	}
	return nodes.Final(ctx, func(ctx context.Context, n *endpoint) (pay.Block, error) { return d.at(ctx, n, string(rule)) })
}

// Block implements chain.Driver.
func (d *Driver) Block(ctx context.Context, height uint64) (pay.Block, error) {
	nodes, err := d.ready()
	if err != nil {
		return pay.Block{}, err
	}
	return nodes.Block(ctx, height, func(ctx context.Context, n *endpoint) (pay.Block, error) {
		return d.at(ctx, n, hexutil.EncodeUint64(height))
	})
}

// at asks a node for the block at a height in hexadecimal, or by a tag such as "latest".
// The zero block means that the node does not have the height.
func (d *Driver) at(ctx context.Context, n *endpoint, height string) (pay.Block, error) {
	answers, err := n.ask(ctx, call{"eth_getBlockByNumber", []any{height, false}})
	if err != nil {
		return pay.Block{}, err
	}
	if answers[0] == nil {
		if isTag(height) {
			return pay.Block{}, fmt.Errorf("%s has no %s block", n.Name, height)
		}
		return pay.Block{}, nil
	}
	return d.position(n, answers[0], height)
}

func isTag(height string) bool { return !strings.HasPrefix(height, "0x") }

func (d *Driver) position(n *endpoint, raw json.RawMessage, height string) (pay.Block, error) {
	b, err := parseHeader(raw)
	if err != nil {
		return pay.Block{}, fmt.Errorf("%s: %w", n.Name, err)
	}
	p := b.position()
	if !isTag(height) && height != hexutil.EncodeUint64(p.Height) {
		return pay.Block{}, fmt.Errorf("%s answers with block %d for %s", n.Name, p.Height, height)
	}
	return p, nil
}
