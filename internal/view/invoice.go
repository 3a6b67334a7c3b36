package view

import (
	"encoding/json"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// Invoice renders an invoice.
func Invoice(i pay.Invoice) api.Invoice {
	return api.Invoice{
		Object: "invoice", ID: i.ID, MerchantID: i.MerchantID, Status: string(i.Status), InvoiceType: string(i.Type), Currency: "usd",
		Amount: int64(i.Amount), AmountDecimal: i.Amount.String(), AmountPaid: int64(i.Paid), AmountPaidDecimal: i.Paid.String(),
		AmountRemaining: int64(i.Remaining()), AmountRemainingDecimal: i.Remaining().String(), AmountUnit: "usd_millis",
		CustomerID: orNull(i.CustomerID), PayerWalletAddress: orNull(i.PayerAddress), PayerWalletNetwork: orNull(i.PayerNetwork),
		CommerceOrderID: orNull(i.OrderID), Environment: string(i.Environment),
		ExpiresAt: seconds(i.ExpiresAt), CreatedAt: seconds(i.CreatedAt), PaidAt: seconds(i.PaidAt), LastPaymentAt: seconds(i.LastPaymentAt),
		Metadata: json.RawMessage(i.Metadata),
	}
}

// Expand says which related objects an invoice carries.
type Expand struct {
	Latest   bool
	Payments int // at most this many, 0 for none
}

// Expanded renders an invoice with the payments asked for; ps are in the chain's
// order and are shown newest first.
func Expanded(i pay.Invoice, ps []api.Payment, e Expand) api.Invoice {
	v := Invoice(i)
	if e.Latest {
		v.LatestPayment = json.RawMessage("null")
		if len(ps) > 0 {
			v.LatestPayment = JSON(ps[len(ps)-1])
		}
	}
	if e.Payments > 0 {
		newest := make([]api.Payment, 0, len(ps))
		for n := len(ps) - 1; n >= 0 && len(newest) < e.Payments; n-- {
			newest = append(newest, ps[n])
		}
		l := List(newest, len(ps) > len(newest))
		v.Payments = &l
	}
	return v
}

// InvoiceStatus renders what a merchant polls.
func InvoiceStatus(i pay.Invoice, ps []api.Payment) api.InvoiceStatus {
	v := api.InvoiceStatus{Object: "invoice_status", Invoice: Invoice(i)}
	if len(ps) > 0 {
		v.LatestPayment = &ps[len(ps)-1]
	}
	return v
}

// InvoiceTotals renders the sums by state: always all buckets, and their sum.
func InvoiceTotals(ts []pay.InvoiceTotal) api.InvoiceTotals {
	v := api.InvoiceTotals{Object: "invoice_totals", Currency: "usd", AmountUnit: "usd_millis", Totals: map[string]api.Total{}}
	for _, s := range pay.InvoiceStatuses {
		v.Totals[string(s)] = total(0, 0)
	}
	var sum money.USD
	var count int64
	for _, t := range ts {
		v.Totals[string(t.Status)] = total(t.Amount, t.Count)
		sum, count = sum.Add(t.Amount), count+t.Count
	}
	v.Totals["all"] = total(sum, count)
	return v
}

func total(a money.USD, count int64) api.Total {
	return api.Total{Amount: int64(a), AmountDecimal: a.String(), Count: count}
}
