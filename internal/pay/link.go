package pay

// Link is a page that opens a well-known wallet: on a phone that has it, the wallet itself.
type Link struct {
	Name string // the wallet's
	URL  string // https
}
