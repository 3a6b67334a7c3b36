package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/chain/evm"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
	"github.com/pepay/pepay/internal/store"
)

// EVMWallets is what billing knows of addresses on EVM networks.
var EVMWallets = billing.Wallets{
	Canonical: canonical,
	Deposit: func(receiver string, salt [32]byte) (string, error) {
		if !common.IsHexAddress(receiver) {
			return "", fmt.Errorf("the receiver %q is not an address", receiver)
		}
		return contracts.DepositAddress(common.HexToAddress(receiver), salt).Hex(), nil
	},
	Ours:  []string{contracts.Factory.Hex(), contracts.Forwarder.Hex(), contracts.DeploymentProxy.Hex()},
	URI:   evmURI,
	Links: evmLinks,
}

// canonical returns an EVM address with the checksum of EIP-55. One that is written
// in mixed case must carry the right one: it protects against a mistyped address.
func canonical(s string) (string, error) {
	if !common.IsHexAddress(s) || !strings.HasPrefix(s, "0x") {
		return "", errors.New("must be an address: 0x and 40 hexadecimal digits")
	}
	a := common.HexToAddress(s)
	if a == (common.Address{}) {
		return "", errors.New("must not be the zero address")
	}
	if digits := s[2:]; digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) && s != a.Hex() {
		return "", errors.New("is mistyped: its checksum (EIP-55) does not fit")
	}
	return a.Hex(), nil
}

// watching is a network's watcher and whether it is this process's duty to run it.
type watching struct {
	network pay.Network
	watcher *chain.Watcher
	active  atomic.Bool
}

// evm makes what reads an EVM network and what settles on it. It refuses a chain that is
// not the one configured, or on which our addresses would not be what we take them for.
func (a *App) evm(ctx context.Context, n NetworkOptions) (chain.Driver, settle.Mover, error) {
	r := &settle.Account{Network: n.Network, Key: n.Relayer, MaxFee: n.MaxFee, Log: a.Log, Now: a.Now, Meter: a.meter}
	for _, url := range n.RPC {
		c, err := rpc.DialOptions(ctx, url, rpc.WithHTTPClient(httpClient(n.HTTP)))
		if err != nil {
			return nil, nil, fmt.Errorf("rpc: %w", bare(err))
		}
		r.Nodes = append(r.Nodes, ethclient.NewClient(c))
	}
	if err := a.verify(ctx, n, r.Nodes); err != nil {
		return nil, nil, err
	}
	if a.Billing.Contract == nil { // the first network's chain id is in what wallets sign
		a.Billing.Contract = contractWallet(r.Nodes)
	}
	if n.Refund.Key != nil {
		a.refunds(ctx, n, r.Nodes)
	}
	d := &evm.Driver{
		Nodes: n.RPC, Network: n.Name, ChainID: n.ChainID, Factory: contracts.Factory, Log: a.Log, Now: a.Now, HTTP: n.HTTP, Meter: a.meter,
	}
	for _, t := range n.Tokens {
		if t.Type == pay.ERC20 {
			d.Tokens = append(d.Tokens, common.HexToAddress(t.Address))
		}
	}
	if n.Relayer == nil {
		return d, nil, nil
	}
	return d, settle.Relayer{Account: r}, nil
}

// watch starts to follow a network that was opened, and the account that pays for
// settlements on it.
func (a *App) watch(ctx context.Context, n NetworkOptions) error {
	if m, ok := a.settler.Movers[n.Name]; ok {
		a.running.Go(func() { a.look(ctx, n.Name, m.Look) })
	}
	w := &watching{network: n.Network, watcher: &chain.Watcher{
		Driver: a.Billing.Chains[n.Name], Book: &billing.Book{Billing: a.Billing, Network: n.Network}, Confirmations: n.Confirmations, Finality: n.Finality,
		Batch: max(64, uint64(catchUp/n.BlockTime)), Probes: 256, Log: a.Log, Now: a.Now,
		Network: n.Name, Trace: a.tracer,
	}}
	// Before anybody is given an address, it must be known from where on the chain is
	// read: what is paid before the first step would not be found.
	if _, final, err := w.watcher.Book.Position(ctx); err != nil || final.Hash == "" {
		if err == nil {
			_, err = w.watcher.Step(ctx)
		}
		if err != nil {
			return fmt.Errorf("begin to watch: %w", err)
		}
	}
	// In development blocks come when somebody makes them: an old one is nothing wrong.
	w.network.Simulated = n.Simulated || a.Dev || n.ChainID == pay.Devchain.ChainID
	a.watchers = append(a.watchers, w)
	poll := n.Poll
	if poll == 0 { // a network may be quicker than it is sensible to ask
		poll = max(n.BlockTime/2, leastPoll)
	}
	a.running.Go(func() { a.hold(ctx, w, poll) })
	return nil
}

// How blocks are followed: the time between two questions for the newest, and how much of
// the chain one step takes when there is something to catch up with.
const (
	leastPoll = 500 * time.Millisecond
	catchUp   = time.Minute
)

// hold runs a watcher whenever this process has its network's lease: one process at
// a time moves a network on, however many there are.
func (a *App) hold(ctx context.Context, w *watching, poll time.Duration) {
	name, holder := "watch "+string(w.network.Name), RandomID()
	leased := func() bool {
		var mine bool
		err := a.Store.Write(ctx, func(tx *store.Tx) (err error) {
			mine, err = tx.Lease(name, holder, tx.Now().Add(a.Lease))
			return err
		})
		return err == nil && mine
	}
	for ctx.Err() == nil {
		if leased() {
			a.whileLeased(ctx, w, poll, leased)
		}
		pause(ctx, a.Lease/8)
	}
	_ = a.Store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.Unlease(name, holder) }) // else it ends by itself
}

// whileLeased runs a watcher until its lease cannot be renewed or ctx ends.
func (a *App) whileLeased(ctx context.Context, w *watching, poll time.Duration, leased func() bool) {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { w.watcher.Run(ctx, poll); close(done) }()
	w.active.Store(true)
	for pause(ctx, a.Lease/8); ctx.Err() == nil && leased(); pause(ctx, a.Lease/8) {
	}
	stop()
	<-done
	w.active.Store(false)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
