package view

import (
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// Addresses renders a page of a customer's saved addresses.
func Addresses(as []pay.ShippingAddress) api.Wrapped[api.AddressList] {
	v := api.AddressList{Addresses: make([]api.SavedAddress, len(as))}
	for n, a := range as {
		v.Addresses[n] = api.SavedAddress{
			AddressID: a.ID, CustomerID: orNull(a.Customer.ID), WalletAddress: orNull(a.Customer.Wallet), WalletNetwork: orNull(a.Customer.Network),
			FirstName: a.FirstName, LastName: a.LastName, AddressLine1: a.Line1, AddressLine2: a.Line2, City: a.City, State: a.State, ZipCode: a.Zip,
			Country: a.Country, PhoneNumber: a.Phone, Email: a.Email, IsValidated: !a.ValidatedAt.IsZero(), ValidatedAt: seconds(a.ValidatedAt),
			CreatedAt: a.CreatedAt.Unix(),
		}
	}
	return Wrapped(v)
}

// StandardAddress renders an address as checkout does.
func StandardAddress(a pay.ShippingAddress) api.StandardAddress {
	return api.StandardAddress{
		FirstName: a.FirstName, LastName: a.LastName, StreetAddress: a.Line1, AddressLine2: a.Line2, City: a.City, State: a.State, ZipCode: a.Zip,
		Country: a.Country, Phone: a.Phone, Email: a.Email,
	}
}

// ShippingOptions renders the ways to send things.
func ShippingOptions() []api.ShippingOption {
	v := make([]api.ShippingOption, len(pay.ShippingOptions))
	for n, o := range pay.ShippingOptions {
		v[n] = api.ShippingOption{ID: o.ID, Name: o.Name, Price: dollars(o.Price), EstimatedDays: o.Days}
	}
	return v
}
