package view

import (
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// Cart renders a cart. An empty one shows no times.
func Cart(c pay.Cart) api.Cart {
	v := api.Cart{
		MerchantID: c.MerchantID, CustomerID: orNull(c.Customer.ID), WalletAddress: orNull(c.Customer.Wallet), WalletNetwork: orNull(c.Customer.Network),
		Items: make([]api.CartItem, len(c.Items)), Subtotal: dollars(c.Subtotal()), ItemCount: len(c.Items),
	}
	if len(c.Items) > 0 {
		v.CreatedAt, v.UpdatedAt = seconds(c.CreatedAt), seconds(c.UpdatedAt)
	}
	for n, i := range c.Items {
		v.Items[n] = cartItem(i)
	}
	return v
}

func cartItem(i pay.CartItem) api.CartItem {
	v := api.CartItem{
		ItemID: i.ID, ProductID: i.ProductID, Retailer: i.Retailer, Title: i.Title, ImageURL: orNull(i.ImageURL), ProductURL: orNull(i.ProductURL),
		Price: dollars(i.Price), Quantity: i.Quantity, Subtotal: dollars(i.Total()), AddedAt: i.AddedAt.Unix(), UpdatedAt: i.UpdatedAt.Unix(),
	}
	if i.Rating >= 0 {
		stars := fixed(int64(i.Rating), 2)
		v.Rating = &stars
	}
	if i.Reviews >= 0 {
		v.NumReviews = &i.Reviews
	}
	return v
}

// CartItemAdded renders what became of a product put in a cart.
func CartItemAdded(i pay.CartItem, updated bool) api.CartItemAdded {
	return api.CartItemAdded{ItemID: i.ID, Quantity: i.Quantity, Updated: updated}
}

// CartItemChanged renders an item whose quantity was set.
func CartItemChanged(i pay.CartItem) api.CartItemChanged {
	return api.CartItemChanged{ItemID: i.ID, Quantity: i.Quantity, UpdatedAt: i.UpdatedAt.Unix()}
}

// CartCheck renders a cart's items beside what is offered for them now.
func CartCheck(items []pay.Checked) api.CartCheck {
	v := api.CartCheck{Success: true, Items: make([]api.CheckedCartItem, len(items)), Summary: api.CartCheckSummary{TotalItems: len(items)}}
	for n, i := range items {
		v.Items[n] = api.CheckedCartItem{
			ItemID: i.ID, Available: i.Available, CurrentPrice: dollars(i.Current()), SavedPrice: dollars(i.Price), PriceChanged: i.Changed(),
		}
		if i.Available {
			v.Summary.AvailableItems++
		} else {
			v.Summary.UnavailableItems++
		}
		if i.Changed() {
			v.Summary.PriceChangedItems++
		}
	}
	v.Valid = v.Summary.UnavailableItems == 0
	return v
}

// CartTotals renders what so many items cost; zip is "" for nowhere in particular.
func CartTotals(p pay.Pricing, items int, zip string) api.CartTotals {
	return api.CartTotals{
		Subtotal: dollars(p.Subtotal), Shipping: dollars(p.Shipping), Tax: dollars(p.Tax), Total: dollars(p.Total), ItemCount: items, ZipCode: orNull(zip),
		Fees: api.CartFees{Fixed: dollars(p.FeeFixed), Percentage: fixed(p.FeeRate, 2), PercentageAmount: dollars(p.Subtotal.Share(p.FeeRate)), Total: dollars(p.Fee)},
	}
}
