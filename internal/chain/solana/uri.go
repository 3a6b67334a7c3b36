package solana

import (
	"crypto/sha256"
	"net/url"
	"strings"

	"github.com/pepay/pepay/internal/money"
)

// URI is a transfer request of Solana Pay, which wallets read from a QR code: so many units
// of a token, "" for SOL, to a wallet. Reference, label and message may be empty.
func URI(recipient, token string, units money.Units, decimals int, reference, label, message string) string {
	var query []string
	add := func(name, value string) {
		if value != "" {
			query = append(query, name+"="+strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
		}
	}
	amount := units.Decimal(decimals)
	if strings.Contains(amount, ".") {
		amount = strings.TrimRight(strings.TrimRight(amount, "0"), ".")
	}
	add("amount", amount)
	add("spl-token", token)
	add("reference", reference)
	add("label", label)
	add("message", message)
	return "solana:" + recipient + "?" + strings.Join(query, "&")
}

// Reference is a key that names a deposit address: a wallet that pays by its URI puts it into
// the transaction, by which that can be found. Nobody has a private key for it, and no money
// goes there.
func Reference(address string) string {
	h := sha256.Sum256([]byte("pepay reference " + address))
	return Key(h).String()
}
