package view

import (
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// Estimate renders an estimate.
func Estimate(e pay.Estimate) api.Estimate {
	v := api.Estimate{
		EstimateID: e.ID, MerchantID: e.MerchantID, NetworkEnvironment: string(e.Environment), CustomerID: orNull(e.Customer.ID),
		WalletAddress: orNull(e.Customer.Wallet), WalletNetwork: orNull(e.Customer.Network), ValidItems: []api.ValidItem{}, InvalidItems: []api.InvalidItem{},
		Pricing: Pricing(e.Pricing), ExpiresAt: e.ExpiresAt.Unix(), CreatedAt: e.CreatedAt.Unix(),
		FeeBreakdown: api.FeeBreakdown{
			ShippingBase: dollars(e.Pricing.ShippingBase), CommerceFee: dollars(e.Pricing.Fee), TotalFees: dollars(e.Pricing.ShippingBase.Add(e.Pricing.Fee)),
		},
	}
	for _, l := range e.Lines {
		v.ValidItems = append(v.ValidItems, api.ValidItem{
			ProductID: l.ProductID, Retailer: l.Retailer, Title: l.Title, Quantity: l.Quantity, Price: dollars(l.Price),
			TotalPrice: dollars(l.Total()), Metadata: api.ValidItemMetadata{Image: orNull(l.ImageURL)},
		})
	}
	for _, i := range e.Invalid {
		v.InvalidItems = append(v.InvalidItems, api.InvalidItem{ProductID: i.ProductID, Retailer: i.Retailer, Error: i.Reason})
	}
	return v
}

// Pricing renders what makes up a total.
func Pricing(p pay.Pricing) api.Pricing {
	return api.Pricing{
		Subtotal: dollars(p.Subtotal), Shipping: dollars(p.Shipping), Tax: dollars(p.Tax), Total: dollars(p.Total),
		Fees: api.Fees{Fixed: dollars(p.FeeFixed), Percentage: fixed(p.FeeRate, 2), Total: dollars(p.Fee)},
	}
}

// CheckoutAddress renders the answer to the second step of a checkout.
func CheckoutAddress(a pay.ShippingAddress) api.CheckoutAddress {
	return api.CheckoutAddress{AddressID: a.ID, Validated: !a.ValidatedAt.IsZero(), Standardized: StandardAddress(a), ShippingOptions: ShippingOptions()}
}

// CheckoutInvoice renders the answer to the last step of a checkout.
func CheckoutInvoice(o pay.Order, i pay.Invoice, c api.CreatedInvoice) api.CheckoutInvoice {
	path := "/api/commerce/merchant/"
	return api.CheckoutInvoice{
		OrderID: o.ID, InvoiceID: i.ID, InvoiceURL: c.PaymentURL, Session: c.SessionToken, Signature: c.Signature,
		PaymentSessionHeaders: c.PaymentSessionHeaders, MerchantID: o.MerchantID, NetworkEnvironment: string(o.Environment),
		CustomerID: orNull(o.Customer.ID), Amount: dollars(i.Amount), ExpiresAt: i.ExpiresAt.Unix(), Status: string(i.Status),
		Endpoints: api.OrderEndpoints{
			CheckOrder: path + "orders/" + o.ID, CheckPayment: path + "payments/" + o.ID + "/status", CancelOrder: path + "orders/" + o.ID + "/cancel",
		},
	}
}
