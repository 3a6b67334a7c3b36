package settle

import (
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
)

// Account sends transactions on one EVM network. A relayer's holds gas and nothing else;
// a refund wallet's holds dollars, too.
type Account struct {
	Network pay.Network
	Key     *ecdsa.PrivateKey
	Nodes   []*ethclient.Client // best first; one that is at fault is passed over for a while
	MaxFee  *big.Int            // most wei for a unit of gas; never exceeded
	Log     *slog.Logger
	Now     func() time.Time // the clock that pauses, block times and relays are held against
	Meter   *meter.Meter     // may be nil
	purse   purse
	once    sync.Once
	nodes   *node.Pool[asked]
	newest  atomic.Uint64 // the block that two nodes had when last asked
}

var (
	errFeeCap  = errors.New("the network's fee is above the configured cap")
	errRefused = errors.New("a node says that the transaction would fail")
	// ErrNoGas means that the account cannot pay for its next transaction.
	ErrNoGas = errors.New("the account holds too little for gas")
)

// maxGas is the most that a transaction may have on most networks (EIP-7825).
const maxGas = 1 << 24

// patience is how long a transaction may wait before it is sent for a better fee.
func (a *Account) patience() time.Duration { return max(3*a.Network.BlockTime, 30*time.Second) }

// address is the account's.
func (a *Account) address() common.Address { return crypto.PubkeyToAddress(a.Key.PublicKey) }

// prepare signs a call of a contract, under the account's next nonce, or a later one if
// the caller knows better. Nothing is sent.
func (a *Account) prepare(ctx context.Context, to common.Address, data []byte, least uint64) (nonce uint64, s pay.RelaySend, err error) {
	from := a.address()
	nonce, err = ask(ctx, a, func(ctx context.Context, c *ethclient.Client) (uint64, error) { return c.NonceAt(ctx, from, nil) })
	if err != nil {
		return 0, s, fmt.Errorf("read the account's nonce: %w", err)
	}
	nonce = max(nonce, least)
	gas, err := ask(ctx, a, func(ctx context.Context, c *ethclient.Client) (uint64, error) {
		return c.EstimateGas(ctx, ethereum.CallMsg{From: from, To: &to, Data: data})
	})
	if answered(err) {
		return 0, s, fmt.Errorf("%w: %w", errRefused, err)
	}
	if err != nil {
		return 0, s, fmt.Errorf("estimate gas: %w", err)
	}
	gas = min(gas+gas/4+50_000, max(gas, maxGas)) // what failed in the estimate may succeed when it counts
	tip, fee, err := a.fees(ctx)
	if err != nil {
		return 0, s, err
	}
	s, err = a.sign(&types.DynamicFeeTx{
		ChainID: new(big.Int).SetUint64(a.Network.ChainID), Nonce: nonce, GasTipCap: tip, GasFeeCap: fee, Gas: gas, To: &to, Data: data,
	})
	if err != nil {
		return 0, s, err
	}
	apart, err := a.apart(ctx, s, gas)
	if err != nil {
		return 0, s, err
	}
	need := new(big.Int).Mul(fee, new(big.Int).SetUint64(gas))
	need.Add(need, apart)
	have, err := a.balance(ctx)
	if err != nil {
		return 0, s, err
	}
	if a.purse.needs(need, have); a.Shortage() != "" {
		return 0, pay.RelaySend{}, fmt.Errorf("%w: %s has %s wei and needs %s; send it some", ErrNoGas, from.Hex(), have, need)
	}
	return nonce, s, nil
}

