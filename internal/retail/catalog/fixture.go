package catalog

import (
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

// A fixture is a product that behaves in one way, at one price, on every day: for every
// case that a shop has to cope with there is one.
type fixture struct {
	title  string
	price  money.USD
	about  string
	offer  func(*pay.Offer) bool // changes the only offer, or returns false for none
	ending string                // of placements that have it; "" for asPlaced
}

var fixtures = map[string]fixture{
	"B0B844T634": {title: "Ceramic pour-over coffee dripper", price: 9_99 * money.Cent, about: "Can be ordered."},
	"B08N5WRWNW": {title: "Round smart speaker", price: 29_99 * money.Cent, about: "Can be ordered."},
	"B000000000": {title: "Desk telephone, refurbished", price: 19_99 * money.Cent, about: "Has no offer that can be ordered.", offer: func(o *pay.Offer) bool {
		o.Condition, o.Prime, o.Fulfilled = "Refurbished", false, false
		return true
	}},
	"B0USED0001": {title: "Film camera", price: 80_00 * money.Cent, about: "Is sold used only.", offer: func(o *pay.Offer) bool { o.Condition = "Used - Good"; return true }},
	"B0SLOW0001": {title: "Oak bookcase, made to order", price: 120_00 * money.Cent, about: "Is delivered after three weeks.", offer: func(o *pay.Offer) bool {
		o.HandlingMin, o.HandlingMax, o.DeliveryDays = 10, 14, 21
		return true
	}},
	"B0FARR0001": {title: "Silk kimono robe", price: 65_00 * money.Cent, about: "Comes from abroad only.", offer: func(o *pay.Offer) bool { o.International = true; return true }},
	"B0GONE0001": {title: "Limited print, signed", price: 45_00 * money.Cent, about: "Cannot be had at the moment.", offer: func(o *pay.Offer) bool { o.Available = false; return true }},
	"B0NOPR0001": {title: "Farmhouse honey 500 g", price: 12_00 * money.Cent, about: "Is shipped by its seller only.", offer: func(o *pay.Offer) bool { o.Prime, o.Fulfilled = false, false; return true }},
	"B0NONE0001": {title: "Pocket radio, discontinued", price: 18_00 * money.Cent, about: "Nobody offers it.", offer: func(*pay.Offer) bool { return false }},
	"B0FAIL0001": {title: "Last one of its kind lamp", price: 15_00 * money.Cent, about: "Is sold out by the time it is ordered.", ending: asSoldOut},
	"B0RISE0001": {title: "Saffron threads 2 g", price: 22_00 * money.Cent, about: "Gets dearer before it is ordered.", ending: asDearer},
	"B0KEEP0001": {title: "Engraved pen", price: 25_00 * money.Cent, about: "Cannot be cancelled once it is ordered.", ending: asKept},
}

func (f fixture) product(id string) pay.Product {
	p := pay.Product{
		ID: id, Retailer: "amazon", Title: f.title, Brand: "Testwell", Description: "For tests of a shop. " + f.about, Price: f.price,
		Bullets: []string{f.about, "Its price never changes"}, Details: []string{"Brand: Testwell"}, Categories: []string{"For tests"},
		Rating: 45, Reviews: 120, Questions: 3, Sold: 840, Available: true,
	}
	if f.offer != nil {
		var o pay.Offer
		o.Available = true
		p.Available = f.offer(&o) && o.Available
	}
	return p
}
