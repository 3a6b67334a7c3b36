package ton

import (
	"net/url"

	"github.com/pepay/pepay/internal/money"
)

// URI returns the text of a QR code that wallets take for a payment: of units of the native
// coin, or of the jetton of a master; none leaves the amount open.
func URI(to, master string, units money.Units) string {
	return link("ton://transfer/", to, master, units)
}

// TonkeeperLink returns the address of a page that opens the wallet Tonkeeper with the payment.
func TonkeeperLink(to, master string, units money.Units) string {
	return link("https://app.tonkeeper.com/transfer/", to, master, units)
}

func link(prefix, to, master string, units money.Units) string {
	q := url.Values{}
	if !units.IsZero() {
		q.Set("amount", units.String())
	}
	if master != "" {
		q.Set("jetton", master)
	}
	if len(q) == 0 {
		return prefix + to
	}
	return prefix + to + "?" + q.Encode()
}
