package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pepay/pepay/internal/chain/node"
)

const (
	maxBatch   = 100 // most calls in one request
	firstBatch = 10  // calls in the first request to a node
	tries      = 3   // failures in a row after which a node is given up for now
)

// endpoint is one node that speaks JSON-RPC.
type endpoint struct {
	*node.State
	client  *rpc.Client
	chainID uint64

	mu    sync.Mutex
	batch int // calls that it is thought to take at once
}

func dial(address, name string, chainID uint64, client *http.Client) (*endpoint, error) {
	c, err := rpc.DialOptions(context.Background(), address, rpc.WithHTTPClient(client))
	if err != nil {
		return nil, fmt.Errorf("%s: the address is not usable", name)
	}
	return &endpoint{State: &node.State{Name: name}, client: c, chainID: chainID, batch: firstBatch}, nil
}

// call is one question to a node.
type call struct {
	method string
	args   []any
}

// ask puts questions to the node, as many at once as it takes, and returns its
// answers in order. An answer of null is none: it is returned as nil.
func (n *endpoint) ask(ctx context.Context, calls ...call) ([]json.RawMessage, error) {
	if err := n.check(ctx); err != nil {
		return nil, err
	}
	return n.send(ctx, calls)
}

// check makes sure that the node is of our network.
func (n *endpoint) check(ctx context.Context) error {
	return n.Check(ctx, func(ctx context.Context) error {
		answers, err := n.send(ctx, []call{{"eth_chainId", nil}})
		if err != nil {
			return err
		}
		var id hexutil.Uint64
		if err := decode(answers[0], &id); err != nil {
			return fmt.Errorf("%s: decode its chain id: %w", n.Name, err)
		}
		if uint64(id) != n.chainID {
			return fmt.Errorf("%s is a node of chain %d, want %d: it is not used", n.Name, uint64(id), n.chainID)
		}
		return nil
	})
}

func (n *endpoint) send(ctx context.Context, calls []call) (answers []json.RawMessage, err error) {
	for failed := 0; len(answers) < len(calls); {
		n.mu.Lock()
		size := min(n.batch, len(calls)-len(answers))
		n.mu.Unlock()
		part, err := n.request(ctx, calls[len(answers):len(answers)+size])
		n.mu.Lock()
		if err == nil && size == n.batch {
			n.batch = min(n.batch+1+n.batch/8, maxBatch)
		}
		if err != nil {
			n.batch = max(size/2, 1)
		}
		n.mu.Unlock()
		if err != nil {
			if failed++; failed == tries || size == 1 || ctx.Err() != nil {
				return nil, fmt.Errorf("%s: %s: %w", n.Name, calls[len(answers)].method, err)
			}
			continue
		}
		failed, answers = 0, append(answers, part...)
	}
	return answers, nil
}

func (n *endpoint) request(ctx context.Context, calls []call) ([]json.RawMessage, error) {
	batch, answers := make([]rpc.BatchElem, len(calls)), make([]json.RawMessage, len(calls))
	for i, c := range calls {
		batch[i] = rpc.BatchElem{Method: c.method, Args: c.args, Result: &answers[i]}
	}
	if err := n.client.BatchCallContext(ctx, batch); err != nil {
		return nil, clean(err)
	}
	for i, b := range batch {
		if b.Error != nil {
			return nil, clean(b.Error)
		}
		if string(answers[i]) == "null" {
			answers[i] = nil
		}
	}
	return answers, nil
}

// refusal is an error that a node answered with.
type refusal struct {
	code    int
	message string
}

func (r refusal) Error() string { return fmt.Sprintf("refused: %d %q", r.code, r.message) }

// clean makes an error fit for a log: without the node's address, which may hold
// a key, and without more of what the node says than helps.
func clean(err error) error {
	if e, ok := errors.AsType[rpc.HTTPError](err); ok {
		return fmt.Errorf("HTTP status %d", e.StatusCode)
	}
	if e, ok := errors.AsType[rpc.Error](err); ok {
		return refusal{e.ErrorCode(), node.Short(e.Error())}
	}
	return node.Clean(err)
}
