package commerce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// Estimate says what items, or those of the customer's cart, would cost by the best
// offers there are now. The cart is left as it is.
func (c *Commerce) Estimate(ctx context.Context, by billing.Caller, in api.EstimateRequest, o billing.Once) ([]byte, error) {
	who, err := c.Customer(in.Customer)
	if err != nil {
		return nil, err
	}
	if answer, seen, err := c.Billing.Replayed(ctx, by.Merchant.ID, operationOf(by, "estimate"), o); err != nil || seen {
		return answer, err
	}
	if err := c.Open(ctx, by.Environment); err != nil {
		return nil, err
	}
	wants, err := c.wanted(ctx, by, who, in)
	if err != nil {
		return nil, err
	}
	e := pay.Estimate{MerchantID: by.Merchant.ID, Environment: by.Environment, Customer: who, RefundFee: c.Terms.RefundFee}
	if e.Lines, e.Invalid, err = c.priced(ctx, by.Environment, wants); err != nil {
		return nil, err
	}
	if e.Pricing = c.Terms.Price(e.Lines); e.Pricing.Total > pay.MaxAmount {
		return nil, pay.Errorf(pay.CodeValidation, "The items come to %s dollars; an order may come to at most %s", e.Pricing.Total.Cents(), pay.MaxAmount.Cents())
	}
	return c.write(ctx, by, "estimate", o, func(tx *store.Tx) (any, error) {
		made := e
		made.ID, made.CreatedAt, made.ExpiresAt = tx.NewID(), tx.Now(), tx.Now().Add(c.Terms.EstimateLife)
		return view.Wrapped(view.Estimate(made)), tx.AddEstimate(made)
	})
}

// want is something to be estimated.
type want struct {
	product, retailer string
	quantity          int
}

// wanted returns what a request wants, each product once.
func (c *Commerce) wanted(ctx context.Context, by billing.Caller, who pay.Customer, in api.EstimateRequest) (ws []want, err error) {
	useCart := in.UseCart != nil && *in.UseCart
	switch {
	case useCart && in.Items != nil:
		return nil, pay.Errorf(pay.CodeCheckoutMode, "Give items or useCart: true, not both; itemOverrides change what is taken from the cart")
	case !useCart && in.ItemOverrides != nil:
		return nil, pay.Errorf(pay.CodeCheckoutMode, "itemOverrides need useCart: true")
	case !useCart && in.Items == nil:
		return nil, pay.Errorf(pay.CodeCheckoutMode, "Give items, or useCart: true for the customer's cart")
	case !useCart:
		if ws, err = wantsOf("items", in.Items, 1); err == nil && len(ws) == 0 {
			err = pay.Errorf(pay.CodeValidation, "items must name at least one product")
		}
		return ws, err
	}
	overrides, err := wantsOf("itemOverrides", in.ItemOverrides, 0)
	if err != nil {
		return nil, err
	}
	if err = c.Store.Look(ctx, func(tx *store.Tx) error {
		cart, err := tx.Cart(by.Merchant.ID, by.Environment, who)
		ws = nil
		for _, i := range cart.Items {
			ws = append(ws, want{i.ProductID, i.Retailer, i.Quantity})
		}
		return err
	}); err != nil {
		return nil, err
	}
	for n, v := range overrides {
		named := in.ItemOverrides[n].Retailer != nil
		at := slices.IndexFunc(ws, func(w want) bool { return w.product == v.product && (!named || w.retailer == v.retailer) })
		if at < 0 {
			return nil, pay.Errorf(pay.CodeValidation, "itemOverrides names %.64q, which is not in the cart", v.product)
		}
		ws[at].quantity = v.quantity
	}
	if ws = slices.DeleteFunc(ws, func(w want) bool { return w.quantity == 0 }); len(ws) == 0 {
		return nil, pay.Errorf(pay.CodeCartEmpty, "There is nothing in the cart, or the overrides leave nothing of it")
	}
	return ws, nil
}

