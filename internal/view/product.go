package view

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// CommerceStatus renders whether new orders are taken, given what the account holds
// that pays for them.
func CommerceStatus(t pay.Terms, balance money.USD, enough bool) api.CommerceStatus {
	v := api.CommerceStatus{
		Status: "available", EscrowBalance: dollars(balance), MinimumRequired: dollars(t.MinimumBalance), Features: features(enough),
	}
	if !enough {
		v.Status = "degraded"
	}
	return v
}

// features are all there are: without checkout what was bought goes on.
func features(checkout bool) api.Features {
	return api.Features{Search: true, Cart: true, Checkout: checkout, Orders: true}
}

// CommerceInfo renders the conditions of sale in an environment.
func CommerceInfo(t pay.Terms, e pay.Environment) api.CommerceInfo {
	v := api.CommerceInfo{
		Features: features(true), NetworkEnvironment: string(e),
		Limits: api.CommerceLimits{
			MaxCartItems: pay.MaxCartItems, MaxQuantityPerItem: pay.MaxQuantity, MinItemPrice: dollars(pay.MinPrice), BulkStatusMax: pay.MaxBulk,
			EstimateTTLSeconds: int64(t.EstimateLife / time.Second), InvoiceTTLSeconds: int64(t.InvoiceLife / time.Second), DeliveryDaysMax: t.DeliveryDays,
		},
		Fees: api.CommerceFees{
			ShippingBase: dollars(t.ShippingBase), Fixed: dollars(t.Fee), Percentage: fixed(t.FeeRate, 2), RefundFee: dollars(t.RefundFee),
		},
	}
	for _, r := range pay.Retailers {
		v.Retailers = append(v.Retailers, api.Retailer{ID: r, Name: retailerNames[r], Enabled: true})
	}
	return v
}

var retailerNames = map[string]string{"amazon": "Amazon", "walmart": "Walmart", "target": "Target", "ebay": "eBay", "bestbuy": "Best Buy", "other": "Other"}

// SearchResults renders a page of so many products, of total on all pages.
func SearchResults(query, retailer string, ps []pay.Product, total, page, limit int) api.SearchResults {
	pages := (total + limit - 1) / limit
	v := api.SearchResults{
		Products: []api.FoundProduct{}, Query: query, Retailer: retailer,
		Pagination: api.Pagination{Page: page, TotalPages: pages, TotalResults: total, HasNext: page < pages},
	}
	for _, p := range ps {
		stars := fixed(int64(p.Rating), 1)
		v.Products = append(v.Products, api.FoundProduct{
			ProductID: p.ID, Title: p.Title, Price: dollars(p.Price), Image: p.Image, Stars: stars, Rating: stars, NumReviews: p.Reviews, ReviewCount: p.Reviews,
			Fresh: p.Fresh, Retailer: p.Retailer, URL: p.URL, Brand: p.Brand, Categories: texts(p.Categories),
		})
	}
	return v
}

// Product renders all that is known of a product.
func Product(p pay.Product) api.Product {
	v := api.Product{
		ProductID: p.ID, Retailer: p.Retailer, Title: p.Title, Brand: p.Brand, Description: p.Description, Price: dollars(p.Price), ShipPrice: dollars(p.ShipPrice),
		MainImage: p.Image, Images: texts(p.Images), Bullets: texts(p.Bullets), ProductDetails: texts(p.Details), Categories: texts(p.Categories),
		Rating: fixed(int64(p.Rating), 1), ReviewCount: p.Reviews, QuestionCount: p.Questions, NumSales: p.Sold, NumOffers: p.Offers,
		Availability: "unavailable", URL: p.URL, ParentASIN: p.Parent,
		Fresh: p.Fresh, Pantry: p.Pantry, Handmade: p.Handmade, Digital: p.Digital, GiftCard: p.GiftCard, Addon: p.Addon,
	}
	if p.Retailer == pay.DefaultRetailer {
		v.ASIN = p.ID
	}
	if p.Available {
		v.Availability = "available"
	}
	if p.OriginalPrice > 0 {
		was := dollars(p.OriginalPrice)
		v.OriginalPrice = &was
	}
	return v
}

// Offers renders the offers for a product in the order given.
func Offers(retailer, id string, os []pay.Offer) api.Offers {
	v := api.Offers{ProductID: id, Retailer: retailer, Offers: []api.Offer{}}
	for _, o := range os {
		v.Offers = append(v.Offers, api.Offer{
			OfferID: o.ID, SellerID: o.SellerID, SellerName: o.SellerName, Price: dollars(o.Price), Shipping: dollars(o.Shipping), TotalCost: dollars(o.Cost()),
			Prime: o.Prime, PrimeOnly: o.PrimeOnly, Condition: o.Condition, HandlingDays: api.Days{Min: o.HandlingMin, Max: o.HandlingMax},
			International: o.International, Available: o.Available,
		})
	}
	return v
}

// Stamped renders an answer in the success envelope that says when it was true.
func Stamped[T any](v T, at time.Time) api.Stamped[T] {
	return api.Stamped[T]{Success: true, Data: v, Meta: api.Meta{Timestamp: at.Unix()}}
}

// texts renders no texts as an empty list.
func texts(ts []string) []string { return append([]string{}, ts...) }

// fixed renders a number of tenths, hundredths and so on in its shortest form.
func fixed(n int64, decimals int) json.Number {
	s := strconv.FormatInt(n, 10)
	s = strings.Repeat("0", max(0, decimals+1-len(s))) + s
	s = s[:len(s)-decimals] + "." + s[len(s)-decimals:]
	return json.Number(strings.TrimSuffix(strings.TrimRight(s, "0"), "."))
}
