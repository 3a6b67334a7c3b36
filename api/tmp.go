package api

type (
	AddressInput   struct{}
	ShippingOption struct{}
)
