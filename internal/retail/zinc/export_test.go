package zinc

// For fuzzing, and for a test over every code.
var (
	DecodeProduct = decodeProduct
	DecodeResults = decodeResults
	DecodeOffers  = decodeOffers
	DecodeOrder   = decodeOrder
	DecodeBalance = decodeBalance
	DecodeCase    = decodeCase
)

// Outcomes are the codes that have a meaning.
func Outcomes() (codes []string) {
	for c := range outcomes {
		codes = append(codes, c)
	}
	return codes
}
