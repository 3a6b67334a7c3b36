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
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
)

// Relayer sends transactions on one EVM network from an account that holds gas and
// nothing else.
type Relayer struct {
	Network pay.Network
	Key     *ecdsa.PrivateKey
	Nodes   []*ethclient.Client // asked in order until one answers; all are sent to
	MaxFee  *big.Int            // most wei for a unit of gas; never exceeded
	Log     *slog.Logger
	Meter   *meter.Meter // may be nil
	purse   purse
}

var (
	errFeeCap = errors.New("the network's fee is above the configured cap")
	// ErrNoGas means that the relayer's account cannot pay for the next settlement.
	ErrNoGas = errors.New("the relayer's account holds too little for gas")
)

// callTimeout bounds each question to a node.
const callTimeout = 15 * time.Second

// patience is how long a transaction may wait before it is sent for a better fee.
func (r *Relayer) patience() time.Duration { return max(3*r.Network.BlockTime, 30*time.Second) }

// ask puts a question to the nodes until one answers.
func ask[T any](ctx context.Context, r *Relayer, f func(context.Context, *ethclient.Client) (T, error)) (v T, err error) {
	for n, c := range r.Nodes {
		call, cancel := context.WithTimeout(ctx, callTimeout)
		v, err = f(call, c)
		if cancel(); err == nil || notFound(err) {
			return v, err
		}
		if _, answered := errors.AsType[rpc.Error](err); !answered && ctx.Err() == nil {
			r.Meter.RPCError(string(r.Network.Name), n+1)
		}
	}
	return v, err
}

// prepare signs a transaction that does what the relay says. Nothing is sent.
func (r *Relayer) prepare(ctx context.Context, l pay.Relay) (pay.Relay, error) {
	from, data := crypto.PubkeyToAddress(r.Key.PublicKey), contracts.PackSweep(items(l.Sweeps))
	nonce, err := ask(ctx, r, func(ctx context.Context, c *ethclient.Client) (uint64, error) { return c.NonceAt(ctx, from, nil) })
	if err != nil {
		return l, fmt.Errorf("read the relayer's nonce: %w", err)
	}
	gas, err := ask(ctx, r, func(ctx context.Context, c *ethclient.Client) (uint64, error) {
		return c.EstimateGas(ctx, ethereum.CallMsg{From: from, To: &contracts.Factory, Data: data})
	})
	if err != nil {
		return l, fmt.Errorf("estimate gas: %w", err)
	}
	gas += gas/4 + 50_000 // an item that failed in the estimate may succeed when it counts
	tip, fee, err := r.fees(ctx)
	if err != nil {
		return l, err
	}
	need := new(big.Int).Mul(fee, new(big.Int).SetUint64(gas))
	have, err := r.balance(ctx)
	if err != nil {
		return l, err
	}
	if r.purse.needs(need, have); r.outOfGas() {
		return l, fmt.Errorf("%w: %s has %s wei and needs %s; send it some", ErrNoGas, from.Hex(), have, need)
	}
	l.Nonce = nonce
	send, err := r.sign(&types.DynamicFeeTx{
		ChainID: new(big.Int).SetUint64(r.Network.ChainID), Nonce: nonce, GasTipCap: tip, GasFeeCap: fee, Gas: gas, To: &contracts.Factory, Data: data,
	})
	l.Sends = []pay.RelaySend{send}
	return l, err
}

func items(sweeps []pay.SweepItem) []contracts.Item {
	all := make([]contracts.Item, len(sweeps))
	for n, s := range sweeps {
		all[n] = contracts.Item{Receiver: common.HexToAddress(s.Receiver), Salt: common.HexToHash(s.Salt), Token: common.HexToAddress(s.Token)}
	}
	return all
}

// fees returns what to pay for a unit of gas: room for the base fee to double.
func (r *Relayer) fees(ctx context.Context) (tip, fee *big.Int, err error) {
	if tip, err = ask(ctx, r, func(ctx context.Context, c *ethclient.Client) (*big.Int, error) { return c.SuggestGasTipCap(ctx) }); err != nil {
		return nil, nil, fmt.Errorf("ask for the tip: %w", err)
	}
	head, err := ask(ctx, r, func(ctx context.Context, c *ethclient.Client) (*types.Header, error) {
		return c.HeaderByNumber(ctx, nil)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the head: %w", err)
	}
	base := head.BaseFee
	if base == nil {
		base = new(big.Int)
	}
	if fee = new(big.Int).Add(tip, new(big.Int).Lsh(base, 1)); fee.Cmp(r.MaxFee) > 0 {
		fee = r.MaxFee
	}
	if new(big.Int).Add(base, tip).Cmp(r.MaxFee) > 0 {
		return nil, nil, errFeeCap
	}
	return tip, fee, nil
}

func (r *Relayer) sign(tx *types.DynamicFeeTx) (pay.RelaySend, error) {
	signed, err := types.SignNewTx(r.Key, types.LatestSignerForChainID(tx.ChainID), tx)
	if err != nil {
		return pay.RelaySend{}, fmt.Errorf("sign: %w", err)
	}
	raw, err := signed.MarshalBinary()
	return pay.RelaySend{TxHash: signed.Hash().Hex(), Raw: hex.EncodeToString(raw)}, err
}

// bump signs the same transaction for a fee at least an eighth better, which is
// what nodes ask of a replacement.
func (r *Relayer) bump(ctx context.Context, last pay.RelaySend) (pay.RelaySend, error) {
	old, err := decode(last)
	if err != nil {
		return pay.RelaySend{}, err
	}
	tip, fee, err := r.fees(ctx)
	if err != nil {
		return pay.RelaySend{}, err
	}
	tip, fee = atLeast(tip, better(old.GasTipCap())), atLeast(fee, better(old.GasFeeCap()))
	if fee.Cmp(r.MaxFee) > 0 {
		return pay.RelaySend{}, errFeeCap
	}
	return r.sign(&types.DynamicFeeTx{
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

func decode(s pay.RelaySend) (*types.Transaction, error) {
	raw, err := hex.DecodeString(s.Raw)
	if err != nil {
		return nil, err
	}
	tx := new(types.Transaction)
	return tx, tx.UnmarshalBinary(raw)
}

// send broadcasts the newest form of a relay to every node. Whether it worked is
// not taken from the answer: reconcile finds out from the chain.
func (r *Relayer) send(ctx context.Context, l pay.Relay) {
	tx, err := decode(l.Sends[len(l.Sends)-1])
	if err != nil {
		r.Log.ErrorContext(ctx, "a stored transaction cannot be read", "relay", l.ID, "err", err)
		return
	}
	for _, c := range r.Nodes {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		err := c.SendTransaction(ctx, tx)
		if cancel(); err != nil && !strings.Contains(err.Error(), "already known") {
			r.Log.WarnContext(ctx, "a node did not take a settlement; it will be sent again", "network", l.Network, "tx", tx.Hash().Hex(), "err", err)
		}
	}
}
