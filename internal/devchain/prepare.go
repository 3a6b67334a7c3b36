package devchain

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/contracts"
)

// Prepare makes a development chain that runs elsewhere fit for use: it deploys what is missing of deployment proxy,
// factory and dollar, gives the funder 1,000,000 DUSDC if it has none, and Relayer 10 coins if it has less than one.
// The funder pays: if it has nothing at all, or less than 20 coins while there is something to pay for, Prepare asks the
// node for more in anvil's manner. Doing it again changes nothing. It waits for the chain's blocks, a minute at most.
func Prepare(ctx context.Context, client *ethclient.Client, funder *ecdsa.PrivateKey) (dollar common.Address, err error) {
	if err := prepare(ctx, client, funder, func() {}); err != nil {
		return common.Address{}, fmt.Errorf("prepare the development chain: %w", err)
	}
	return contracts.TestDollar, nil
}

// prepare calls mine whenever it waits for transactions.
func prepare(ctx context.Context, client *ethclient.Client, funder *ecdsa.PrivateKey, mine func()) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	id, err := client.ChainID(ctx)
	if err != nil {
		return fmt.Errorf("read the chain id: %w", err)
	}
	s := &sender{client: client, key: funder, from: address(funder), chainID: id, mine: mine}
	if err := s.fund(ctx, big.NewInt(1)); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.deployProxy, s.deployFactory, s.deployDollar, s.give} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return contracts.Verify(ctx, client)
}

// Deploy deploys what is missing of deployment proxy and factory on any EVM chain, paid for by the key's account, which
// must have the coin. It waits for the chain's blocks, ten minutes at most, and checks what it deployed.
func Deploy(ctx context.Context, client *ethclient.Client, key *ecdsa.PrivateKey) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	id, err := client.ChainID(ctx)
	if err != nil {
		return fmt.Errorf("read the chain id: %w", err)
	}
	s := &sender{client: client, key: key, from: address(key), chainID: id, mine: func() {}, funded: true}
	if err := s.deployProxy(ctx); err != nil {
		return err
	}
	if err := s.deployFactory(ctx); err != nil {
		return err
	}
	return contracts.Verify(ctx, client)
}

// sender sends transactions of one account and waits for them in groups.
type sender struct {
	client  *ethclient.Client
	key     *ecdsa.PrivateKey
	from    common.Address
	chainID *big.Int
	mine    func()
	funded  bool          // enough for everything there is to pay for
	sent    []common.Hash // waited for next
}

// fund sees to it that the account has at least that much wei.
func (s *sender) fund(ctx context.Context, least *big.Int) error {
	has, err := s.client.BalanceAt(ctx, s.from, nil)
	if err != nil {
		return fmt.Errorf("read the balance of %s: %w", s.from, err)
	}
	if has.Cmp(least) >= 0 {
		return nil
	}
	err = s.client.Client().CallContext(ctx, nil, "anvil_setBalance", s.from, (*hexutil.Big)(coins(1_000_000)))
	if err != nil {
		return fmt.Errorf("account %s has too little coin on chain %s: send it 20 coins from an account that has them, "+
			"or use a node that knows anvil_setBalance (this one: %w)", s.from, s.chainID, err)
	}
	return nil
}

func (s *sender) deployProxy(ctx context.Context) error {
	if there, err := s.exists(ctx, contracts.DeploymentProxy); there || err != nil {
		return err
	}
	// Its sender has no key, so the coin must come first.
	if err := s.send(ctx, contracts.DeploymentTxSender, contracts.DeploymentTxCost(), nil); err != nil {
		return err
	}
	if err := s.wait(ctx); err != nil {
		return err
	}
	var tx types.Transaction
	if err := tx.UnmarshalBinary(contracts.DeploymentTx()); err != nil {
		return err
	}
	if err := s.client.SendTransaction(ctx, &tx); err != nil {
		return fmt.Errorf("deploy the deterministic deployment proxy (the node must allow transactions without a chain id): %w", err)
	}
	s.sent = append(s.sent, tx.Hash())
	return s.wait(ctx)
}

