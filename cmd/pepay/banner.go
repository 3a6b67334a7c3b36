package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
)

// banner tells how to use a development deployment, with a payment page to open.
func banner(ctx context.Context, w io.Writer, a *app.App, f *devFile, path string) {
	fmt.Fprintf(w, `
  Pepay is running. Money here is worthless; play.

    API             %s/api/v1
    Dashboard       %s
    Merchant key    %s
    Commerce key    %s
    %s
    For scripts     %s

  Make an invoice:

    curl -s %s/api/v1/invoices -H 'x-api-key: %s' \
      -H "Idempotency-Key: $(uuidgen 2>/dev/null || cat /proc/sys/kernel/random/uuid)" -H 'Content-Type: application/json' \
      -d '{"amount_usd": 25.50, "description": "Two bags of coffee"}'

  Or pay one now:

    %s

  Ctrl-C stops it; started again, it %s.

`, f.BaseURL, f.DashboardURL, f.MerchantAPIKey, f.CommerceAPIKey, f.chains(), path,
		f.BaseURL, f.MerchantAPIKey, sample(ctx, a, f), f.again())
}

// chains is the line about the networks.
func (f *devFile) chains() string {
	if len(f.Chains) == 1 {
		return fmt.Sprintf("Chain           %s  (id %d, one block a second)", f.Chains[0].RPCURL, f.Chains[0].ChainID)
	}
	simulated := 0
	for _, c := range f.Chains {
		if c.Simulated {
			simulated++
		}
	}
	return fmt.Sprintf("Networks        %d, of which %d are simulated; one block a second", len(f.Chains), simulated)
}

func (f *devFile) again() string {
	if len(f.Chains) == 1 {
		return "goes on where it was"
	}
	return "begins anew"
}

// sample makes an invoice and returns its payment page.
func sample(ctx context.Context, a *app.App, f *devFile) string {
	c, err := a.Billing.ByKey(ctx, f.MerchantAPIKey)
	if err != nil {
		return "(no invoice: " + err.Error() + ")"
	}
	amount, text := api.Number("25.50"), "Two bags of coffee"
	b, err := a.Billing.Open(ctx, c, api.CreateInvoiceRequest{AmountUSD: &amount, Description: &text}, billing.Once{Key: "sample-" + app.RandomID(), Hash: "sample"})
	var made api.CreatedInvoice
	if err == nil {
		err = json.Unmarshal(b, &made)
	}
	if err != nil {
		return "(no invoice: " + err.Error() + ")"
	}
	return made.PaymentURL
}
