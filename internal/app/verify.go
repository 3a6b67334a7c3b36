package app

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/pay"
)

// startTimeout is how long a node may take for what it is asked at the start.
const startTimeout = 15 * time.Second

// verify checks that each node that answers is on the right chain, and on the first that
// answers to the end that the factory is ours; and that the tokens are what they are taken
// for. The log says which nodes were silent.
func (a *App) verify(ctx context.Context, n NetworkOptions, nodes []*ethclient.Client) error {
	ids, errs := make([]*big.Int, len(nodes)), make([]error, len(nodes))
	var asked sync.WaitGroup
	for i, c := range nodes {
		asked.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, startTimeout)
			defer cancel()
			ids[i], errs[i] = c.ChainID(ctx)
		})
	}
	asked.Wait()
	for i, id := range ids {
		if errs[i] == nil && id.Cmp(new(big.Int).SetUint64(n.ChainID)) != 0 {
			return fmt.Errorf("node %d of %s is on chain %s; this network is chain %d", i+1, n.Name, id, n.ChainID)
		}
	}
	sound, err := false, errors.New("no rpc is configured")
	for i, c := range nodes {
		silent := errs[i]
		if silent == nil && !sound {
			var wrong error
			if silent, wrong = verifyNode(ctx, n, c); wrong != nil {
				return wrong
			}
			sound = silent == nil
		}
		if silent != nil {
			a.Log.WarnContext(ctx, "a node does not answer at the start", "network", n.Name, "node", i+1, "err", bare(silent))
			err = fmt.Errorf("no node answers: %w", bare(silent))
		}
	}
	if !sound {
		return err
	}
	return verifyTokens(ctx, n, nodes)
}

// verifyNode checks the factory and the finality on one node. It is silent when it does not
// say, and wrong when it does and it is not what we need.
func verifyNode(ctx context.Context, n NetworkOptions, c *ethclient.Client) (silent, wrong error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err := contracts.Verify(ctx, c)
	switch {
	case errors.Is(err, contracts.ErrUnread):
		return err, nil
	case errors.Is(err, contracts.ErrAbsent):
		return nil, fmt.Errorf("%w; deploy the factory with: pepay chain deploy", err)
	case err != nil:
		return nil, err
	}
	return verifyFinality(ctx, n.Network, c), nil
}

// The calls of ERC-20 that a token is known by.
var (
	callDecimals = common.FromHex("0x313ce567")
	callSymbol   = common.FromHex("0x95d89b41")
)

// verifyTokens makes sure that each contract is a token with the decimals and the symbol
// that the configuration says: of another one a payment would be worth another amount, or
// nothing. A node that does not answer is not a wrong token: the next one is asked.
func verifyTokens(ctx context.Context, n NetworkOptions, nodes []*ethclient.Client) error {
	for _, t := range n.Tokens {
		if t.Type != pay.ERC20 {
			continue
		}
		at := common.HexToAddress(t.Address)
		raw, err := read(ctx, nodes, at, callDecimals)
		if err != nil {
			return fmt.Errorf("read the decimals of %s: %w", t.Symbol, err)
		}
		wrong := func(what, is, want, change string) error {
			return fmt.Errorf("the contract of %s at %s answers with %s %s, and not %s; %s", t.Symbol, t.Address, what, is, want, change)
		}
		if len(raw) != 32 {
			return fmt.Errorf("there is no token at %s, the contract of %s; correct its address in tokens, or chain", t.Address, t.Symbol)
		}
		if d := new(big.Int).SetBytes(raw); d.Cmp(big.NewInt(int64(t.Decimals))) != 0 {
			return wrong("the decimals", d.String(), fmt.Sprint(t.Decimals), "correct the decimals or the address in tokens")
		}
		if raw, err = read(ctx, nodes, at, callSymbol); err != nil {
			return fmt.Errorf("read the symbol of %s: %w", t.Symbol, err)
		}
		if s := text(raw); s != t.Written() {
			return wrong("the symbol", fmt.Sprintf("%.32q", s), fmt.Sprintf("%q", t.Written()), "correct the address in tokens or, if it is the right one, add spelled= and the symbol that it answers with")
		}
	}
	return nil
}

// read calls a contract on the first node that answers. A contract that fails has said
// nothing.
func read(ctx context.Context, nodes []*ethclient.Client, at common.Address, data []byte) (out []byte, err error) {
	for _, c := range nodes {
		call, cancel := context.WithTimeout(ctx, startTimeout)
		out, err = c.CallContract(call, ethereum.CallMsg{To: &at, Data: data}, nil)
		if cancel(); err == nil {
			return out, nil
		}
		if e, answered := errors.AsType[rpc.Error](err); answered && reverted(e) {
			return nil, nil
		}
	}
	return nil, fmt.Errorf("no node answers: %w", bare(err))
}

// reverted reports whether an error is the contract's and not the node's: the code that
// nodes have for it, or what those say that have none.
func reverted(err rpc.Error) bool {
	return err.ErrorCode() == 3 || strings.Contains(err.Error(), "revert") || strings.Contains(err.Error(), "invalid opcode")
}

// text reads a string that a contract returns; some old ones return 32 bytes instead.
func text(raw []byte) string {
	if len(raw) >= 64 && new(big.Int).SetBytes(raw[:32]).Cmp(big.NewInt(32)) == 0 {
		if n := new(big.Int).SetBytes(raw[32:64]); n.IsUint64() && n.Uint64() <= uint64(len(raw)-64) {
			raw = raw[64 : 64+n.Uint64()]
		}
	}
	s := strings.TrimRight(string(raw), "\x00")
	if !utf8.ValidString(s) {
		return ""
	}
	return s
}

// verifyFinality makes sure that a node knows the block tag that makes deposits count: with
// one that does not, none ever would.
func verifyFinality(ctx context.Context, n pay.Network, c *ethclient.Client) error {
	tag, ok := map[pay.Finality]rpc.BlockNumber{pay.Safe: rpc.SafeBlockNumber, pay.Finalized: rpc.FinalizedBlockNumber}[n.Finality]
	if !ok {
		return nil
	}
	if _, err := c.HeaderByNumber(ctx, big.NewInt(tag.Int64())); err != nil {
		return fmt.Errorf("the node does not tell which block is %s: %w; set networks.%s.confirmations instead, or use another node", n.Finality, bare(err), n.Name)
	}
	return nil
}
