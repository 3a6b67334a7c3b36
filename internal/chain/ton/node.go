package ton

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/pay"
)

// pageSize is how many transactions one question asks for.
const pageSize = 500

// Node is one index that is asked over HTTP.
type Node struct {
	*node.State
	http   node.Endpoint
	global int32
}

// dial makes a node of its URL, such as https://host/api/v3; a key in it, ?api_key=, is sent as
// a header.
func dial(address, name string, global int32, client *http.Client) (*Node, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%s: the address is not usable", name)
	}
	n := &Node{State: &node.State{Name: name}, global: global}
	n.http = node.Endpoint{Header: http.Header{}, Client: client}
	if key := u.Query().Get("api_key"); key != "" {
		n.http.Header.Set("X-Api-Key", key)
	}
	u.RawQuery, u.Fragment = "", ""
	n.http.URL = strings.TrimRight(u.String(), "/")
	return n, nil
}

func (n *Node) get(ctx context.Context, path string, into any, query ...string) error {
	if err := n.Check(ctx, func(ctx context.Context) error { _, err := n.last(ctx); return err }); err != nil {
		return err
	}
	return n.ask(ctx, http.MethodGet, path, nil, into, query...)
}

func (n *Node) ask(ctx context.Context, method, path string, body, into any, query ...string) error {
	q := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		q.Add(query[i], query[i+1])
	}
	var sent []byte
	contentType := ""
	if body != nil {
		contentType = "application/json"
		sent, _ = json.Marshal(body) // of strings
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	b, err := n.http.Do(ctx, method, path, contentType, sent)
	if err == nil && into != nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		name, _, _ := strings.Cut(path, "?")
		return fmt.Errorf("%s: %s: %w", n.Name, name, err)
	}
	return nil
}

// last asks for the newest block, and refuses a node of another network.
func (n *Node) last(ctx context.Context) (b Block, err error) {
	var info MasterchainInfo
	if err := n.ask(ctx, http.MethodGet, "/masterchainInfo", nil, &info); err != nil {
		return b, err
	}
	if info.Last == nil {
		return b, fmt.Errorf("%s has no newest block", n.Name)
	}
	return *info.Last, n.ours(*info.Last)
}

func (n *Node) ours(b Block) error {
	if b.GlobalID != n.global {
		return fmt.Errorf("%s is a node of network %d, want %d: it is not used", n.Name, b.GlobalID, n.global)
	}
	return nil
}

// Head returns the newest block that the node has.
func (n *Node) Head(ctx context.Context) (pay.Block, error) {
	b, err := n.last(ctx)
	if err != nil {
		return pay.Block{}, err
	}
	return b.position()
}

// master asks for a block of the masterchain; the zero block means that the node does not have it.
func (n *Node) master(ctx context.Context, height uint64) (b Block, at pay.Block, err error) {
	var answer Blocks
	err = n.get(ctx, "/blocks", &answer, "workchain", "-1", "shard", masterShard, "seqno", strconv.FormatUint(height, 10))
	if err != nil || len(answer.Blocks) == 0 {
		return b, at, err
	}
	b = answer.Blocks[0]
	if len(answer.Blocks) > 1 || uint64(b.Seqno) != height || n.ours(b) != nil {
		return b, at, fmt.Errorf("%s answers with other blocks for %d", n.Name, height)
	}
	at, err = b.position()
	return b, at, err
}

// ErrTooMany means that an account has more transactions than are read.
var ErrTooMany = errors.New("an account has too many transactions")

// Holding is what an account holds.
type Holding struct {
	Balance *big.Int // nanotons
	Active  bool     // it has a contract
	Data    *Cell    // the contract's; nil for none
}

// Same reports whether h and o are the same.
func (h Holding) Same(o Holding) bool {
	if h.Balance.Cmp(o.Balance) != 0 || h.Active != o.Active || (h.Data == nil) != (o.Data == nil) {
		return false
	}
	return h.Data == nil || bytes.Equal(h.Data.Hash(), o.Data.Hash())
}

