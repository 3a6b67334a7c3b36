package zinc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
)

// refusal begins the name of a request that Zinc did not take: what follows is why.
const refusal = "refused:"

// purchase is an order in Zinc's words. Amounts are cents.
type purchase struct {
	Key      string            `json:"idempotency_key"`
	Retailer string            `json:"retailer"`
	Products []wanted          `json:"products"`
	Address  address           `json:"shipping_address"`
	MaxPrice int64             `json:"max_price"`
	Gift     bool              `json:"is_gift"`
	Shipping shipping          `json:"shipping"`
	Managed  bool              `json:"addax"`                     // bought with Zinc's accounts from our balance
	Strict   bool              `json:"strict_expired_product_id"` // and nothing else in its place
	Notes    map[string]string `json:"client_notes"`
	Webhooks map[string]string `json:"webhooks,omitempty"`
}

type wanted struct {
	ID       string   `json:"product_id"`
	Quantity int      `json:"quantity"`
	Criteria criteria `json:"seller_selection_criteria"`
}

// criteria let Zinc buy what pay.Offer.Eligible lets a customer order, at no higher price.
type criteria struct {
	Conditions    []string `json:"condition_in"`
	HandlingDays  int      `json:"handling_days_max"`
	International bool     `json:"international"`
	MaxPrice      int64    `json:"max_item_price"`
	Prime         bool     `json:"prime,omitempty"`              // amazon's word for shipped by the retailer …
	First         bool     `json:"first_party_seller,omitempty"` // … and the others'
}

type shipping struct {
	OrderBy  string `json:"order_by"`
	MaxDays  int    `json:"max_days"`
	MaxPrice int64  `json:"max_price"`
}

type address struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Line1     string `json:"address_line1"`
	Line2     string `json:"address_line2"`
	Zip       string `json:"zip_code"`
	City      string `json:"city"`
	State     string `json:"state"`
	Country   string `json:"country"`
	Phone     string `json:"phone_number"`
}

// hooks are the events of an order that Zinc can tell of.
var hooks = []string{"request_succeeded", "request_failed", "tracking_obtained", "tracking_updated", "status_updated", "case_updated"}

// Place implements retail.Provider. A placement that Zinc declines for good still has a
// name, by which Poll says that it failed.
func (z *Zinc) Place(ctx context.Context, p retail.Placement) (string, error) {
	in, err := z.purchase(p)
	if err != nil {
		return "", err
	}
	r, err := z.ask(ctx, http.MethodPost, []string{"orders"}, nil, in)
	if err != nil {
		return "", fmt.Errorf("place %s: %w", p.Key, err)
	}
	// The same key gets the same answer. Whatever else it says, a request that it names
	// is the one to ask about.
	if name := requestOf(r.body); name != "" {
		return name, nil
	}
	switch o := meaning(r.code); {
	case r.code == "":
		return "", fmt.Errorf("place %s: %w", p.Key, unavailable("the answer names no request"))
	case o.stage == retail.Failed:
		z.note(ctx, p.Key, r.code, o)
		return refusal + r.code, nil
	default:
		z.note(ctx, p.Key, r.code, o)
		return "", fmt.Errorf("place %s: %w", p.Key, unavailable("%s", r.code))
	}
}

// requestOf finds the name of the request that an answer is about, or "".
func requestOf(b []byte) string {
	var in struct {
		ID   lax[string] `json:"request_id"`
		Data lax[struct {
			ID lax[string] `json:"request_id"`
		}] `json:"data"`
	}
	if json.Unmarshal(b, &in) != nil {
		return ""
	}
	for _, id := range []string{in.ID.v, in.Data.v.ID.v} {
		if tokenish(id) {
			return id
		}
	}
	return ""
}

// purchase turns a placement into Zinc's words. An error is a mistake of the caller's.
func (z *Zinc) purchase(p retail.Placement) (purchase, error) {
	goods := money.USD(0)
	in := purchase{
		Key: p.Key, Retailer: p.Retailer, MaxPrice: int64(p.MaxTotal / money.Cent), Managed: true, Strict: true, Notes: map[string]string{"order": p.Key},
		Address: address{
			FirstName: p.To.FirstName, LastName: p.To.LastName, Line1: p.To.Line1, Line2: p.To.Line2, Zip: p.To.Zip, City: p.To.City,
			State: p.To.State, Country: p.To.Country, Phone: phone(p.To.Phone),
		},
	}
	if !tokenish(p.Key) || len(p.Lines) == 0 || len(p.Lines) > pay.MaxCartItems || p.MaxTotal < pay.MinPrice || p.MaxTotal > pay.MaxAmount {
		return in, fmt.Errorf("zinc: a placement of %d lines for at most %s", len(p.Lines), p.MaxTotal)
	}
	for _, l := range p.Lines {
		if !known(p.Retailer, l.ProductID) || l.Retailer != p.Retailer || l.Quantity < 1 || l.Quantity > pay.MaxQuantity || l.Price < pay.MinPrice || l.Price > pay.MaxAmount {
			return in, fmt.Errorf("zinc: a placement with %d of product %q of %q at %s", l.Quantity, clean(l.ProductID, maxID), clean(l.Retailer, maxID), l.Price)
		}
		goods = goods.Add(l.Price * money.USD(l.Quantity))
		in.Products = append(in.Products, wanted{l.ProductID, l.Quantity, criteria{
			Conditions: []string{pay.New}, HandlingDays: z.opt.Days, MaxPrice: int64(l.Price / money.Cent), Prime: p.Retailer == "amazon", First: p.Retailer != "amazon",
		}})
	}
	in.Shipping = shipping{OrderBy: "price", MaxDays: z.opt.Days, MaxPrice: max(int64((p.MaxTotal-goods)/money.Cent), 0)}
	if z.opt.Webhook != "" {
		in.Webhooks = map[string]string{}
		for _, event := range hooks {
			in.Webhooks[event] = z.opt.Webhook
		}
	}
	return in, nil
}

// phone returns a number as retailers in the United States ask for it: ten digits.
func phone(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	if len(s) == 11 {
		s = strings.TrimPrefix(s, "1")
	}
	return s
}

// note logs what an operator should know of a request that did not simply succeed.
func (z *Zinc) note(ctx context.Context, request, code string, o outcome) {
	if o.person {
		z.warn(ctx, true, request+" "+code, "zinc: a person must look at an order", "request", request, "code", code, "decided", o.stage == retail.Failed)
	}
}

// refused says what became of a request that Zinc did not take.
func refused(request string) (retail.Progress, bool) {
	code, ok := strings.CutPrefix(request, refusal)
	if o := meaning(code); ok && o.stage == retail.Failed {
		return retail.Progress{Stage: o.stage, Reason: o.reason}, true
	}
	return retail.Progress{}, false
}