func (s *sender) deployFactory(ctx context.Context) error {
	return s.deploy(ctx, contracts.Factory, contracts.FactoryDeployData())
}

func (s *sender) deployDollar(ctx context.Context) error {
	return s.deploy(ctx, contracts.TestDollar, contracts.TestDollarDeployData())
}

func (s *sender) deploy(ctx context.Context, at common.Address, data []byte) error {
	if there, err := s.exists(ctx, at); there || err != nil {
		return err
	}
	if err := s.send(ctx, contracts.DeploymentProxy, nil, data); err != nil {
		return err
	}
	return s.wait(ctx)
}

func (s *sender) give(ctx context.Context) error {
	has, err := contracts.BalanceOf(ctx, s.client, contracts.TestDollar, s.from)
	if err == nil && has.Sign() == 0 {
		err = s.send(ctx, contracts.TestDollar, nil, contracts.PackMint(s.from, big.NewInt(1_000_000e6)))
	}
	if err != nil {
		return err
	}
	if has, err = s.client.BalanceAt(ctx, address(relayer), nil); err != nil {
		return fmt.Errorf("read the relayer's balance: %w", err)
	}
	if has.Cmp(coins(1)) < 0 {
		if err := s.send(ctx, address(relayer), coins(10), nil); err != nil {
			return err
		}
	}
	return s.wait(ctx)
}

func (s *sender) exists(ctx context.Context, at common.Address) (bool, error) {
	code, err := s.client.CodeAt(ctx, at, nil)
	if err != nil {
		return false, fmt.Errorf("read the code at %s: %w", at, err)
	}
	return len(code) > 0, nil
}

func (s *sender) send(ctx context.Context, to common.Address, wei *big.Int, data []byte) error {
	if !s.funded {
		if err := s.fund(ctx, coins(20)); err != nil {
			return err
		}
		s.funded = true
	}
	tx, err := s.sign(ctx, to, wei, data)
	if err == nil {
		err = s.client.SendTransaction(ctx, tx)
	}
	if err != nil {
		return fmt.Errorf("send a transaction to %s: %w", to, err)
	}
	s.sent = append(s.sent, tx.Hash())
	return nil
}

func (s *sender) sign(ctx context.Context, to common.Address, wei *big.Int, data []byte) (*types.Transaction, error) {
	nonce, err := s.client.PendingNonceAt(ctx, s.from)
	if err != nil {
		return nil, err
	}
	price, err := s.client.SuggestGasPrice(ctx)
	if err != nil {
		return nil, err
	}
	gas, err := s.client.EstimateGas(ctx, ethereum.CallMsg{From: s.from, To: &to, Value: wei, Data: data})
	if err != nil {
		return nil, err
	}
	return types.SignNewTx(s.key, types.LatestSignerForChainID(s.chainID), &types.LegacyTx{
		Nonce: nonce, To: &to, Value: wei, Data: data, Gas: gas, GasPrice: price.Lsh(price, 1), // the base fee may rise
	})
}

// wait returns when all that was sent is mined and has succeeded.
func (s *sender) wait(ctx context.Context) error {
	if len(s.sent) == 0 {
		return nil
	}
	s.mine()
	for _, hash := range s.sent {
		if err := s.waitFor(ctx, hash); err != nil {
			return err
		}
	}
	s.sent = nil
	return nil
}

func (s *sender) waitFor(ctx context.Context, hash common.Hash) error {
	for {
		r, err := s.client.TransactionReceipt(ctx, hash)
		switch {
		case err == nil && r.Status == types.ReceiptStatusSuccessful:
			return nil
		case err == nil:
			return fmt.Errorf("transaction %s reverted", hash)
		}
		// Not found, or a node that is still busy indexing: either may pass.
		select {
		case <-ctx.Done():
			return fmt.Errorf("transaction %s is not mined: %w", hash, errors.Join(ctx.Err(), err))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