// Holding asks what an account holds now.
func (n *Node) Holding(ctx context.Context, a Address) (h Holding, err error) {
	var answer AccountStates
	if err := n.get(ctx, "/accountStates", &answer, "address", a.Raw(), "include_boc", "true"); err != nil {
		return h, err
	}
	if h.Balance = new(big.Int); len(answer.Accounts) == 0 {
		return h, nil
	}
	s := answer.Accounts[0]
	if got, ok := account(&s.Address); !ok || got != a || len(answer.Accounts) > 1 {
		return h, fmt.Errorf("%s answers with other accounts", n.Name)
	}
	if h.Balance, err = units(s.Balance); err != nil {
		return h, fmt.Errorf("%s: balance: %w", n.Name, err)
	}
	if h.Active = s.Status == "active"; !h.Active {
		return h, nil
	}
	if s.Data == nil {
		return h, fmt.Errorf("%s does not say what data an account has", n.Name)
	}
	if h.Data, err = Decode64(*s.Data); err != nil {
		return h, fmt.Errorf("%s: data of an account: %w", n.Name, err)
	}
	return h, nil
}

// History calls f with the transactions of accounts, newest first, until it returns false. It
// fails with ErrTooMany when there are more than pages of them.
func (n *Node) History(ctx context.Context, pages int, f func(Tx) bool, accounts ...Address) error {
	of := map[Address]bool{}
	var query []string
	for _, a := range accounts {
		of[a] = true
		query = append(query, "account", a.Raw())
	}
	for page := range pages {
		var answer Transactions
		if err := n.get(ctx, "/transactions", &answer, append(query, "sort", "desc", "limit", strconv.Itoa(pageSize), "offset", strconv.Itoa(page*pageSize))...); err != nil {
			return err
		}
		for _, t := range answer.Transactions {
			if a, ok := account(&t.Account); !ok || !of[a] {
				return fmt.Errorf("%s answers with transactions of other accounts", n.Name)
			}
			if !f(t) {
				return nil
			}
		}
		if len(answer.Transactions) < pageSize {
			return nil
		}
	}
	return ErrTooMany
}

// Receipt returns the transaction that a message led to; false when there is none yet.
func (n *Node) Receipt(ctx context.Context, m Msg) (t Tx, ok bool, err error) {
	hash, err := hexHash(m.Hash)
	if err != nil {
		return t, false, fmt.Errorf("%s: %w", n.Name, err)
	}
	var answer Transactions
	err = n.get(ctx, "/transactionsByMessage", &answer, "msg_hash", hash, "direction", "in", "limit", "2")
	if err != nil || len(answer.Transactions) == 0 {
		return t, false, err
	}
	if t = answer.Transactions[0]; t.In == nil || t.In.Hash != m.Hash {
		return t, false, fmt.Errorf("%s answers with another message's transaction", n.Name)
	}
	return t, true, nil
}

// run asks a contract's method.
func (n *Node) run(ctx context.Context, a Address, method string, stack ...StackItem) ([]StackItem, error) {
	var answer MethodResult
	if stack == nil {
		stack = []StackItem{}
	}
	if err := n.ask(ctx, http.MethodPost, "/runGetMethod", MethodCall{a.Raw(), method, stack}, &answer); err != nil {
		return nil, err
	}
	if answer.ExitCode != 0 && answer.ExitCode != 1 {
		return nil, NoJetton(fmt.Sprintf("the contract %s has no %s: it ends with %d", a, method, answer.ExitCode))
	}
	return answer.Stack, nil
}

// cell is an item that is a cell or a slice.
func (s StackItem) cell() (*Cell, error) {
	text, ok := s.Value.(string)
	if object, some := s.Value.(map[string]any); some {
		text, ok = object["bytes"].(string)
	}
	if !ok || s.Type != "cell" && s.Type != "slice" {
		return nil, errors.New("not a cell")
	}
	return Decode64(text)
}

// parseHash reads a hash as people paste it: hexadecimal or base64 of either kind.
func parseHash(s string) (string, bool) {
	if b, err := hex.DecodeString(s); err == nil && len(b) == 32 {
		return strings.ToLower(s), true
	}
	h, err := hexHash(strings.NewReplacer("-", "+", "_", "/").Replace(s))
	return h, err == nil
}
