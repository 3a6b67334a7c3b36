package api

import "encoding/json"

// Number is a JSON number of a request, as it was written: exact, and never a
// float. Anything else than a number unmarshals to a Number that is not Valid, so
// that each field can answer for itself what is wrong.
type Number string

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(b []byte) error {
	*n = ""
	if b[0] == '-' || b[0] >= '0' && b[0] <= '9' {
		*n = Number(b)
	}
	return nil
}

// MarshalJSON implements json.Marshaler: the number as it was written, null for one
// that is not Valid. A text that is no number is an error.
func (n Number) MarshalJSON() ([]byte, error) {
	if n == "" {
		return []byte("null"), nil
	}
	return json.Marshal(json.Number(n))
}

// Valid reports whether the field held a number.
func (n Number) Valid() bool { return n != "" }

// Dollars is a JSON number of dollars, such as 13.99.
type Dollars = json.Number
