package commerce

import (
	"context"
	"strings"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

var errNoAddress = pay.Errorf(pay.CodeAddressNotFound, "Address not found")

// Addresses returns a page of the saved addresses of a customer, newest first.
func (c *Commerce) Addresses(ctx context.Context, by billing.Caller, in api.Customer, limit, offset int) (as []pay.ShippingAddress, err error) {
	who, err := c.Customer(in)
	if err != nil {
		return nil, err
	}
	err = c.Store.Look(ctx, func(tx *store.Tx) error {
		as, err = tx.ShippingOf(by.Merchant.ID, by.Environment, who.Key(), limit, offset)
		return err
	})
	return as, err
}

// DeleteAddress forgets a saved address. Orders that go there keep it.
func (c *Commerce) DeleteAddress(ctx context.Context, by billing.Caller, id string, o billing.Once) ([]byte, error) {
	return c.write(ctx, by, "address.delete", o, func(tx *store.Tx) (any, error) {
		found, err := tx.DeleteShipping(by.Merchant.ID, by.Environment, id)
		if err == nil && !found {
			err = errNoAddress
		}
		return api.Outcome{Success: true, Message: "Address deleted"}, err
	})
}

// shippingAddress reads an address and brings it into its standard form. Whose it is,
// is for the caller to say. The error has CodeShippingAddress.
func (c *Commerce) shippingAddress(in api.ShippingAddressInput) (pay.ShippingAddress, error) {
	email, err := billing.Email(strings.TrimSpace(in.Email))
	if err != nil {
		return pay.ShippingAddress{}, pay.Errorf(pay.CodeShippingAddress, "address.email must be an email address, or left out")
	}
	return pay.ShippingAddress{
		FirstName: in.FirstName, LastName: in.LastName, Line1: in.StreetAddress, Line2: in.AddressLine2, City: in.City, State: in.State, Zip: in.ZipCode,
		Country: in.Country, Phone: in.Phone, Email: email,
	}.Standard()
}

// saveAddressIn keeps a standard address of a customer to be used again, and returns
// it; the same one is kept once.
func (c *Commerce) saveAddressIn(tx *store.Tx, a pay.ShippingAddress) (pay.ShippingAddress, error) {
	a.ID, a.ValidatedAt, a.CreatedAt = tx.NewID(), tx.Now(), tx.Now()
	return tx.AddShipping(a)
}
