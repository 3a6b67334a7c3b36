package view

import (
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

func CheckoutAddress(a pay.ShippingAddress) api.CheckoutAddress { return api.CheckoutAddress{} }
