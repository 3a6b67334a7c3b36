package view

import (
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// Payment renders a payment. The registry tells its token and its network's
// confirmations.
func Payment(p pay.Payment, r *pay.Registry) api.Payment {
	t, _ := r.Token(p.TokenID)
	n, _ := r.Network(p.Network)
	v := api.Payment{
		Object: "invoice_payment", ID: p.ID, InvoiceID: p.InvoiceID, MerchantID: p.MerchantID, Status: string(p.Status), StatusReason: orNull(p.Reason),
		SettlementStatus: string(pay.SettlementPending), Environment: string(p.Environment),
		Currency: "usd", Amount: int64(p.Amount), AmountDecimal: p.Amount.String(), AmountUnit: "usd_millis",
		Network: string(p.Network), ExpectedNetwork: orNull(string(p.Expected)), SupportedTokenID: p.TokenID, TokenSymbol: t.Symbol, TokenAddress: orNull(p.Token), TokenDecimals: t.Decimals, TokenAmount: p.Units.Decimal(t.Decimals),
		PaymentAddress: p.Address, PayerWalletAddress: orNull(p.From), TxHash: p.TxHash, BlockNumber: p.Block.Height, BlockTime: seconds(p.Block.Time),
		Confirmations: p.Confirmations(n.Confirmations), RequiredConfirmations: n.Confirmations, CreatedAt: p.SeenAt.Unix(), ConfirmedAt: seconds(p.ConfirmedAt),
	}
	if s := p.Settlement; s.Status != "" {
		v.SettlementStatus = string(s.Status)
	}
	if s := p.Settlement; s.ID != 0 { // it has begun
		v.Settlement = &api.Settlement{
			SummaryStatus: string(s.Status), Stage: "final", MerchantSettlementID: s.ID, SettlementTxHash: orNull(s.TxHash),
			SettlementAddress: p.Receiver, Network: string(p.Network), Status: string(s.Status), Reason: orNull(s.Reason),
		}
	}
	return v
}

// Quote renders a quote for the payor's stream.
func Quote(q pay.Quote, t pay.Token) api.Quote {
	return api.Quote{
		Object: "payment_quote", InvoiceID: q.InvoiceID, Network: string(q.Network), Currency: "usd",
		AmountRemaining: int64(q.Due), AmountRemainingDecimal: q.Due.String(), AmountUnit: "usd_millis",
		SupportedTokenID: q.TokenID, TempAddress: q.Address, EstimatedTokenAmount: q.Units.Decimal(t.Decimals), ExchangeRate: q.Rate.String(),
		QuoteLastUpdatedAt: q.CreatedAt.Unix(), QuoteValidUntil: q.ValidUntil.Unix(),
	}
}
