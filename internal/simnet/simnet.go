// Package simnet runs each of the ten networks on this machine, for development and
// tests: go-ethereum for those of the EVM family, and small simulated networks that speak
// the real protocols for the others. Nothing on them is worth anything.
package simnet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"time"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/devchain/fault"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// Options say how networks are run.
type Options struct {
	Every time.Duration // between two blocks; 0 makes them by Mine only
	Seed  uint64        // of chance on the networks and of faults
	Fault int           // how many of a thousand requests to a network's node fail
	Log   *slog.Logger  // of what go-ethereum warns; may be nil
	Now   func() time.Time
}

// Network is one of them, running.
type Network struct {
	app.NetworkOptions        // how a deployment serves it
	Payout             string // an address for a merchant's proceeds, whose key is public
	Fault              *fault.Node
	// Pay pays an address from a wallet that never runs dry, and returns the transaction's
	// name; the next block will hold it.
	Pay func(ctx context.Context, to string, t pay.Token, units money.Units) (tx string, err error)
	// Holds returns what an address has of a token at the head.
	Holds func(ctx context.Context, address string, t pay.Token) (*big.Int, error)
	// Mine makes a block.
	Mine func()
	// Drop replaces the newest block, which holds that payment, by a longer branch that does
	// not.
	Drop func(ctx context.Context, tx string) error

	close []func() error
}

// names are the native coins, the decimals and what a block takes.
var natives = map[pay.NetworkName]struct {
	symbol, name string
	decimals     int
	chain        uint64
}{
	"ethereum": {"ETH", "Ether", 18, 1337}, "base": {"ETH", "Ether", 18, 1338}, "arbitrum": {"ETH", "Ether", 18, 1339}, "optimism": {"ETH", "Ether", 18, 1340},
	"avalanche": {"AVAX", "Avalanche", 18, 1341}, "bsc": {"BNB", "BNB", 18, 1342}, "solana": {"SOL", "Solana", 9, 0}, "ton": {"TON", "Toncoin", 9, 0},
	"sui": {"SUI", "Sui", 9, 0}, "cardano": {"ADA", "Cardano", 6, 0},
}

// Words are those of a seed that everybody knows, for deposit addresses on these networks.
const Words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

// Prices are what the native coins and the dollar are worth here, in dollars.
var Prices = map[string]string{"ETH": "2500", "AVAX": "20", "BNB": "600", "SOL": "150", "TON": "3", "SUI": "2", "ADA": "0.5", "USDC": "1"}

// tokens are the tokens of a network: a dollar of six decimals, and the native coin.
func tokens(n pay.NetworkName, dollar string, kind pay.TokenType) []pay.Token {
	id := int64(10)
	for _, other := range pay.Networks {
		if other == n {
			break
		}
		id += 10
	}
	native := natives[n]
	return []pay.Token{
		{ID: id, Network: n, Environment: pay.Devnet, Symbol: "DUSDC", Name: "Devnet USDC", Type: kind, Address: dollar, Decimals: 6, Stable: true, Price: "USDC"},
		{ID: id + 1, Network: n, Environment: pay.Devnet, Symbol: native.symbol, Name: native.name, Type: pay.Native, Decimals: native.decimals, Price: native.symbol, Buffer: 50},
	}
}

// Start runs a network. It must be closed.
func Start(ctx context.Context, name pay.NetworkName, o Options) (n *Network, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	n = &Network{}
	n.Network = pay.Network{Name: name, Environment: pay.Devnet, ChainID: natives[name].chain, Confirmations: 1, BlockTime: o.Every, Simulated: name.Family() != pay.EVM}
	if o.Every == 0 {
		n.BlockTime = 100 * time.Millisecond
	}
	n.Poll = n.BlockTime / 4
	switch name.Family() {
	case pay.Solana:
		err = n.solana(o)
	case pay.Sui:
		err = n.sui(o)
	case pay.TON:
		err = n.ton(o)
	case pay.Cardano:
		err = n.cardano(o)
	case pay.EVM:
		err = n.evm(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("simulate %s: %w", name, err), n.Close())
	}
	return n, nil
}

// Close ends the network.
func (n *Network) Close() (err error) {
	for _, c := range n.close {
		err = errors.Join(err, c())
	}
	return err
}

// run makes blocks until the network is closed.
func (n *Network) run(every time.Duration, f func(context.Context, time.Duration)) {
	if every == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { f(ctx, every); close(done) }()
	n.close = append(n.close, func() error { cancel(); <-done; return nil })
}

// serve answers for the network's node on loopback, and badly as often as the options say.
func (n *Network) serve(node http.Handler, o Options) error {
	n.Fault = fault.New(node, o.Seed, o.Fault)
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: n.Fault, ReadHeaderTimeout: 10 * time.Second, Protocols: new(http.Protocols)}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = s.Serve(l) }()
	n.close = append(n.close, s.Close)
	n.RPC = []string{"http://" + l.Addr().String()}
	return nil
}
