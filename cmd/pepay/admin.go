package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"text/tabwriter"
	"time"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

type databaseFlag struct {
	Database string `help:"postgres://… or the path of an SQLite file." env:"PEPAY_DATABASE" default:"pepay.db"`
}

// with opens the database for one command.
func (d databaseFlag) with(ctx context.Context, f func(*billing.Billing) error) error {
	s, err := store.Open(ctx, store.Options{URL: d.Database, Now: time.Now, Rand: rand.Reader})
	if err != nil {
		return err
	}
	err = f(&billing.Billing{Store: s, Wallets: app.Wallets()})
	if e, ok := errors.AsType[*pay.Error](err); ok { // its code is meant for callers of the API
		if err = errors.New(e.Message); e.Code == pay.CodeNotFound && s.Engine() == "sqlite" {
			err = fmt.Errorf("%w in %s; --database or PEPAY_DATABASE names another database", err, d.Database)
		}
	}
	return errors.Join(err, s.Close())
}

type migrateCommand struct{ databaseFlag }

// Run brings the schema up to date.
func (c migrateCommand) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		fmt.Println("The schema of the " + b.Store.Engine() + " database is up to date.")
		return nil
	})
}

type merchantCreate struct {
	databaseFlag
	Name      string                `required:"" help:"What payors see."`
	Email     string                `help:"Where payors can reach the merchant."`
	Payout    string                `help:"The EVM address that settlements go to. Deposits can go nowhere else." placeholder:"0x…"`
	Payouts   map[pay.Family]string `help:"Where settlements go on other families of networks: solana, ton, sui or cardano." placeholder:"solana=…"`
	ReturnURL string                `help:"Where payors go after they paid, unless an invoice says otherwise." placeholder:"https://…"`
}

// Run makes a merchant and prints its id.
func (c merchantCreate) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		payouts := map[pay.Family]string{}
		maps.Copy(payouts, c.Payouts)
		if c.Payout != "" {
			payouts[pay.EVM] = c.Payout
		}
		m, err := b.AddMerchant(ctx, pay.Merchant{Name: c.Name, Email: c.Email, Environment: pay.Mainnet, ReturnURL: c.ReturnURL}, payouts)
		if err != nil {
			return err
		}
		fmt.Printf("Merchant %d, %s.\n", m.ID, m.Name)
		if len(payouts) == 0 {
			fmt.Printf("Nobody can pay it yet. Say where its proceeds go:  pepay merchants payout --merchant %d --payouts evm=0x…\n", m.ID)
		}
		fmt.Printf("Next, make it a key:  pepay keys create --merchant %d\n", m.ID)
		return nil
	})
}

type merchantPayout struct {
	databaseFlag
	Merchant int64                 `required:"" help:"The merchant's id."`
	Payouts  map[pay.Family]string `required:"" help:"Where settlements go on a family of networks: evm, solana, ton, sui or cardano." placeholder:"solana=…"`
}

// Run says where a merchant's proceeds go, where nobody has said so yet.
func (c merchantPayout) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		if err := b.AddPayouts(ctx, c.Merchant, c.Payouts); err != nil {
			return err
		}
		fmt.Printf("Merchant %d can be paid there now.\n", c.Merchant)
		return nil
	})
}

type keyCreate struct {
	databaseFlag
	Merchant    int64         `required:"" help:"The merchant's id."`
	Name        string        `help:"What the key is for." default:"server"`
	Scope       string        `help:"merchant or commerce." enum:"merchant,commerce" default:"merchant"`
	Environment string        `help:"mainnet or devnet." enum:"mainnet,devnet" default:"mainnet"`
	Life        time.Duration `help:"How long it is good for, such as 2160h; 0 for ever." default:"0"`
}

// Run makes a key and prints its secret, the only time.
func (c keyCreate) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		k, secret, err := b.AddKey(ctx, c.Merchant, c.Name, pay.Scope(c.Scope), pay.Environment(c.Environment), c.Life)
		if err != nil {
			return err
		}
		fmt.Printf("%s\n", secret)
		fmt.Fprintf(os.Stderr, "Key %s of merchant %d. The line above is shown only now; send it as the x-api-key header.\n", k.ID, k.MerchantID)
		return nil
	})
}

type keyList struct {
	databaseFlag
	Merchant int64 `required:"" help:"The merchant's id."`
}

// Run prints a merchant's keys, without their secrets.
func (c keyList) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		keys, err := b.Keys(ctx, c.Merchant)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return pay.Errorf(pay.CodeNotFound, "There are no keys of a merchant %d", c.Merchant)
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "KEY\tNAME\tSCOPE\tENVIRONMENT\tSTATUS\tCREATED")
		for _, k := range keys {
			status := k.Status()
			if !k.Usable(time.Now()) {
				status = "revoked or expired"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Scope, k.Environment, status, k.CreatedAt.Format(time.DateTime))
		}
		return w.Flush()
	})
}

type keyRevoke struct {
	databaseFlag
	Key string `arg:"" help:"The key's id, from pepay keys list."`
}

// Run revokes a key.
func (c keyRevoke) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		if err := b.RevokeKey(ctx, c.Key); err != nil {
			return err
		}
		fmt.Println("Revoked. Requests with it are refused from now on.")
		return nil
	})
}

type keySuspend struct {
	databaseFlag
	Key string `arg:"" help:"The key's id, from pepay keys list."`
}

// Run suspends a key.
func (c keySuspend) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		if err := b.SuspendKey(ctx, c.Key); err != nil {
			return err
		}
		fmt.Println("Suspended. Requests with it are refused until: pepay keys resume " + c.Key)
		return nil
	})
}

type keyResume struct {
	databaseFlag
	Key string `arg:"" help:"The key's id, from pepay keys list."`
}

// Run lets a suspended key work again.
func (c keyResume) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		if err := b.ResumeKey(ctx, c.Key); err != nil {
			return err
		}
		fmt.Println("Resumed.")
		return nil
	})
}