// wantsOf reads items of a request; least is the least quantity. The same product twice
// is an error: which of the two was meant?
func wantsOf(field string, in []api.EstimateItem, least int) (ws []want, err error) {
	if len(in) > pay.MaxCartItems {
		return nil, pay.Errorf(pay.CodeValidation, "%s must name at most %d products", field, pay.MaxCartItems)
	}
	for n, i := range in {
		w := want{retailer: pay.DefaultRetailer}
		if i.ProductID == nil {
			i.ProductID = i.OldID
		}
		if i.ProductID == nil || *i.ProductID == "" || len(*i.ProductID) > pay.MaxText {
			return nil, pay.Errorf(pay.CodeValidation, "%s[%d].productId is required: at most %d characters", field, n, pay.MaxText)
		}
		if w.product = *i.ProductID; i.Retailer != nil {
			w.retailer = *i.Retailer
		}
		if !slices.Contains(pay.Retailers, w.retailer) {
			return nil, pay.Errorf(pay.CodeValidation, "%s[%d].retailer must be one of %v", field, n, pay.Retailers)
		}
		if i.Quantity != nil {
			w.quantity, err = strconv.Atoi(string(*i.Quantity))
		}
		if i.Quantity == nil || err != nil || w.quantity < least || w.quantity > pay.MaxQuantity {
			return nil, pay.Errorf(pay.CodeValidation, "%s[%d].quantity must be a whole number from %d to %d", field, n, least, pay.MaxQuantity)
		}
		if slices.ContainsFunc(ws, func(v want) bool { return v.product == w.product && v.retailer == w.retailer }) {
			return nil, pay.Errorf(pay.CodeValidation, "%s names %.64q twice; give one quantity for it", field, w.product)
		}
		ws = append(ws, w)
	}
	return ws, nil
}

// estimating is how long all the questions of an estimate may take: clients give up after
// half a minute.
const estimating = 25 * time.Second

// priced sorts what is wanted into what can be ordered, at the price of its best eligible
// offer, and what cannot.
func (c *Commerce) priced(ctx context.Context, e pay.Environment, ws []want) (lines []pay.OrderLine, invalid []pay.InvalidItem, err error) {
	p, err := c.provider(e)
	if err != nil {
		return nil, nil, err
	}
	found, why := make([]pay.OrderLine, len(ws)), make([]string, len(ws))
	ctx, cancel := context.WithTimeout(ctx, estimating)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(asking)
	for n, w := range ws {
		g.Go(func() (err error) {
			defer func() { // nobody else would: a panic here ends the process
				if p := recover(); p != nil {
					err = fmt.Errorf("ask for %s: panic: %v", w.product, p)
				}
			}()
			found[n], why[n], err = c.offered(ctx, p, w)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, asked(err, errNoProduct)
	}
	for n, w := range ws {
		if why[n] == "" && len(lines) > 0 && lines[0].Retailer != w.retailer {
			why[n] = "An order is of one retailer: check this out by itself"
		}
		if why[n] != "" {
			invalid = append(invalid, pay.InvalidItem{ProductID: w.product, Retailer: w.retailer, Reason: why[n]})
			continue
		}
		lines = append(lines, found[n])
	}
	return lines, invalid, nil
}

// offered returns the line that a wanted item comes to, or why it cannot be ordered.
func (c *Commerce) offered(ctx context.Context, p retail.Provider, w want) (l pay.OrderLine, why string, err error) {
	if !productID.MatchString(w.product) {
		return l, "Product not found", nil
	}
	os, err := p.Offers(ctx, w.retailer, w.product, "")
	if errors.Is(err, retail.ErrNotFound) {
		return l, "Product not found", nil
	}
	if err != nil {
		return l, "", fmt.Errorf("ask for the offers of %s: %w", w.product, err)
	}
	best, ok := pay.Best(os, c.Terms.DeliveryDays)
	if !ok {
		return l, c.Terms.Ineligible(), nil
	}
	about, err := p.Product(ctx, w.retailer, w.product)
	if errors.Is(err, retail.ErrNotFound) {
		return l, "Product not found", nil
	}
	if err != nil {
		return l, "", fmt.Errorf("ask for the product %s: %w", w.product, err)
	}
	return pay.OrderLine{
		ProductID: w.product, Retailer: w.retailer, Title: about.Title, ImageURL: about.Image, OfferID: best.ID, Quantity: w.quantity,
		Price: best.Price.UpToCent(), Shipping: best.Shipping.UpToCent(),
	}, "", nil
}
