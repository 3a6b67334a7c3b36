package web_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server/web"
)

func TestHints(t *testing.T) {
	t.Parallel()
	const memo = "No memo or comment is needed: this address is yours alone."
	exchange := func(name string) string {
		return "From an exchange: choose the network " + name + ". This amount must arrive after its fee."
	}
	for _, c := range []struct {
		network pay.NetworkName
		native  string
		asset   []string // after the first, for a token
		both    []string
		called  string
	}{
		{"ethereum", "ETH", nil, nil, "Ethereum (ERC20)"},
		{"base", "ETH", nil, nil, "Base"},
		{"solana", "SOL", []string{"Send to this wallet address as it is: your wallet finds the token account."}, []string{memo}, "Solana"},
		{"avalanche", "AVAX", nil, nil, "Avalanche C-Chain"},
		{"ton", "TON", nil, []string{memo}, "TON (The Open Network)"},
		{"bsc", "BNB", nil, nil, "BNB Smart Chain (BEP20)"},
		{"arbitrum", "ETH", nil, nil, "Arbitrum One"},
		{"optimism", "ETH", nil, nil, "OP Mainnet (Optimism)"},
		{"cardano", "ADA", []string{"The ADA that your wallet sends along does not count towards the amount."}, []string{memo}, "Cardano"},
		{"sui", "SUI", nil, []string{memo}, "Sui"},
		{"polygon", "POL", nil, nil, "Polygon"}, // an operator's own
	} {
		only := func(symbol string) string {
			return "Send only " + symbol + " on " + c.network.Title() + ". Anything else does not count and may be lost."
		}
		main := pay.Network{Name: c.network, Environment: pay.Mainnet}
		test, sim := pay.Network{Name: c.network, Environment: pay.Devnet}, main
		sim.Simulated = true
		coin, token := pay.Token{Symbol: c.native, Type: pay.Native}, pay.Token{Symbol: "USDC", Type: pay.SPL}
		for _, x := range []struct {
			name string
			got  []string
			want [][]string
		}{
			{"native", web.Hints(main, coin), [][]string{{only(c.native)}, c.both, {exchange(c.called)}}},
			{"token", web.Hints(main, token), [][]string{{only("USDC")}, c.asset, c.both, {exchange(c.called)}}},
			{"on a testnet, which no exchange has", web.Hints(test, token), [][]string{{only("USDC")}, c.asset, c.both}},
			{"simulated", web.Hints(sim, coin), [][]string{{only(c.native)}, c.both}},
		} {
			if want := slices.Concat(x.want...); !slices.Equal(x.got, want) {
				t.Errorf("%s, %s:\n%q, want\n%q", c.network, x.name, x.got, want)
			}
			for _, text := range x.got {
				if len(text) > 120 || strings.ContainsAny(text, "{}") {
					t.Errorf("%s, %s: too long to be read, or unfinished: %s", c.network, x.name, text)
				}
			}
		}
	}
	for _, n := range pay.Networks {
		if len(web.Hints(pay.Network{Name: n, Environment: pay.Mainnet}, pay.Token{Symbol: "USDC", Type: pay.SPL})) > 4 {
			t.Errorf("%s: more than four are not read", n)
		}
	}
}
