package web

import (
	"cmp"
	"strings"

	"github.com/pepay/pepay/internal/pay"
)

// hints are what payors must know, the most important first. They are short, since nobody
// reads more than a few lines before paying, and true of every wallet.
var hints = []struct {
	family pay.Family // "" for all
	when   func(pay.Network, pay.Token) bool
	text   string
}{
	{"", always, "Send only {token} on {network}. Other tokens, and {token} on other networks, do not pay this invoice and may be lost."},
	{pay.Cardano, issued, "Your wallet sends a little ADA along with {token}, because Cardano asks for it. That ADA does not count towards the amount."},
	{pay.Solana, issued, "This is a wallet address. Send {token} to it as it is: your wallet finds the token account by itself."},
	{pay.Solana, always, memo},
	{pay.TON, always, memo},
	{pay.Cardano, always, memo},
	{pay.Sui, always, memo},
	{"", real, "From an exchange: choose the network {exchange}, and withdraw so much that this amount arrives after the exchange’s fee."},
}

const memo = "No memo, tag or comment is needed: this address is for this payment alone."

func always(pay.Network, pay.Token) bool     { return true }
func issued(_ pay.Network, t pay.Token) bool { return t.Type != pay.Native }
func real(n pay.Network, _ pay.Token) bool   { return n.Environment == pay.Mainnet && !n.Simulated }

// exchanges are what exchanges call the networks whose titles they do not use.
var exchanges = map[pay.NetworkName]string{
	"ethereum": "Ethereum (ERC20)", "bsc": "BNB Smart Chain (BEP20)", "arbitrum": "Arbitrum One", "optimism": "OP Mainnet (Optimism)",
	"avalanche": "Avalanche C-Chain", "ton": "TON (The Open Network)",
}

// Hints returns what a payor must know who pays with a token on a network, each in a
// sentence or two, the most important first.
func Hints(n pay.Network, t pay.Token) (texts []string) {
	fill := strings.NewReplacer("{token}", t.Symbol, "{network}", n.Name.Title(), "{exchange}", cmp.Or(exchanges[n.Name], n.Name.Title()))
	for _, h := range hints {
		if (h.family == "" || h.family == n.Name.Family()) && h.when(n, t) {
			texts = append(texts, fill.Replace(h.text))
		}
	}
	return texts
}
