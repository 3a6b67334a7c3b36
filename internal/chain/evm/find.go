package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/pepay/pepay/internal/chain"
)

var _ chain.Finder = (*Driver)(nil)

// A question for logs covers logsSpan blocks, which most nodes allow, or for a node that
// refuses that a tenth, and a tenth again: some allow ten. maxQuestions bounds how many
// there are, so that a network of quick blocks on such a node costs an error, not an hour.
const (
	logsSpan     = 1000
	leastSpan    = 10
	maxQuestions = 5000
)

var txHash = regexp.MustCompile(`^0x[0-9a-f]{64}$`)

// Find implements chain.Finder. The first node that knows the transaction answers.
func (d *Driver) Find(ctx context.Context, hash string) (p chain.Place, ok bool, err error) {
	if !txHash.MatchString(hash) {
		return p, false, nil
	}
	nodes, err := d.ready()
	if err != nil {
		return p, false, err
	}
	var errs []error
	answered := false
	for _, n := range nodes.Ready() {
		answers, err := n.ask(ctx, call{"eth_getTransactionReceipt", []any{hash}}, call{"eth_getTransactionByHash", []any{hash}})
		if err != nil {
			nodes.Blame(ctx, n, err)
			errs = append(errs, err)
			continue
		}
		if answers[0] == nil && answers[1] == nil {
			answered = true
			continue
		}
		if answers[0] == nil {
			return chain.Place{}, true, nil
		}
		var r struct {
			BlockNumber hexutil.Uint64
			receipt
		}
		if err := json.Unmarshal(answers[0], &r); err != nil {
			errs = append(errs, fmt.Errorf("%s: decode a receipt: %w", n.Name, err))
			continue
		}
		at, err := n.settling(ctx, uint64(r.BlockNumber))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		return chain.Place{Mined: at > 0, Height: at, Failed: at > 0 && !r.succeeded()}, true, nil
	}
	if !answered && len(errs) > 0 {
		return p, false, errors.Join(errs...)
	}
	return p, false, nil
}

// Mentions implements chain.Finder: it asks for the logs of the tokens that are taken.
// Native coins leave none; their addresses are probed.
func (d *Driver) Mentions(ctx context.Context, addresses []string, from, to uint64) ([]uint64, error) {
	if len(d.Tokens) == 0 || len(addresses) == 0 {
		return nil, nil
	}
	nodes, err := d.ready()
	if err != nil {
		return nil, err
	}
	topics := make([]common.Hash, len(addresses))
	for i, a := range addresses {
		topics[i] = common.BytesToHash(common.HexToAddress(a).Bytes())
	}
	questions := func(span uint64) (calls []call) {
		for at := from; at <= to; at += span {
			calls = append(calls, call{"eth_getLogs", []any{map[string]any{
				"fromBlock": hexutil.EncodeUint64(at), "toBlock": hexutil.EncodeUint64(min(to, at+span-1)),
				"address": d.Tokens, "topics": []any{transferTopic, nil, topics},
			}}})
		}
		return calls
	}
	var errs []error
	for _, n := range nodes.Ready() {
		heights, err := n.mentions(ctx, questions(logsSpan), from, to)
		for span := uint64(logsSpan / 10); isRefusal(err) && span >= leastSpan && (to-from)/span < maxQuestions; span /= 10 {
			heights, err = n.mentions(ctx, questions(span), from, to)
		}
		if err == nil {
			heights, err = n.settled(ctx, heights, to)
		}
		if err == nil {
			return heights, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// settled turns heights of blocks into those as of which a scan tells what is in them.
func (n *endpoint) settled(ctx context.Context, heights []uint64, to uint64) (out []uint64, err error) {
	for _, h := range heights {
		at, err := n.settling(ctx, h)
		if err != nil {
			return nil, err
		}
		if at > 0 && at <= to {
			out = append(out, at)
		}
	}
	return slices.Compact(out), nil
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[refusal](err)
	return ok
}

func (n *endpoint) mentions(ctx context.Context, calls []call, from, to uint64) (heights []uint64, err error) {
	answers, err := n.ask(ctx, calls...)
	if err != nil {
		return nil, err
	}
	for _, raw := range answers {
		var logs []struct{ BlockNumber hexutil.Uint64 }
		if err := decode(raw, &logs); err != nil {
			return nil, fmt.Errorf("%s: decode logs: %w", n.Name, err)
		}
		for _, l := range logs {
			if h := uint64(l.BlockNumber); h >= from && h <= to {
				heights = append(heights, h)
			}
		}
	}
	slices.Sort(heights)
	return slices.Compact(heights), nil
}
