package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/seed"
	"github.com/pepay/pepay/internal/simnet"
)

// all serves the ten networks. Simulated ones live as long as the process does, so what an
// earlier one has written down about them is forgotten.
func (c devCommand) all(ctx context.Context, log *slog.Logger) error {
	if c.Devchain != "" {
		return errors.New("--devchain is for --networks one")
	}
	c.DataDir = filepath.Join(c.DataDir, "all")
	release, err := anew(c.DataDir)
	if err != nil {
		return err
	}
	defer func() { _ = release() }()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails: crypto/rand ends the program instead
	o, f := c.options(secret, log), &devFile{}
	if o.Seed, err = seed.New(simnet.Words); err != nil {
		return err
	}
	running, payouts := map[pay.NetworkName]*simnet.Network{}, map[pay.Family]string{}
	defer func() {
		var all sync.WaitGroup
		for _, n := range running {
			all.Go(func() { _ = n.Close() }) // it holds nothing
		}
		all.Wait()
	}()
	for i, name := range pay.Networks {
		fmt.Fprintf(os.Stderr, "\rstarting network %d of %d: %-10s", i+1, len(pay.Networks), name)
		n, err := simnet.Start(ctx, name, simnet.Options{Every: time.Second, Seed: 1})
		if err != nil {
			return err
		}
		running[name] = n
		if to := app.FeePayer(n.Network, o.Seed); to != "" {
			if _, err := n.Pay(ctx, to, n.Tokens[1], money.NewUnits(big.NewInt(100e9))); err != nil {
				return err
			}
		}
		one := devChain{Network: string(name), RPCURL: n.RPC[0], ChainID: n.ChainID, Simulated: n.Simulated}
		if payouts[name.Family()] = n.Payout; name.Family() == pay.EVM {
			f.SettlementAddress, one.PayerPrivateKey = n.Payout, hexutil.Encode(crypto.FromECDSA(devchain.Payer()))
		}
		o.Networks, f.Chains = append(o.Networks, n.NetworkOptions), append(f.Chains, one)
	}
	fmt.Fprintln(os.Stderr)
	o.TestWallet = func(ctx context.Context, a billing.Allocation) (string, error) {
		if a.Quote.ID == "" {
			return "", errNoQuote
		}
		return running[a.Token.Network].Pay(ctx, a.Address.Address, a.Token, a.Quote.Units)
	}
	return f.run(ctx, filepath.Join(c.DataDir, "dev.json"), o, payouts)
}

// anew makes a directory ready for a start that begins anew, and takes it for this process
// until it is let go. It deletes only what an earlier start has written, and nothing in a
// directory that is not ours or is in use.
func anew(dir string) (release func() error, err error) {
	const lockName = "dev.lock"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(found) > 0 && !slices.ContainsFunc(found, func(e fs.DirEntry) bool { return e.Name() == lockName || e.Name() == "dev.json" }) {
		return nil, fmt.Errorf("%s holds files that are not of pepay dev; move them away, or name another --data-dir", dir)
	}
	release, err = app.Take(filepath.Join(dir, lockName))
	if errors.Is(err, app.ErrTaken) {
		return nil, fmt.Errorf("%s is in use by another pepay dev; stop that first, or name another --data-dir", dir)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"pepay.db", "pepay.db-wal", "pepay.db-shm", "pepay.db.lock", "dev.json"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(err, release())
		}
	}
	return release, nil
}
