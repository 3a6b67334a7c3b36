package api

import "encoding/json"

// ShippingAddressInput is the address in the second step of a checkout.
type ShippingAddressInput struct {
	FirstName     string `json:"first_name"`
	LastName      string `json:"last_name"`
	StreetAddress string `json:"street_address"`
	AddressLine2  string `json:"address_line2"` // may be left out
	City          string `json:"city"`
	State         string `json:"state"` // two letters, or a name
	ZipCode       string `json:"zip_code"`
	Country       string `json:"country"` // US
	Phone         string `json:"phone"`
	Email         string `json:"email"` // may be left out
}

// StandardAddress is the same address as it goes to the retailer. What was left out is
// "".
type StandardAddress ShippingAddressInput

// ShippingOption is a way to send things.
type ShippingOption struct {
	ID            string      `json:"id"`
	Name          string      `json:"name"`
	Price         json.Number `json:"price"` // dollars; for information
	EstimatedDays string      `json:"estimatedDays"`
}

// AddressList is a page of a customer's saved addresses, newest first.
type AddressList struct {
	Addresses []SavedAddress `json:"addresses"`
}

// SavedAddress is an address a customer has had something sent to.
type SavedAddress struct {
	AddressID     string  `json:"addressId"`
	CustomerID    *string `json:"customerId"`
	WalletAddress *string `json:"walletAddress"`
	WalletNetwork *string `json:"walletNetwork"`
	FirstName     string  `json:"firstName"`
	LastName      string  `json:"lastName"`
	AddressLine1  string  `json:"addressLine1"`
	AddressLine2  string  `json:"addressLine2"` // "" for none
	City          string  `json:"city"`
	State         string  `json:"state"`
	ZipCode       string  `json:"zipCode"`
	Country       string  `json:"country"`
	PhoneNumber   string  `json:"phoneNumber"`
	Email         string  `json:"email"` // "" for none
	IsValidated   bool    `json:"isValidated"`
	ValidatedAt   *int64  `json:"validatedAt"` // epoch seconds
	CreatedAt     int64   `json:"createdAt"`   // epoch seconds
}
