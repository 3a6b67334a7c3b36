package cardano

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
)

var _ chain.Finder = (*Driver)(nil)

// Driver implements chain.Driver and chain.Finder, and asks what settling needs to know. It
// may be used concurrently; its fields must not change once it is. Addresses of ours are
// those that a key alone holds, as DepositAddress gives them: what others spend is not seen.
type Driver struct {
	Nodes   []string // of the API, over HTTP, with the key as in https://KEY@host/api/v0; best first, at least one
	Network pay.NetworkName
	Magic   uint64      // the network's number
	Tokens  []pay.Token // that count; of an output that holds one, the ADA does not
	Log     *slog.Logger
	Now     func() time.Time  // the clock that pauses and block times are held against
	HTTP    http.RoundTripper // nil for http.DefaultTransport
	Timeout time.Duration     // for one request; 0 for 20 seconds
	Meter   *meter.Meter      // may be nil

	once    sync.Once
	nodes   *node.Pool[*endpoint]
	openErr error
	taken   map[string]bool // the tokens that count
}

// ready returns the nodes, which it makes when it is first asked.
func (d *Driver) ready() (*node.Pool[*endpoint], error) {
	d.once.Do(func() {
		d.nodes, d.taken = &node.Pool[*endpoint]{Network: d.Network, Log: d.Log, Now: d.Now, Meter: d.Meter}, map[string]bool{}
		client := node.HTTPClient(d.HTTP, d.Timeout)
		for i, address := range d.Nodes {
			n, err := dial(address, fmt.Sprintf("%s node %d", d.Network, i+1), d.Magic, client)
			if err != nil {
				d.openErr = err
				return
			}
			d.nodes.Nodes = append(d.nodes.Nodes, n)
		}
		if len(d.Nodes) == 0 {
			d.openErr = fmt.Errorf("%s has no nodes", d.Network)
		}
		for _, t := range d.Tokens {
			d.taken[t.Address] = t.Address != ""
		}
	})
	return d.nodes, d.openErr
}

// Head implements chain.Driver.
func (d *Driver) Head(ctx context.Context) (pay.Block, error) {
	nodes, err := d.ready()
	if err != nil {
		return pay.Block{}, err
	}
	return nodes.Head(ctx, func(ctx context.Context, n *endpoint) (pay.Block, error) {
		h, found, err := n.header(ctx, "latest")
		if err == nil && !found {
			err = fmt.Errorf("%s has no newest block", n.Name)
		}
		if err != nil {
			return pay.Block{}, err
		}
		return h.position(), nil
	})
}

// Block implements chain.Driver.
func (d *Driver) Block(ctx context.Context, height uint64) (pay.Block, error) {
	b, _, err := d.at(ctx, height)
	return b, err
}

// at returns the canonical block at a height, and its slot, that two nodes agree on.
func (d *Driver) at(ctx context.Context, height uint64) (b pay.Block, slot uint64, err error) {
	nodes, err := d.ready()
	if err != nil {
		return b, 0, err
	}
	b, err = nodes.Block(ctx, height, func(ctx context.Context, n *endpoint) (pay.Block, error) {
		h, found, err := n.header(ctx, fmt.Sprint(height))
		if err != nil || !found {
			return pay.Block{}, err
		}
		p := h.position()
		p.Hash = fmt.Sprint(p.Hash, " ", *h.Slot) // both are voted on
		return p, nil
	})
	if err != nil {
		return b, 0, err
	}
	hash, text, _ := strings.Cut(b.Hash, " ")
	b.Hash = hash
	_, err = fmt.Sscan(text, &slot)
	return b, slot, err
}

// Verify makes sure, before anything is built on it, that a node answers, is of the network,
// and knows each token with the configured decimals and symbol, where anybody stated those.
func (d *Driver) Verify(ctx context.Context) error {
	nodes, err := d.ready()
	if err != nil {
		return err
	}
	for _, t := range d.Tokens {
		if err := nodes.Try(ctx, func(n *endpoint) error { return n.verify(ctx, t) }, func(_ *endpoint, err error) bool {
			return errors.Is(err, errToken)
		}); err != nil {
			return err
		}
	}
	return nodes.Try(ctx, func(n *endpoint) error { return n.Check(ctx, n.ofNetwork) }, nil)
}

var errToken = errors.New("the token is not as configured")

// verify compares a token with what its issuer says: in the registry (CIP-26), or on the
// chain (CIP-68). Where neither says anything, the configuration is all there is.
func (n *endpoint) verify(ctx context.Context, t pay.Token) error {
	if t.Address == "" {
		if t.Decimals != 6 {
			return fmt.Errorf("%w: ADA has 6 decimals, not %d", errToken, t.Decimals)
		}
		return nil
	}
	if c, err := CanonicalToken(t.Address); err != nil || c != t.Address {
		return fmt.Errorf("%w: %s has the address %q, which %w", errToken, t.Symbol, t.Address, cmp.Or(err, errors.New("must be in lower case")))
	}
	type says struct {
		Decimals *int   `json:"decimals"`
		Ticker   string `json:"ticker"`
	}
	var a struct {
		Asset    string `json:"asset"`
		Registry *says  `json:"metadata"`
		Chain    *says  `json:"onchain_metadata"`
		Standard string `json:"onchain_metadata_standard"`
	}
	found, err := n.get(ctx, "/assets/"+t.Address, &a)
	switch {
	case err != nil:
		return err
	case !found || a.Asset != t.Address:
		return fmt.Errorf("%w: %s does not know %s, %s", errToken, n.Name, t.Symbol, t.Address)
	}
	if !strings.HasPrefix(a.Standard, "CIP68") {
		a.Chain = nil // CIP-25 is of pictures; its fields may be anything
	}
	for where, s := range map[string]*says{"the registry": a.Registry, "the chain": a.Chain} {
		if s == nil {
			continue
		}
		if s.Decimals != nil && *s.Decimals != t.Decimals {
			return fmt.Errorf("%w: %s has %d decimals, and %d by %s", errToken, t.Symbol, t.Decimals, *s.Decimals, where)
		}
		if s.Ticker != "" && !strings.EqualFold(s.Ticker, t.Written()) {
			return fmt.Errorf("%w: %s is called %.20q by %s", errToken, t.Symbol, s.Ticker, where)
		}
	}
	return nil
}
