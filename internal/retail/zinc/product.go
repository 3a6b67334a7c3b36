package zinc

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
)

// known reports whether there can be such a product.
func known(retailer, id string) bool {
	return retailer != "other" && slices.Contains(pay.Retailers, retailer) && tokenish(id)
}

// unsold are the codes of products that cannot be had.
var unsold = []string{missing, "product_unavailable", "expired_product_id", "invalid_product_id"}

// look asks about a product.
func (z *Zinc) look(ctx context.Context, retailer, id string, path ...string) (reply, error) {
	if !known(retailer, id) {
		return reply{}, retail.ErrNotFound
	}
	r, err := z.ask(ctx, http.MethodGet, append([]string{"products", id}, path...), url.Values{"retailer": {retailer}, "max_age": {"900"}}, nil)
	switch {
	case err != nil:
		return reply{}, err
	case slices.Contains(unsold, r.code):
		return reply{}, retail.ErrNotFound
	case r.code != "":
		return reply{}, unavailable("%s", r.code)
	}
	return r, nil
}

// Product implements retail.Provider.
func (z *Zinc) Product(ctx context.Context, retailer, id string) (pay.Product, error) {
	r, err := z.look(ctx, retailer, id)
	if err != nil {
		return pay.Product{}, err
	}
	return decodeProduct(r.body, retailer, id)
}

// Search implements retail.Provider. Bounds of the price are applied to the page that
// Zinc gives, so that a page may hold fewer products than were asked for.
func (z *Zinc) Search(ctx context.Context, q retail.Query) (retail.Results, error) {
	if !known(q.Retailer, "x") || clean(q.Text, maxLine) == "" {
		return retail.Results{}, nil
	}
	r, err := z.ask(ctx, http.MethodGet, []string{"search"}, url.Values{
		"query": {clean(q.Text, maxLine)}, "retailer": {q.Retailer}, "page": {strconv.Itoa(max(q.Page, 1))},
	}, nil)
	switch {
	case err != nil:
		return retail.Results{}, err
	case r.code != "":
		return retail.Results{}, unavailable("%s", r.code)
	}
	return decodeResults(r.body, q)
}

// item is a product as Zinc tells it, in a search or by itself.
type item struct {
	ID          lax[string]        `json:"product_id"`
	Status      lax[string]        `json:"status"`
	Title       lax[string]        `json:"title"`
	Brand       lax[string]        `json:"brand"`
	Description lax[string]        `json:"product_description"`
	Price       lax[int64]         `json:"price"`
	Original    lax[int64]         `json:"original_retail_price"`
	Ship        lax[int64]         `json:"ship_price"`
	Image       lax[string]        `json:"image"`
	Main        lax[string]        `json:"main_image"`
	Images      lax[[]lax[string]] `json:"images"`
	Bullets     lax[[]lax[string]] `json:"feature_bullets"`
	Details     lax[[]lax[string]] `json:"product_details"`
	Categories  lax[[]lax[string]] `json:"categories"`
	Stars       lax[json.Number]   `json:"stars"`
	Reviews     lax[int64]         `json:"review_count"`
	NumReviews  lax[int64]         `json:"num_reviews"`
	Questions   lax[int64]         `json:"question_count"`
	Sold        lax[int64]         `json:"num_sales"`
	Offers      lax[int64]         `json:"num_offers"`
	URL         lax[string]        `json:"url"`
	Parent      lax[string]        `json:"parent_asin"`
	Available   lax[bool]          `json:"available"`
	Fresh       lax[bool]          `json:"fresh"`
	Pantry      lax[bool]          `json:"pantry"`
	Handmade    lax[bool]          `json:"handmade"`
	Digital     lax[bool]          `json:"digital"`
	GiftCard    lax[bool]          `json:"gift_card"`
	Addon       lax[bool]          `json:"addon"`
}

// product is what of an item can be believed.
func (i item) product(retailer string) pay.Product {
	p := pay.Product{
		ID: i.ID.v, Retailer: retailer, Title: clean(i.Title.v, maxLine), Brand: clean(i.Brand.v, maxLine), Description: clean(i.Description.v, maxProse),
		Image: public(i.Main.v), Bullets: cleanAll(i.Bullets.v), Details: cleanAll(i.Details.v), Categories: cleanAll(i.Categories.v),
		Rating: tenths(i.Stars.v), Reviews: max(count(i.Reviews), count(i.NumReviews)), Questions: count(i.Questions), Sold: count(i.Sold), Offers: count(i.Offers),
		URL: public(i.URL.v), Available: i.Available.v || !i.Available.ok, Fresh: i.Fresh.v, Pantry: i.Pantry.v, Handmade: i.Handmade.v,
		Digital: i.Digital.v, GiftCard: i.GiftCard.v, Addon: i.Addon.v,
	}
	p.Price, _ = usd(i.Price)
	p.OriginalPrice, _ = usd(i.Original)
	p.ShipPrice, _ = usd(i.Ship)
	if p.Image == "" {
		p.Image = public(i.Image.v)
	}
	for _, s := range i.Images.v {
		if u := public(s.v); u != "" && len(p.Images) < maxList {
			p.Images = append(p.Images, u)
		}
	}
	if tokenish(i.Parent.v) {
		p.Parent = i.Parent.v
	}
	p.Available = p.Available && p.Price >= pay.MinPrice
	return p
}

// tenths reads a rating out of five.
func tenths(n json.Number) int {
	u, err := money.ParseUSD(n.String()) // a decimal number, exactly, in thousandths
	if err != nil || u > 5000 {
		return 0
	}
	return int(u+50) / 100
}

// decodeProduct reads the answer to a question about a product.
func decodeProduct(b []byte, retailer, id string) (pay.Product, error) {
	var i item
	switch err := json.Unmarshal(b, &i); {
	case err != nil:
		return pay.Product{}, unavailable("product: %w", err)
	case i.Status.v == "failed":
		return pay.Product{}, retail.ErrNotFound
	case i.Status.ok && i.Status.v != "completed":
		return pay.Product{}, unavailable("the product is still being looked at")
	case i.ID.v != id:
		return pay.Product{}, unavailable("the answer is about another product")
	}
	p := i.product(retailer)
	if p.Title == "" {
		return pay.Product{}, unavailable("the product has no title")
	}
	return p, nil
}

// decodeResults reads the answer to a search. Products that cannot be read are left out.
func decodeResults(b []byte, q retail.Query) (retail.Results, error) {
	var in struct {
		Status  lax[string]  `json:"status"`
		Results *[]lax[item] `json:"results"`
		Showing lax[struct {
			Of lax[int64] `json:"of"`
		}] `json:"showing"`
	}
	switch err := json.Unmarshal(b, &in); {
	case err != nil:
		return retail.Results{}, unavailable("search: %w", err)
	case in.Results == nil, in.Status.ok && in.Status.v != "completed":
		return retail.Results{}, unavailable("the search has no results yet")
	}
	var out retail.Results
	for _, i := range *in.Results {
		p := i.v.product(q.Retailer)
		fits := p.Price >= max(q.Min, pay.MinPrice) && (q.Max == 0 || p.Price <= q.Max)
		if tokenish(p.ID) && p.Title != "" && fits && len(out.Products) < min(max(q.Limit, 1), maxList) {
			out.Products = append(out.Products, p)
		}
	}
	out.Total = max(count(in.Showing.v.Of), len(out.Products))
	return out, nil
}
