// Package avalanche makes a node of go-ethereum answer as those of Avalanche's C-chain do
// since the Helicon upgrade (ACP-194): a block's header has the state, the receipts and the
// bloom of blocks before it, which are executed by then.
package avalanche

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"regexp"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rpc"
)

// Node answers JSON-RPC. It may be used concurrently.
type Node struct {
	client *rpc.Client // of the node behind

	mu     sync.Mutex
	blocks map[common.Hash]*block      // by the hash that the node behind knows them by
	hashes map[common.Hash]common.Hash // that hash, by ours
	recent []*block                    // those that keep their fields
}

// New returns a node in front of another, which the client asks. Closing the client ends it.
func New(client *rpc.Client) *Node {
	return &Node{client: client, blocks: map[common.Hash]*block{}, hashes: map[common.Hash]common.Hash{}}
}

type message struct {
	Version string            `json:"jsonrpc"`
	ID      json.RawMessage   `json:"id"`
	Method  string            `json:"method,omitempty"`
	Params  []json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage   `json:"result,omitempty"`
	Error   any               `json:"error,omitempty"`
}

// ServeHTTP implements http.Handler.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	var batch []message
	if json.Unmarshal(body, &batch) == nil {
		for i, m := range batch {
			batch[i] = n.answer(r.Context(), m)
		}
		_ = json.NewEncoder(w).Encode(batch)
		return
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		http.Error(w, "not JSON-RPC", http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(n.answer(r.Context(), m))
}

func (n *Node) answer(ctx context.Context, m message) message {
	out := message{Version: "2.0", ID: m.ID}
	args := make([]any, len(m.Params))
	for i, p := range m.Params {
		args[i] = p
	}
	if err := n.CallContext(ctx, &out.Result, m.Method, args...); err != nil {
		out.Error = map[string]any{"code": -32000, "message": err.Error()}
		if e, ok := errors.AsType[rpc.Error](err); ok {
			out.Error = map[string]any{"code": e.ErrorCode(), "message": e.Error()}
		}
	}
	return out
}

// CallContext puts one question to the node behind and gives its answer, with the blocks'
// hashes of either side in the place of the other's.
func (n *Node) CallContext(ctx context.Context, result any, method string, args ...any) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, a := range args {
		p, err := json.Marshal(a)
		if err != nil {
			return err
		}
		args[i] = json.RawMessage(hashes.ReplaceAllFunc(p, func(h []byte) []byte {
			if theirs, ok := n.hashes[common.HexToHash(string(h))]; ok {
				return []byte(theirs.Hex())
			}
			return h
		}))
	}
	var answer any
	if err := n.client.CallContext(ctx, &answer, method, args...); err != nil {
		return err
	}
	if err := n.dress(ctx, answer); err != nil {
		return err
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, result)
}

// hashes finds those in a parameter.
var hashes = regexp.MustCompile("0x[0-9a-f]{64}")

// dress makes the blocks and the references to blocks in an answer our own.
func (n *Node) dress(ctx context.Context, v any) error {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := n.dress(ctx, e); err != nil {
				return err
			}
		}
	case map[string]any:
		if hash, ok := v["blockHash"].(string); ok {
			b, err := n.block(ctx, common.HexToHash(hash))
			if err != nil {
				return err
			}
			v["blockHash"] = b.hash
		}
		if hash, ok := v["hash"].(string); ok && v["parentHash"] != nil {
			b, err := n.block(ctx, common.HexToHash(hash))
			if err != nil {
				return err
			}
			maps.Copy(v, b.fields)
		}
		for _, e := range v {
			if err := n.dress(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}
