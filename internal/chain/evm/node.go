package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pepay/pepay/internal/pay"
)

const (
	maxBatch   = 100              // most calls in one request
	firstBatch = 10               // calls in the first request to a node
	tries      = 3                // failures in a row after which a node is given up for now
	maxBody    = 32 << 20         // bytes of one answer; Ethereum's blocks are below 10 MiB, which JSON doubles
	firstPause = time.Second      // how long a node is passed over after a fault, doubled with each
	longPause  = 2 * time.Minute  // the longest a node is passed over
	callTime   = 20 * time.Second // for one request, unless Driver.Timeout says otherwise
)

// node is one JSON-RPC endpoint and what we think of it.
type node struct {
	name    string // for logs: the URL may hold a key
	client  *rpc.Client
	chainID uint64
	timeout time.Duration
	now     func() time.Time

	mu      sync.Mutex
	checked bool      // it answered with our chain id since its last fault
	batch   int       // calls that it is thought to take at once
	faults  int       // in the last while
	until   time.Time // when it is asked again
	head    pay.Block // the newest block it claimed
}

func dial(address, name string, chainID uint64, timeout time.Duration, base http.RoundTripper, now func() time.Time) (*node, error) {
	client, err := rpc.DialOptions(context.Background(), address, rpc.WithHTTPClient(&http.Client{
		Transport:     bounded{base},
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}))
	if err != nil {
		return nil, fmt.Errorf("%s: the address is not usable", name)
	}
	return &node{name: name, client: client, chainID: chainID, timeout: timeout, now: now, batch: firstBatch}, nil
}

// bounded is a transport whose answers end with an error at maxBody.
type bounded struct{ http.RoundTripper }

var errTooLarge = fmt.Errorf("the answer is larger than %d bytes", maxBody)

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = &boundedBody{res.Body, maxBody}
	}
	return res, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// call is one question to a node.
type call struct {
	method string
	args   []any
}

// ask puts questions to the node, as many at once as it takes, and returns its
// answers in order. An answer of null is none: it is returned as nil.
func (n *node) ask(ctx context.Context, calls ...call) ([]json.RawMessage, error) {
	if err := n.check(ctx); err != nil {
		return nil, err
	}
	return n.send(ctx, calls)
}

// check makes sure that the node is of our network, again after each fault.
func (n *node) check(ctx context.Context) error {
	n.mu.Lock()
	checked := n.checked
	n.mu.Unlock()
	if checked {
		return nil
	}
	answers, err := n.send(ctx, []call{{"eth_chainId", nil}})
	if err != nil {
		return err
	}
	var id hexutil.Uint64
	if err := decode(answers[0], &id); err != nil {
		return fmt.Errorf("%s: decode its chain id: %w", n.name, err)
	}
	if uint64(id) != n.chainID {
		return fmt.Errorf("%s is a node of chain %d, want %d: it is not used", n.name, uint64(id), n.chainID)
	}
	n.mu.Lock()
	n.checked = true
	n.mu.Unlock()
	return nil
}

func (n *node) send(ctx context.Context, calls []call) (answers []json.RawMessage, err error) {
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
				return nil, fmt.Errorf("%s: %s: %w", n.name, calls[len(answers)].method, err)
			}
			continue
		}
		failed, answers = 0, append(answers, part...)
	}
	return answers, nil
}

func (n *node) request(ctx context.Context, calls []call) ([]json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
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
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("request: %w", e.Err)
	}
	if e, ok := errors.AsType[rpc.Error](err); ok {
		message := e.Error()
		return refusal{e.ErrorCode(), message[:min(len(message), 200)]}
	}
	return err
}

// fault passes the node over for a while, longer each time, until it has done
// without faults for as long as the longest pause. Its claims are forgotten.
func (n *node) fault() {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	if now.Sub(n.until) > longPause {
		n.faults = 0
	}
	n.until = now.Add(min(firstPause<<min(n.faults, 16), longPause))
	n.faults++
	n.checked, n.head = false, pay.Block{}
}

func (n *node) pausedUntil() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.until
}

func (n *node) claim(b pay.Block) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.head = b
}

func (n *node) claimed() pay.Block {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.head
}
