package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/commerce"
)

type refundList struct{ databaseFlag }

// Run prints the refunds that are not paid.
func (c refundList) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		fs, err := (&commerce.Commerce{Store: b.Store, Billing: b}).Refunds(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "ORDER\tMERCHANT\tENVIRONMENT\tUSD\tDESTINATION ON BSC\tSTATE\tWHY")
		for _, f := range fs {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", f.OrderID, f.MerchantID, f.Environment, f.Amount.Cents(), cmp.Or(f.Destination, "nobody has named one"), f.State, f.Reason)
		}
		return w.Flush()
	})
}

type refundPaid struct {
	databaseFlag
	Order       string `arg:"" help:"The order's id, from pepay refunds list."`
	Transaction string `arg:"" help:"The hash of the transaction on BSC that paid it." placeholder:"0x…"`
}

// Run records a refund that was paid by hand.
func (c refundPaid) Run(ctx context.Context) error {
	return c.with(ctx, func(b *billing.Billing) error {
		if err := (&commerce.Commerce{Store: b.Store, Billing: b}).PaidByHand(ctx, c.Order, c.Transaction); err != nil {
			return err
		}
		fmt.Println("Recorded. The order's refund is COMPLETED, and its merchant is told.")
		return nil
	})
}
