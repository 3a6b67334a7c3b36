package sui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/chain/node"
)

// Node is one full node, or what speaks like one.
type Node struct {
	*node.State
	url    string
	header http.Header
	client *http.Client
	chain  string
}

// transport speaks HTTP/2, as gRPC does: over TLS, or in clear to an http:// address.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP2(true)
	t.Protocols.SetUnencryptedHTTP2(true)
	return t
}

// Dial returns the nodes at addresses, which are https://host:port or http://host:port; one
// that asks for a key in a header is https://header-name:key@host:port. Nothing is sent
// yet. Before its first answer counts, each node is asked whether it is of the chain. A nil
// transport speaks HTTP/2; the timeout is for one call, 0 for 20 seconds.
func Dial(name, chain string, addresses []string, t http.RoundTripper, timeout time.Duration) (nodes []*Node, err error) {
	if t == nil {
		t = transport()
	}
	client := node.HTTPClient(t, timeout)
	for i, address := range addresses {
		n := &Node{State: &node.State{Name: fmt.Sprintf("%s node %d", name, i+1)}, client: client, chain: chain}
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("%s: the address is not usable", n.Name)
		}
		n.header = http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}}
		if key, ok := u.User.Password(); ok {
			n.header.Set(u.User.Username(), key)
		}
		u.User = nil
		n.url = strings.TrimSuffix(u.String(), "/")
		nodes = append(nodes, n)
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("%s has no nodes", name)
	}
	return nodes, nil
}

// The methods of sui.rpc.v2 that are called.
const (
	GetServiceInfo      = "LedgerService/GetServiceInfo"
	GetCheckpoint       = "LedgerService/GetCheckpoint"
	GetTransaction      = "LedgerService/GetTransaction"
	GetEpoch            = "LedgerService/GetEpoch"
	BatchGetObjects     = "LedgerService/BatchGetObjects"
	GetCoinInfo         = "StateService/GetCoinInfo"
	GetBalance          = "StateService/GetBalance"
	ListOwnedObjects    = "StateService/ListOwnedObjects"
	SimulateTransaction = "TransactionExecutionService/SimulateTransaction"
	ExecuteTransaction  = "TransactionExecutionService/ExecuteTransaction"
)

// Prefix is what the path of every method begins with.
const Prefix = "/sui.rpc.v2."

// Call calls a method and returns the answer. It fails with a Refusal when the node would
// not, and without a call when the node is of another chain.
func (n *Node) Call(ctx context.Context, method string, request Fields) (Message, error) {
	if err := n.Check(ctx, func(ctx context.Context) error {
		m, err := n.call(ctx, GetServiceInfo, nil)
		if err != nil {
			return err
		}
		if chain := m.Text(1); chain != n.chain {
			return fmt.Errorf("%s is a node of chain %.50q, want %q: it is not used", n.Name, chain, n.chain)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return n.call(ctx, method, request)
}

func (n *Node) call(ctx context.Context, method string, request Fields) (Message, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url+Prefix+method, bytes.NewReader(Frame(request)))
	if err != nil {
		return nil, fmt.Errorf("%s: the address is not usable", n.Name)
	}
	r.Header = n.header.Clone()
	res, err := n.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", n.Name, method, node.Clean(err))
	}
	defer func() { _ = res.Body.Close() }()
	m, err := answer(res)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", n.Name, method, err)
	}
	return m, nil
}

// Refused reports whether an error is a node's refusal with one of the codes.
func Refused(err error, codes ...int) bool {
	r, ok := errors.AsType[Refusal](err)
	for _, c := range codes {
		if ok && r.Code == c {
			return true
		}
	}
	return false
}
