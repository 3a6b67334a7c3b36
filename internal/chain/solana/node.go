package solana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/pepay/pepay/internal/chain/node"
)

// endpoint is one node that speaks JSON-RPC.
type endpoint struct {
	*node.State
	node.Endpoint
	genesis string

	mu    sync.Mutex
	width int // blocks that it is thought to give at once
}

// atOnce is how many blocks are asked for at once.
func (n *endpoint) atOnce() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.width
}

// learn sets that to one more, or to half when a block did not come: so in the end to one.
func (n *endpoint) learn(failed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if failed {
		n.width = max(1, n.width/2)
	} else {
		n.width = min(n.width+1, maxAtOnce)
	}
}

// errOther means that a node is of another chain.
var errOther = errors.New("it is not used")

// refusal is an error that a node answered with.
type refusal struct {
	Code    int
	Message string
}

func (r refusal) Error() string { return fmt.Sprintf("refused: %d %q", r.Code, node.Short(r.Message)) }

// The codes by which nodes say that they have no block for a slot: not yet, or never.
var noBlock = []int{-32004, -32007, -32009, -32014}

func isNoBlock(err error) bool {
	r, ok := errors.AsType[refusal](err)
	return ok && slices.Contains(noBlock, r.Code)
}

// ask puts a question to the node, once it is known to be of our chain. An answer of null is
// none: into stays as it was, and there is none.
func (n *endpoint) ask(ctx context.Context, into any, method string, args ...any) (some bool, err error) {
	if err := n.check(ctx); err != nil {
		return false, err
	}
	return n.send(ctx, into, method, args)
}

// check makes sure that the node is of our chain.
func (n *endpoint) check(ctx context.Context) error {
	return n.Check(ctx, func(ctx context.Context) error {
		var genesis string
		if _, err := n.send(ctx, &genesis, "getGenesisHash", nil); err != nil {
			return err
		}
		if genesis != n.genesis {
			return fmt.Errorf("%s is a node of the chain that began with %q, not with %s: %w", n.Name, node.Short(genesis), n.genesis, errOther)
		}
		return nil
	})
}

func (n *endpoint) send(ctx context.Context, into any, method string, args []any) (some bool, err error) {
	return n.call(ctx, maxWhole, method, args, func(d *json.Decoder) (bool, error) {
		err := d.Decode(&into)
		return into != nil, err
	})
}

// call puts a question and lets result read the answer while it comes, of which no more than
// a piece is held: what is decoded at once.
func (n *endpoint) call(ctx context.Context, piece int64, method string, args []any, result func(*json.Decoder) (some bool, err error)) (some bool, err error) {
	if args == nil {
		args = []any{}
	}
	question, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": args})
	if err != nil {
		return false, fmt.Errorf("%s: %w", method, err)
	}
	var id json.Number
	var refused *refusal
	answered := false
	err = n.Stream(ctx, "POST", "", "application/json", question, func(r io.Reader) error {
		d := decoder(r, piece)
		_, err := each(d, '{', func(field string) (err error) {
			switch field {
			case "id":
				return d.Decode(&id)
			case "error":
				return d.Decode(&refused)
			case "result":
				answered = true
				some, err = result(d)
				return err
			}
			return d.Decode(new(json.RawMessage))
		})
		if _, end := d.Token(); err == nil && !errors.Is(end, io.EOF) {
			err = errors.New("something follows the answer")
		}
		if err != nil { // it may show what was read
			err = errors.New("decode: " + node.Short(err.Error()))
		}
		return err
	})
	switch {
	case err == nil && refused != nil:
		err = *refused
	case err == nil && (id != "1" || !answered):
		err = errors.New("the answer is to another question")
	}
	if err != nil {
		return false, fmt.Errorf("%s: %s: %w", n.Name, method, err)
	}
	return some, nil
}

type options map[string]any

// finalized is the only state of the chain that is read.
func finalized(more ...any) options {
	o := options{"commitment": "finalized"}
	for i := 0; i < len(more); i += 2 {
		o[more[i].(string)] = more[i+1]
	}
	return o
}
