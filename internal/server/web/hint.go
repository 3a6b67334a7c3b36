package web

import (
	"cmp"
	"strings"

	"github.com/pepay/pepay/internal/pay"
)

// hints are what payors must know, the most important first. They are short, since nobody
// reads more than a few lines before paying.
var hints = []struct {
	family pay.Family // "" for all
	when   func(pay.Network, pay.Token) bool
	text   string
}{
	{"", always, "Send only {token} on {network}. Anything else does not count and may be lost."},
	{pay.Cardano, issued, "The ADA that your wallet sends along does not count towards the amount."},
	{pay.Solana, issued, "Send to this wallet address as it is: your wallet finds the token account."},
	{pay.Solana, always, memo},
	{pay.TON, always, memo},
	{pay.Cardano, always, memo},
	{pay.Sui, always, memo},
	{"", traded, "From an exchange: choose the network {exchange}. This amount must arrive after its fee."},
}

const memo = "No memo or comment is needed: this address is yours alone."

func always(pay.Network, pay.Token) bool     { return true }
func issued(_ pay.Network, t pay.Token) bool { return t.Type != pay.Native }
func traded(n pay.Network, _ pay.Token) bool { return n.Environment == pay.Mainnet && !n.Simulated }

// exchanges are what exchanges call the networks whose titles they do not use.
var exchanges = map[pay.NetworkName]string{
	"ethereum": "Ethereum (ERC20)", "bsc": "BNB Smart Chain (BEP20)", "arbitrum": "Arbitrum One", "optimism": "OP Mainnet (Optimism)",
	"avalanche": "Avalanche C-Chain", "ton": "TON (The Open Network)",
}

// Hints returns what a payor must know who pays with a token on a network, the most
// important first.
func Hints(n pay.Network, t pay.Token) (texts []string) {
	fill := strings.NewReplacer("{token}", t.Symbol, "{network}", n.Name.Title(), "{exchange}", cmp.Or(exchanges[n.Name], n.Name.Title()))
	for _, h := range hints {
		if (h.family == "" || h.family == n.Name.Family()) && h.when(n, t) {
			texts = append(texts, fill.Replace(h.text))
		}
	}
	return texts
}
