package zinc

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
)

// Offers implements retail.Provider. Zinc does not tell offers apart by zip.
func (z *Zinc) Offers(ctx context.Context, retailer, id, _ string) ([]pay.Offer, error) {
	r, err := z.look(ctx, retailer, id, "offers")
	if err != nil {
		return nil, err
	}
	os, dropped, err := decodeOffers(r.body, retailer, z.opt.Days)
	if dropped > 0 {
		z.warn(ctx, false, "offers:"+retailer+":"+id, "zinc: offers that cannot be read are left out", "retailer", retailer, "product", id, "offers", dropped)
	}
	return os, err
}

// offer is an offer as Zinc tells it. All that decides whether it is bought is read
// strictly: an offer with a price of the wrong kind is none.
type offer struct {
	ID     string `json:"offer_id"`
	Seller struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		First bool   `json:"first_party"`
	} `json:"seller"`
	Price         lax[int64] `json:"price"`
	Fulfilled     bool       `json:"marketplace_fulfilled"`
	Prime         bool       `json:"prime"`
	PrimeOnly     bool       `json:"prime_only"`
	MemberOnly    bool       `json:"member_only"`
	Condition     string     `json:"condition"`
	International *bool      `json:"international"`
	Available     *bool      `json:"available"`
	Addon         bool       `json:"addon"`
	Handling      span       `json:"handling_days"`
	Options       []struct {
		Price lax[int64] `json:"price"`
		Days  span       `json:"delivery_days"`
	} `json:"shipping_options"`
}

// span is a number of days from … to.
type span struct {
	Min *int `json:"min"`
	Max *int `json:"max"`
}

// days returns both ends, 0 for what is not said.
func (s span) days() (low, high int, ok bool) {
	if s.Min != nil {
		low = *s.Min
	}
	if high = low; s.Max != nil {
		high = *s.Max
	}
	return low, high, low >= 0 && high >= low && high <= maxDays
}

// decodeOffers reads the answer to a question about offers. Offers that cannot be read
// are dropped, and counted.
func decodeOffers(b []byte, retailer string, days int) (os []pay.Offer, dropped int, err error) {
	var in struct {
		Status lax[string]        `json:"status"`
		Offers *[]json.RawMessage `json:"offers"`
	}
	switch err := json.Unmarshal(b, &in); {
	case err != nil:
		return nil, 0, unavailable("offers: %w", err)
	case in.Status.v == "failed":
		return nil, 0, retail.ErrNotFound
	case in.Offers == nil, in.Status.ok && in.Status.v != "completed":
		return nil, 0, unavailable("there are no offers yet")
	}
	for _, raw := range *in.Offers {
		var o offer
		read := json.Unmarshal(raw, &o) == nil
		if p, ok := o.read(retailer, days); read && ok && len(os) < maxList {
			os = append(os, p)
		} else {
			dropped++
		}
	}
	return os, dropped, nil
}

// read checks an offer. What is not said counts against it. What makes it one that the
// retailer ships is what criteria can ask for: otherwise customers could order what Zinc
// is then told not to buy.
func (o offer) read(retailer string, days int) (pay.Offer, bool) {
	price, ok := usd(o.Price)
	low, high, fits := o.Handling.days()
	if !ok || !fits || price < pay.MinPrice {
		return pay.Offer{}, false
	}
	p := pay.Offer{
		ID: clean(o.ID, maxLine), SellerID: clean(o.Seller.ID, maxLine), SellerName: clean(o.Seller.Name, maxLine), Price: price,
		PrimeOnly: o.PrimeOnly, Fulfilled: o.Seller.First,
		Condition: clean(o.Condition, maxLine), HandlingMin: low, HandlingMax: high, DeliveryDays: high,
		International: o.International == nil || *o.International, Available: (o.Available == nil || *o.Available) && !o.MemberOnly && !o.Addon,
	}
	if retailer == "amazon" {
		p.Prime, p.Fulfilled = o.Prime || o.PrimeOnly || o.Fulfilled, o.Fulfilled
	}
	if len(o.Options) == 0 { // shipped free with the retailer's own service, or nobody knows
		if o.Handling.Max == nil {
			p.DeliveryDays = maxDays
		}
		return p, p.Prime || p.Fulfilled
	}
	var ways []way
	for _, s := range o.Options {
		cost, ok := usd(s.Price)
		_, last, fits := s.Days.days()
		if s.Days.Max == nil {
			last = maxDays
		}
		if ok && fits {
			ways = append(ways, way{last+high > days, cost, last + high})
		}
	}
	if len(ways) == 0 {
		return p, false
	}
	best := slices.MinFunc(ways, func(a, b way) int {
		return cmp.Or(later(a.late, b.late), cmp.Compare(a.cost, b.cost), cmp.Compare(a.days, b.days))
	})
	p.Shipping, p.DeliveryDays = best.cost, best.days
	return p, true
}

// way is one way to ship something.
type way struct {
	late bool
	cost money.USD
	days int
}

// later puts what is in time first.
func later(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
