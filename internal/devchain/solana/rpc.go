package solana

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/pepay/pepay/internal/chain/solana"
)

// maxRequest is the most bytes that a request may have, as of a real node.
const maxRequest = 50 << 10

type question struct {
	ID     json.RawMessage   `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

type answer struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result"`
}

type refused struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Error   *failure        `json:"error"`
}

// failure is an error by the numbers that nodes give it.
type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

var errParams = &failure{-32602, "Invalid params"}

// ServeHTTP implements http.Handler: JSON-RPC, one question or a batch.
func (c *Chain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil || r.Method != http.MethodPost {
		http.Error(w, "only JSON-RPC", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	var out any
	var batch []question
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) && json.Unmarshal(body, &batch) == nil {
		all := make([]any, len(batch))
		for i, q := range batch {
			all[i] = c.answer(q)
		}
		out = all
	} else {
		var q question
		if json.Unmarshal(body, &q) == nil {
			out = c.answer(q)
		} else {
			out = refused{"2.0", nil, &failure{-32700, "Parse error"}}
		}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (c *Chain) answer(q question) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	result, err := c.call(q)
	if err == nil {
		return answer{"2.0", q.ID, result}
	}
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = &failure{-32602, err.Error()}
	}
	return refused{"2.0", q.ID, f}
}

// settings are what the last parameter of most methods may say.
type settings struct {
	Commitment         string
	Encoding           string
	TransactionDetails string
	Limit              int
	Before             string
	Version            int `json:"maxSupportedTransactionVersion"`
}

// call answers a question. Parameters that are missing are as if they were zero.
func (c *Chain) call(q question) (any, error) {
	var set settings
	if n := len(q.Params); n > 0 && bytes.HasPrefix(q.Params[n-1], []byte("{")) {
		if json.Unmarshal(q.Params[n-1], &set) != nil {
			return nil, errParams
		}
		q.Params = q.Params[:n-1]
	}
	at := c.blocks[c.final()]
	if set.Commitment == "confirmed" || set.Commitment == "processed" {
		at = c.head()
	}
	param := func(i int, into any) bool { return i < len(q.Params) && json.Unmarshal(q.Params[i], into) == nil }
	var n, m uint64
	var name string
	var names []string
	switch q.Method {
	case "getGenesisHash":
		return c.genesis.String(), nil
	case "getSlot":
		return at.slot, nil
	case "getBlockHeight":
		return at.number, nil
	case "getLatestBlockhash":
		return in(at, map[string]any{"blockhash": at.hash.String(), "lastValidBlockHeight": at.number + solana.Life}), nil
	case "isBlockhashValid":
		if param(0, &name) {
			i := slices.IndexFunc(c.blocks, func(b *block) bool { return b.hash.String() == name })
			return in(at, i >= 0 && at.number <= c.blocks[i].number+solana.Life), nil
		}
	case "getBlock":
		if param(0, &n) && set.Version <= 127 {
			return c.getBlock(n, set)
		}
	case "getBlocks":
		if param(0, &n) {
			if m = at.slot; len(q.Params) < 2 || param(1, &m) {
				return c.slots(n, min(m, at.slot), len(c.blocks)), nil
			}
		}
	case "getBlocksWithLimit":
		if param(0, &n) && param(1, &m) && m <= 500_000 {
			return c.slots(n, at.slot, int(m)), nil
		}
	case "getMultipleAccounts":
		if param(0, &names) && len(names) <= 100 {
			all := make([]any, len(names))
			for i, name := range names {
				a, err := account(at, name)
				if err != nil {
					return nil, err
				}
				all[i] = a
			}
			return in(at, all), nil
		}
	case "getAccountInfo":
		if param(0, &name) {
			a, err := account(at, name)
			return in(at, a), err
		}
	case "getBalance":
		if param(0, &name) {
			k, err := solana.ParseKey(name)
			return in(at, at.accounts[k].Lamports), err
		}
	case "getTokenAccountBalance":
		if param(0, &name) {
			k, _ := solana.ParseKey(name)
			h, err := solana.ParseHolding(at.accounts[k])
			return in(at, amount(h.Units)), err
		}
	case "getMinimumBalanceForRentExemption":
		if param(0, &n) && n < 1<<24 {
			return rent(int(n)), nil
		}
	case "getSignatureStatuses":
		if param(0, &names) {
			all := make([]any, len(names))
			for i, id := range names {
				all[i] = c.status(id)
			}
			return in(at, all), nil
		}
	case "getSignaturesForAddress":
		if param(0, &name) {
			return c.history(name, set)
		}
	case "getTransaction":
		if param(0, &name) {
			return c.getTransaction(name), nil
		}
	case "sendTransaction":
		if param(0, &name) {
			return c.send(name)
		}
	default:
		return nil, &failure{-32601, "Method not found"}
	}
	return nil, errParams
}

// in is an answer that says of which slot it is.
func in(b *block, value any) any {
	return map[string]any{"context": map[string]any{"slot": b.slot}, "value": value}
}

func account(b *block, name string) (any, error) {
	k, err := solana.ParseKey(name)
	if err != nil {
		return nil, err
	}
	a, ok := b.accounts[k]
	if !ok {
		return nil, nil
	}
	return map[string]any{
		"lamports": a.Lamports, "owner": a.Owner, "executable": false, "rentEpoch": uint64(1<<64 - 1), "space": len(a.Data),
		"data": []string{base64.StdEncoding.EncodeToString(a.Data), "base64"},
	}, nil
}

func amount(units uint64) any {
	return map[string]any{"amount": fmt.Sprint(units), "decimals": Decimals, "uiAmountString": fmt.Sprintf("%d.%06d", units/1e6, units%1e6)}
}

func (c *Chain) slots(from, to uint64, limit int) []uint64 {
	list := []uint64{}
	i, _ := slices.BinarySearchFunc(c.blocks, from, func(b *block, slot uint64) int { return int(b.slot) - int(slot) }) //nolint:gosec // small
	for ; i < len(c.blocks) && c.blocks[i].slot <= to && len(list) < limit; i++ {
		list = append(list, c.blocks[i].slot)
	}
	return list
}

func (c *Chain) getBlock(slot uint64, set settings) (any, error) {
	i, ok := slices.BinarySearchFunc(c.blocks, slot, func(b *block, slot uint64) int { return int(b.slot) - int(slot) }) //nolint:gosec // small
	switch {
	case slot > c.blocks[c.final()].slot && (set.Commitment != "confirmed" || slot > c.head().slot):
		return nil, &failure{-32004, fmt.Sprintf("Block not available for slot %d", slot)}
	case !ok:
		return nil, &failure{-32007, fmt.Sprintf("Slot %d was skipped, or missing due to ledger jump to recent snapshot", slot)}
	}
	b := c.blocks[i]
	out := map[string]any{
		"blockhash": b.hash.String(), "previousBlockhash": b.parent.String(), "parentSlot": b.parentSlot, "blockHeight": b.number, "blockTime": b.time.Unix(),
	}
	if set.TransactionDetails == "none" {
		return out, nil
	}
	txs := []any{}
	for _, r := range b.txs {
		txs = append(txs, map[string]any{"transaction": r.keys(), "meta": r.meta(), "version": "legacy"})
	}
	out["transactions"] = txs
	return out, nil
}

// keys is a transaction as blocks with the details "accounts" show it.
func (r *record) keys() any {
	var keys []any
	for i, k := range r.tx.Message.Keys {
		keys = append(keys, map[string]any{"pubkey": k.String(), "signer": i < r.tx.Message.Signed, "source": "transaction", "writable": r.tx.Message.Writable(i)})
	}
	return map[string]any{"accountKeys": keys, "signatures": []string{r.id}}
}

func (r *record) meta() any {
	lamports := func(all []solana.Account) (out []uint64) {
		for _, a := range all {
			out = append(out, a.Lamports)
		}
		return out
	}
	tokens := func(all []solana.Account) any {
		out := []any{}
		for i, a := range all {
			if h, err := solana.ParseHolding(a); err == nil {
				out = append(out, map[string]any{
					"accountIndex": i, "mint": h.Mint.String(), "owner": h.Owner.String(), "programId": a.Owner, "uiTokenAmount": amount(h.Units),
				})
			}
		}
		return out
	}
	return map[string]any{
		"err": r.failure, "status": map[string]any{"Ok": nil}, "fee": r.fee, "preBalances": lamports(r.pre), "postBalances": lamports(r.post),
		"preTokenBalances": tokens(r.pre), "postTokenBalances": tokens(r.post),
	}
}

func (c *Chain) status(id string) any {
	r := c.records[id]
	if r == nil {
		return nil
	}
	s := map[string]any{"slot": r.block.slot, "err": r.failure, "confirmations": nil, "confirmationStatus": "finalized"}
	if r.block.slot > c.blocks[c.final()].slot {
		s["confirmations"], s["confirmationStatus"] = 1, "confirmed"
	}
	return s
}

func (c *Chain) history(name string, set settings) (any, error) {
	k, err := solana.ParseKey(name)
	if err != nil {
		return nil, err
	}
	list, skip := []any{}, set.Before != ""
	for _, b := range slices.Backward(c.blocks[:c.final()+1]) {
		for _, r := range slices.Backward(b.txs) {
			if !skip && slices.Contains(r.tx.Message.Keys, k) && (set.Limit == 0 || len(list) < set.Limit) {
				list = append(list, map[string]any{"signature": r.id, "slot": b.slot, "err": r.failure, "blockTime": b.time.Unix(), "confirmationStatus": "finalized"})
			}
			skip = skip && r.id != set.Before
		}
	}
	return list, nil
}

func (c *Chain) getTransaction(id string) any {
	r := c.records[id]
	if r == nil {
		return nil
	}
	return map[string]any{
		"slot": r.block.slot, "blockTime": r.block.time.Unix(), "meta": r.meta(), "version": "legacy",
		"transaction": []string{base64.StdEncoding.EncodeToString(r.tx.Bytes()), "base64"},
	}
}

func (c *Chain) send(text string) (any, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errParams
	}
	t, err := solana.ParseTransaction(raw)
	if err != nil {
		return nil, err
	}
	switch err := c.submit(t); {
	case errors.Is(err, errSignature):
		return nil, &failure{-32003, err.Error()}
	case err != nil:
		return nil, &failure{-32002, "Transaction simulation failed: " + err.Error()}
	}
	return t.ID(), nil
}
