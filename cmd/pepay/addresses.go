package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

type addressesGenerate struct {
	seedFlags
	Network string `arg:"" help:"solana or sui." enum:"solana,sui"`
	From    uint32 `help:"The first place; go on after the last one that was generated." default:"1"`
	Count   uint32 `help:"How many." default:"1000"`
}

// Run prints deposit addresses of a seed, each with its place. It needs no network and no
// database: run it where the seed is.
func (c addressesGenerate) Run() error {
	s, err := c.open()
	if err != nil {
		return err
	}
	address, err := app.Addresses(pay.NetworkName(c.Network), s)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(os.Stdout)
	for n := range c.Count {
		if n > 0 && n%1000 == 0 {
			fmt.Fprintf(os.Stderr, "\r%d of %d", n, c.Count)
		}
		fmt.Fprintf(w, "%d,%s\n", c.From+n, address(c.From+n))
	}
	fmt.Fprintf(os.Stderr, "\rThe next time, begin with --from %d.\n", c.From+c.Count)
	return w.Flush()
}

type addressesImport struct {
	databaseFlag
	Network string   `arg:"" help:"solana or sui." enum:"solana,sui"`
	File    *os.File `arg:"" help:"What pepay addresses generate printed; - for standard input."`
}

type addressesSkip struct {
	databaseFlag
	Places uint32 `help:"How many places to leave out: more than were given out since the backup." default:"100000"`
}

// Run leaves out places that may have been given out already.
func (c addressesSkip) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		last, err := b.SkipAddresses(ctx, c.Places)
		if err != nil {
			return err
		}
		for _, n := range slices.Sorted(maps.Keys(last)) {
			fmt.Printf("%-8s the next address is of place %d\n", n, last[n]+1)
		}
		fmt.Println("The pools are empty. A process with the seed fills them at its start; what was generated offline begins at these places:\n  pepay addresses generate --from …")
		return nil
	})
}

// importChunk is how many addresses are stored in one unit.
const importChunk = 500

// Run stores addresses to be given out. Those that are known are left as they are.
func (c addressesImport) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		n, lines, added := pay.NetworkName(c.Network), bufio.NewScanner(c.File), 0
		for line := 1; ; {
			var part []store.Pooled
			for len(part) < importChunk && lines.Scan() {
				p, err := parsePooled(b.Wallets[n.Family()], lines.Text())
				if err != nil {
					return fmt.Errorf("line %d: %w; %d addresses of the lines before were added", line, err, added)
				}
				part, line = append(part, p), line+1
			}
			if err := lines.Err(); err != nil {
				return err
			}
			if len(part) == 0 {
				fmt.Printf("%d addresses were added, %d were known.\n", added, line-1-added)
				return nil
			}
			fresh, err := b.AddPooled(ctx, n, part)
			if err != nil {
				return err
			}
			added += fresh
		}
	})
}

func parsePooled(w billing.Wallets, line string) (p store.Pooled, err error) {
	place, address, ok := strings.Cut(strings.TrimSpace(line), ",")
	index, err := strconv.ParseUint(place, 10, 31)
	if !ok || err != nil {
		return p, errors.New("must be a place, a comma and an address")
	}
	if p.Address, err = w.Canonical(address); err != nil {
		return p, fmt.Errorf("the address %w", err)
	}
	p.Index = uint32(index)
	return p, nil
}

type addressesKeys struct{ seedFlags }

// Run prints what a server without the seed needs, and the accounts that pay fees.
func (c addressesKeys) Run() error {
	s, err := c.open()
	if err != nil {
		return err
	}
	return printKeys(os.Stdout, func(n pay.NetworkName) (string, bool) { return app.PublicKey(n, s) },
		func(n pay.NetworkName) string {
			l, _ := pay.Listed(n, pay.Mainnet)
			return app.FeePayer(l.Network, s)
		})
}

func printKeys(w io.Writer, public func(pay.NetworkName) (string, bool), payer func(pay.NetworkName) string) error {
	fmt.Fprintln(w, "# For servers without the seed: deposit addresses are made from these, and nothing can be spent with them.")
	for _, n := range pay.Networks {
		if key, ok := public(n); ok {
			fmt.Fprintf(w, "# in [networks.%s]:\npublic_key = %q\n", n, key)
		}
	}
	fmt.Fprintln(w, "\n# The accounts that pay the fees of settlements: send each some native coin, and nothing else.")
	for _, n := range pay.Networks {
		if to := payer(n); to != "" {
			fmt.Fprintf(w, "# %-8s %s\n", n, to)
		}
	}
	return nil
}
