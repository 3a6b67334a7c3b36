package catalog

import (
	"strings"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// moved returns a product as it is at a time: its price is within three per cent of the
// usual one, another every day, and one product in forty is sold out for a week.
func moved(p pay.Product, at time.Time) pay.Product {
	day := at.UTC().Unix() / (24 * 60 * 60)
	p.Price += p.Price * money.USD(roll(601, p.ID, "price", key(day))-300) / 10_000 / money.Cent * money.Cent
	p.Available = roll(40, p.ID, "stock", key(day/7)) != 0
	return p
}

func key(n int64) string { return time.Unix(n, 0).UTC().Format(time.RFC3339) }

// sellers are those on a retailer's marketplace.
var sellers = []string{"Northgate Goods", "Brightside Outlet", "Harbour & Hill", "Second Shelf", "Tidewater Trading"}

// offers are those for a product at its present price: the retailer's own, and up to
// four of others that are dearer, slower, used or from abroad.
func offers(p pay.Product, zip string) []pay.Offer {
	own := pay.Offer{
		ID: "offer_" + p.ID, SellerID: "ATVPDKIKX0DER", SellerName: "Amazon.com", Price: p.Price, Prime: true, Fulfilled: true,
		Condition: pay.New, HandlingMax: 2, DeliveryDays: 4, Available: p.Available,
	}
	if f, ok := fixtures[p.ID]; ok {
		if f.offer != nil && !f.offer(&own) {
			return nil
		}
		return []pay.Offer{own}
	}
	if p.Retailer != "amazon" {
		own.SellerID, own.SellerName, own.Prime = p.Retailer, names[p.Retailer], false
	}
	all := []pay.Offer{own}
	for n, change := range []func(*pay.Offer){
		func(o *pay.Offer) { o.Price = cents(o.Price, 102+roll(5, p.ID, "fulfilled")) },
		func(o *pay.Offer) {
			o.Price, o.Shipping, o.Prime, o.Fulfilled = cents(o.Price, 92+roll(5, p.ID, "shipped")), 4_99*money.Cent, false, false
			o.HandlingMin, o.HandlingMax, o.DeliveryDays = 1, 5, 9
		},
		func(o *pay.Offer) {
			o.Price, o.Condition = cents(o.Price, 60+roll(20, p.ID, "used")), "Used - Very Good"
		},
		func(o *pay.Offer) {
			o.Price, o.International, o.Prime, o.Fulfilled, o.DeliveryDays = cents(o.Price, 84+roll(6, p.ID, "abroad")), true, false, false, 24
		},
	} {
		if int64(n) >= roll(5, p.ID, "offers") {
			break
		}
		o, seller := own, roll(int64(len(sellers)), p.ID, "seller", key(int64(n)))
		o.ID, o.SellerID, o.SellerName = own.ID+"_"+string(rune('b'+n)), "seller_"+string(rune('1'+seller)), sellers[seller]
		change(&o)
		all = append(all, o)
	}
	if far(zip) {
		for n := range all {
			if all[n].DeliveryDays += 4; !all[n].Prime {
				all[n].Shipping += 5_99 * money.Cent
			}
		}
	}
	return all
}

var names = map[string]string{"walmart": "Walmart.com", "target": "Target", "ebay": "eBay", "bestbuy": "Best Buy", "other": "Corner Store"}

// cents is a percentage of a price, in whole cents.
func cents(u money.USD, percent int64) money.USD {
	return u * money.USD(percent) / 100 / money.Cent * money.Cent
}

// far reports whether a zip code is in Alaska or Hawaii.
func far(zip string) bool {
	for _, p := range []string{"967", "968", "995", "996", "997", "998", "999"} {
		if strings.HasPrefix(zip, p) {
			return true
		}
	}
	return false
}
