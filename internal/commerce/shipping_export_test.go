package commerce

// What checkout does with addresses, for tests of it alone.
var (
	ShippingAddress = (*Commerce).shippingAddress
	SaveAddressIn   = (*Commerce).saveAddressIn
)
