package ton

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

// Driver implements chain.Driver. A block is of the masterchain, and stands for the blocks of
// the shards that it makes final. It may be used concurrently; its fields must not change once
// it is.
type Driver struct {
	Nodes   []string // URLs of indexes, such as https://host/api/v3, best first; at least one
	Network pay.NetworkName
	Testnet bool
	Tokens  []pay.Token // jettons that count, by the canonical address of the master
	Log     *slog.Logger
	Now     func() time.Time  // the clock that pauses and block times are held against
	HTTP    http.RoundTripper // nil for http.DefaultTransport
	Timeout time.Duration     // for one request; 0 for 20 seconds
	Meter   *meter.Meter      // may be nil

	once    sync.Once
	nodes   *node.Pool[*Node]
	openErr error
	mu      sync.Mutex
	learned map[string]Jetton // by master, of tokens that are not known
}

var (
	_ chain.Driver = (*Driver)(nil)
	_ chain.Finder = (*Driver)(nil)
)

// ready returns the nodes, which it makes when it is first asked.
func (d *Driver) ready() (*node.Pool[*Node], error) {
	d.once.Do(func() {
		d.nodes = &node.Pool[*Node]{Network: d.Network, Log: d.Log, Now: d.Now, Meter: d.Meter}
		client := node.HTTPClient(d.HTTP, d.Timeout)
		for i, url := range d.Nodes {
			n, err := dial(url, fmt.Sprintf("%s node %d", d.Network, i+1), Global(d.Testnet), client)
			if err != nil {
				d.openErr = err
				return
			}
			d.nodes.Nodes = append(d.nodes.Nodes, n)
		}
		if len(d.Nodes) == 0 {
			d.openErr = fmt.Errorf("%s has no nodes", d.Network)
		}
		d.learned = map[string]Jetton{}
	})
	return d.nodes, d.openErr
}

// Head implements chain.Driver.
func (d *Driver) Head(ctx context.Context) (pay.Block, error) {
	nodes, err := d.ready()
	if err != nil {
		return pay.Block{}, err
	}
	return nodes.Head(ctx, func(ctx context.Context, n *Node) (pay.Block, error) { return n.Head(ctx) })
}

// Block implements chain.Driver.
func (d *Driver) Block(ctx context.Context, height uint64) (pay.Block, error) {
	nodes, err := d.ready()
	if err != nil {
		return pay.Block{}, err
	}
	return nodes.Block(ctx, height, func(ctx context.Context, n *Node) (pay.Block, error) {
		_, at, err := n.master(ctx, height)
		return at, err
	})
}

// Agreed asks the nodes of a driver, best first, until two of them have said the same, which
// same decides, and returns what both said. When only one node is configured it is believed.
func Agreed[T any](ctx context.Context, d *Driver, ask func(context.Context, *Node) (T, error), same func(a, b T) (T, bool)) (none T, err error) {
	nodes, err := d.ready()
	if err != nil {
		return none, err
	}
	return node.Agreed(ctx, nodes, ask, same)
}

// Send gives a message from outside to every node, and returns what those said that did not
// take it. That a node took it proves nothing.
func (d *Driver) Send(ctx context.Context, message *Cell) error {
	nodes, err := d.ready()
	if err != nil {
		return err
	}
	var errs []error
	for _, n := range nodes.Nodes {
		errs = append(errs, n.ask(ctx, http.MethodPost, "/message", SendMessage{Encode64(message)}, nil))
	}
	return errors.Join(errs...)
}
