package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
)

type walletFlag struct {
	Merchant int64  `required:"" help:"The merchant's id."`
	Wallet   string `required:"" help:"The address of the person's wallet, on Ethereum or Solana." placeholder:"0x…"`
}

func (f walletFlag) parse(b *billing.Billing) (pay.Wallet, error) {
	kind := pay.SolanaWallet
	if strings.HasPrefix(f.Wallet, "0x") {
		kind = pay.EthereumWallet
	}
	return b.Wallet(string(kind), f.Wallet)
}

type memberAdd struct {
	databaseFlag
	walletFlag
	Role string `required:"" enum:"owner,developer,viewer" help:"owner, developer or viewer: see docs/access.md."`
}

// Run lets a wallet sign in for a merchant.
func (c memberAdd) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		w, err := c.parse(b)
		if err != nil {
			return err
		}
		if err := b.SaveMember(ctx, c.Merchant, w, pay.Role(c.Role)); err != nil {
			return err
		}
		fmt.Printf("%s is %s of merchant %d.\n", w.Address, c.Role, c.Merchant)
		return nil
	})
}

type memberList struct {
	databaseFlag
	Merchant int64 `required:"" help:"The merchant's id."`
}

// Run prints who may sign in for a merchant.
func (c memberList) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		members, err := b.Members(ctx, c.Merchant)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "WALLET\tTYPE\tROLE\tSINCE")
		for _, m := range members {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.Wallet.Address, m.Wallet.Type, m.Role, m.CreatedAt.Format(time.DateTime))
		}
		return w.Flush()
	})
}

type memberRemove struct {
	databaseFlag
	walletFlag
}

// Run ends a membership.
func (c memberRemove) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		w, err := c.parse(b)
		if err != nil {
			return err
		}
		if err := b.RemoveMember(ctx, c.Merchant, w); err != nil {
			return err
		}
		fmt.Println("Removed, and signed out everywhere.")
		return nil
	})
}

type mainnetCodeCreate struct {
	databaseFlag
	Merchant int64 `required:"" help:"The merchant's id."`
}

// Run prints a code that enables mainnet for a merchant, the only time.
func (c mainnetCodeCreate) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		code, err := b.AddMainnetCode(ctx, c.Merchant)
		if err != nil {
			return err
		}
		fmt.Println(code)
		fmt.Fprintf(os.Stderr, "The line above is shown only now. Merchant %d can enable mainnet with it, once.\n", c.Merchant)
		return nil
	})
}