// fees returns what to pay for a unit of gas: room for the base fee to double.
func (a *Account) fees(ctx context.Context) (tip, fee *big.Int, err error) {
	if tip, err = ask(ctx, a, func(ctx context.Context, c *ethclient.Client) (*big.Int, error) { return c.SuggestGasTipCap(ctx) }); err != nil {
		return nil, nil, fmt.Errorf("ask for the tip: %w", err)
	}
	head, err := ask(ctx, a, func(ctx context.Context, c *ethclient.Client) (*types.Header, error) {
		return c.HeaderByNumber(ctx, nil)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the head: %w", err)
	}
	base := head.BaseFee
	if base == nil {
		base = new(big.Int)
	}
	if fee = new(big.Int).Add(tip, new(big.Int).Lsh(base, 1)); fee.Cmp(a.MaxFee) > 0 {
		fee = a.MaxFee
	}
	if new(big.Int).Add(base, tip).Cmp(a.MaxFee) > 0 {
		return nil, nil, errFeeCap
	}
	return tip, fee, nil
}

func (a *Account) sign(tx *types.DynamicFeeTx) (pay.RelaySend, error) {
	signed, err := types.SignNewTx(a.Key, types.LatestSignerForChainID(tx.ChainID), tx)
	if err != nil {
		return pay.RelaySend{}, fmt.Errorf("sign: %w", err)
	}
	raw, err := signed.MarshalBinary()
	return pay.RelaySend{TxHash: signed.Hash().Hex(), Raw: hex.EncodeToString(raw)}, err
}

// bump signs the same transaction for a fee at least an eighth better, which is
// what nodes ask of a replacement.
func (a *Account) bump(ctx context.Context, last pay.RelaySend) (pay.RelaySend, error) {
	old, err := decode(last)
	if err != nil {
		return pay.RelaySend{}, err
	}
	tip, fee, err := a.fees(ctx)
	if err != nil {
		return pay.RelaySend{}, err
	}
	tip, fee = atLeast(tip, better(old.GasTipCap())), atLeast(fee, better(old.GasFeeCap()))
	if fee.Cmp(a.MaxFee) > 0 {
		return pay.RelaySend{}, errFeeCap
	}
	return a.sign(&types.DynamicFeeTx{
		ChainID: old.ChainId(), Nonce: old.Nonce(), GasTipCap: tip, GasFeeCap: fee, Gas: old.Gas(), To: old.To(), Data: old.Data(),
	})
}

func better(n *big.Int) *big.Int {
	n = new(big.Int).Add(n, new(big.Int).Rsh(n, 3))
	return n.Add(n, big.NewInt(1))
}

func atLeast(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return b
	}
	return a
}

// sender returns whose transaction it is: an account's key may have been changed since.
func sender(s pay.RelaySend) (common.Address, error) {
	tx, err := decode(s)
	if err != nil {
		return common.Address{}, fmt.Errorf("a stored transaction cannot be read: %w", err)
	}
	return types.Sender(types.LatestSignerForChainID(tx.ChainId()), tx)
}

func decode(s pay.RelaySend) (*types.Transaction, error) {
	raw, err := hex.DecodeString(s.Raw)
	if err != nil {
		return nil, err
	}
	tx := new(types.Transaction)
	return tx, tx.UnmarshalBinary(raw)
}

// send broadcasts the newest form of a transaction to every node that is not passed over.
// Whether it worked is not taken from the answer: fate finds out from the chain.
func (a *Account) send(ctx context.Context, sends []pay.RelaySend) {
	tx, err := decode(sends[len(sends)-1])
	if err != nil {
		a.Log.ErrorContext(ctx, "a stored transaction cannot be read", "network", a.Network.Name, "err", err)
		return
	}
	var done sync.WaitGroup
	nodes := a.pool()
	for _, n := range nodes.Ready() {
		done.Go(func() {
			call, cancel := context.WithTimeout(ctx, callTimeout)
			defer cancel()
			err := n.SendTransaction(call, tx)
			if err == nil || strings.Contains(err.Error(), "already known") {
				return
			}
			if err = node.Clean(err); !answered(err) {
				nodes.Blame(ctx, n, err)
			}
			a.Log.WarnContext(ctx, "a node did not take a transaction; it will be sent again", "network", a.Network.Name, "tx", tx.Hash().Hex(), "err", err)
		})
	}
	done.Wait()
}

// again sends a waiting transaction once more. When it has waited long, next is one for
// a better fee, under the same nonce, so that only one of them can ever be mined: the
// caller writes it down and then sends it.
func (a *Account) again(ctx context.Context, sends []pay.RelaySend, now time.Time) (next pay.RelaySend, some bool, err error) {
	last := sends[len(sends)-1]
	if now.Sub(last.At) > a.patience() {
		switch next, err = a.bump(ctx, last); {
		case errors.Is(err, errFeeCap):
			a.Log.WarnContext(ctx, "a transaction waits: its fee is at the cap", "network", a.Network.Name, "tx", last.TxHash)
		case err != nil:
			return next, false, err
		default:
			next.At = now
			return next, true, nil
		}
	}
	a.send(ctx, sends)
	return next, false, nil
}
