// Command pepay takes crypto payments: it serves the API and the payment page,
// watches the chains, settles and delivers webhooks. See pepay --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

type cli struct {
	Dev      devCommand      `cmd:"" help:"Try everything on this machine: a merchant, a real EVM chain, the API and the payment page, in one process."`
	Devchain devchainCommand `cmd:"" help:"Run the development chain alone."`
	Listen   listenCommand   `cmd:"" help:"Forward events to a program on this machine, as webhooks."`
	Trigger  triggerCommand  `cmd:"" help:"Make an event happen for real on the deployment of pepay dev."`
	Serve    serveCommand    `cmd:"" help:"Serve in production, as set by a configuration file and PEPAY_… environment variables."`
	Migrate  migrateCommand  `cmd:"" help:"Bring the database's schema up to date. Serve does this by itself."`
	Keys     struct {
		Create  keyCreate  `cmd:"" help:"Make an API key for a merchant. It is shown once."`
		List    keyList    `cmd:"" help:"List a merchant's API keys."`
		Revoke  keyRevoke  `cmd:"" help:"Revoke an API key for good."`
		Suspend keySuspend `cmd:"" help:"Refuse requests with an API key until it is resumed."`
		Resume  keyResume  `cmd:"" help:"Let a suspended API key work again."`
	} `cmd:"" help:"API keys."`
	Merchants struct {
		Create merchantCreate `cmd:"" help:"Make a merchant."`
		Payout merchantPayout `cmd:"" help:"Say where the proceeds of a merchant go on a family of networks, the first time."`
	} `cmd:"" help:"Merchants."`
	Members struct {
		Add    memberAdd    `cmd:"" help:"Let a wallet sign in for a merchant, or change its role."`
		List   memberList   `cmd:"" help:"List who may sign in for a merchant."`
		Remove memberRemove `cmd:"" help:"End a membership, and sign the wallet out."`
	} `cmd:"" help:"People who may sign in."`
	MainnetCode struct {
		Create mainnetCodeCreate `cmd:"" help:"Make a code that enables mainnet for a merchant, once. It is shown once."`
	} `cmd:"" help:"Access to mainnet."`
	Refunds struct {
		List refundList `cmd:"" help:"List the refunds of orders that are not paid."`
		Paid refundPaid `cmd:"" help:"Record that a refund was paid by hand."`
	} `cmd:"" help:"Refunds of orders."`
	Seed struct {
		New    seedNew    `cmd:"" help:"Make the seed of the deposit addresses on solana, sui, ton and cardano. Its words are shown once."`
		Import seedImport `cmd:"" help:"Keep a seed whose words come from standard input."`
	} `cmd:"" help:"The seed that deposit keys come from."`
	Addresses struct {
		Generate addressesGenerate `cmd:"" help:"Print deposit addresses, offline, for a server that is not to have the seed."`
		Import   addressesImport   `cmd:"" help:"Store addresses to be given out."`
		Skip     addressesSkip     `cmd:"" help:"After a restore, or with a seed that was used before: leave out the addresses that may be known to payors."`
		Keys     addressesKeys     `cmd:"" help:"Print the public keys that addresses on ton and cardano are made from, and the accounts that pay fees."`
	} `cmd:"" help:"Deposit addresses that are not of the EVM family."`
	Chain struct {
		Deploy chainDeploy `cmd:"" help:"Deploy the deposit factory on a network, at the same address as on every other."`
	} `cmd:"" help:"What is on the chains."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

const about = `Self-hosted crypto payments: invoices, a payment page, settlement straight to the merchant.

  Start here:           pepay dev
  Then in production:   pepay serve --config pepay.toml`

func main() {
	var c cli
	k := kong.Parse(&c, kong.Name("pepay"), kong.Description(about), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for an orderly stop
	k.BindTo(ctx, (*context.Context)(nil))
	err := k.Run()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return // told to stop before it had begun
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("%w; stop what is there, or listen elsewhere (port 0 is any free one)", err)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pepay: "+err.Error())
		os.Exit(1)
	}
}

type versionCommand struct{}

// Run prints the version of the module, or the commit it was built from.
func (versionCommand) Run() error {
	version, commit := "(devel)", ""
	if b, ok := debug.ReadBuildInfo(); ok {
		version = b.Main.Version
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				commit = " " + s.Value
			}
		}
	}
	fmt.Println("pepay " + version + commit)
	return nil
}
