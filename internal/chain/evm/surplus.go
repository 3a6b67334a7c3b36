package evm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// Surplus implements chain.Prober. Each call begins with another node, so that
// one which understates balances hides nothing for long. Where no node can prove
// a balance, nothing is reported, and the log says so once.
func (d *Driver) Surplus(ctx context.Context, at pay.Block, probes []pay.Probe) ([]pay.Deposit, error) {
	pool, err := d.ready()
	if err != nil {
		return nil, err
	}
	nodes := pool.Ready()
	d.mu.Lock()
	turn := d.turn
	d.turn++
	d.mu.Unlock()
	var errs []error
	for i := range nodes {
		n := nodes[(turn+i)%len(nodes)]
		ds, err := d.surplus(ctx, n, at, probes)
		if err == nil {
			return ds, nil
		}
		if _, refused := errors.AsType[refusal](err); refused { // it has no such state, or gives no proofs: that is no fault
			d.noProofs(ctx, n, err)
			continue
		}
		pool.Blame(ctx, n, err)
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (d *Driver) noProofs(ctx context.Context, n *endpoint, err error) {
	d.mu.Lock()
	known := d.proofs[n.Name]
	d.proofs[n.Name] = true
	d.mu.Unlock()
	if !known {
		d.Log.WarnContext(ctx, "node cannot prove balances: it shows no native deposits made from within contracts", "node", n.Name, "error", err)
	}
}

func (d *Driver) surplus(ctx context.Context, n *endpoint, at pay.Block, probes []pay.Probe) (ds []pay.Deposit, err error) {
	var block any = map[string]string{"blockHash": at.Hash} // EIP-1898
	balances := func() (calls []call) {
		for _, p := range probes {
			calls = append(calls, call{"eth_getBalance", []any{p.Address, block}})
		}
		return calls
	}
	answers, err := n.ask(ctx, append(balances(), call{"eth_getBlockByHash", []any{at.Hash, false}})...)
	if err != nil {
		return nil, err
	}
	header, err := parseHeader(answers[len(probes)])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	if !header.position().Is(at) {
		return nil, fmt.Errorf("%s answers with block %s for %s", n.Name, header.hash, at.Hash)
	}
	if header.settled != nil { // its state is that of another, which the proof holds the node to
		block = *header.settled
		if answers, err = n.ask(ctx, balances()...); err != nil {
			return nil, err
		}
	}
	var above []call
	var about []pay.Probe
	for i, p := range probes {
		var balance hexutil.Big
		if err := decode(answers[i], &balance); err != nil {
			return nil, fmt.Errorf("%s: decode the balance of %s: %w", n.Name, p.Address, err)
		}
		if money.NewUnits((*big.Int)(&balance)).Cmp(p.Expected) > 0 {
			above = append(above, call{"eth_getProof", []any{p.Address, []string{}, block}})
			about = append(about, p)
		}
	}
	if len(above) == 0 {
		return nil, nil
	}
	if answers, err = n.ask(ctx, above...); err != nil {
		return nil, err
	}
	for i, p := range about {
		balance, err := provenBalance(answers[i], header.header.Root, common.HexToAddress(p.Address))
		if err != nil {
			return nil, fmt.Errorf("%s: balance of %s: %w", n.Name, p.Address, err)
		}
		if units, more := money.NewUnits(balance).Sub(p.Expected); more && !units.IsZero() {
			ds = append(ds, pay.Deposit{
				Network: d.Network, TxHash: "balance:" + at.Hash + ":" + p.Address, Index: pay.IndexSurplus,
				Block: at, Address: p.Address, Units: units,
			})
		}
	}
	return ds, nil
}

// provenBalance reads an account's balance from a node's proof against a state
// root. An account that is proven not to exist has none.
func provenBalance(raw json.RawMessage, root common.Hash, a common.Address) (*big.Int, error) {
	var proof struct{ AccountProof []hexutil.Bytes }
	if err := decode(raw, &proof); err != nil {
		return nil, fmt.Errorf("decode a proof: %w", err)
	}
	nodes := memorydb.New()
	for _, n := range proof.AccountProof {
		if err := nodes.Put(crypto.Keccak256(n), n); err != nil {
			return nil, fmt.Errorf("keep a proof: %w", err)
		}
	}
	account, err := trie.VerifyProof(root, crypto.Keccak256(a[:]), nodes)
	if err != nil {
		return nil, fmt.Errorf("verify a proof: %w", err)
	}
	if len(account) == 0 {
		return new(big.Int), nil
	}
	// The balance is the second field on every network; what follows differs.
	s := rlp.NewStream(bytes.NewReader(account), uint64(len(account)))
	var nonce uint64
	balance := new(big.Int)
	if _, err = s.List(); err == nil {
		if nonce, err = s.Uint64(); err == nil {
			err = s.Decode(balance)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("decode an account with nonce %d: %w", nonce, err)
	}
	return balance, nil
}

// decode reads an answer that must not be null.
func decode(raw json.RawMessage, into any) error {
	if raw == nil {
		return errors.New("no answer")
	}
	return json.Unmarshal(raw, into)
}
