package web_test

import (
	"strconv"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server/web"
)

// family is what a family of networks adds to a quote: its form of addresses and of links.
type family struct {
	address, mint string
	uri           func(to, mint, amount, units string) string
	links         []map[string]string
}

var families = map[pay.Family]family{
	pay.EVM: {payTo, usdcAt, func(to, mint, _, units string) string {
		if mint == "" {
			return "ethereum:" + to + "@1337?value=" + units
		}
		return "ethereum:" + mint + "@1337/transfer?address=" + to + "&uint256=" + units
	}, nil},
	pay.Solana: {"7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", func(to, mint, amount, _ string) string {
		return "solana:" + to + "?amount=" + amount + "&spl-token=" + mint
	}, nil},
	pay.TON: {"UQBKXy1fKx-3dGrFsmNqUfRqj9dPyR4hWzUFvwRfGQf_8MZ0", "EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs", func(to, mint, _, units string) string {
		return "ton://transfer/" + to + "?amount=" + units + "&jetton=" + mint
	}, []map[string]string{{"name": "Keeper", "url": "https://wallet.example/transfer/UQBK"}, {"name": "Evil", "url": "javascript:alert(1)"}}},
	pay.Cardano: {"addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x", "", func(to, _, amount, _ string) string {
		return "web+cardano:" + to + "?amount=" + amount
	}, nil},
	pay.Sui: {"0x02a212de6a9dfa3a69e22387acfbafbb1a9e591bd9d636e7895dcfc8de05f331", "0xdba34672e30cb065b1f93e3ab55318768fd6fef66c15942c9f7cb846e2f900e7::usdc::USDC", func(to, mint, _, units string) string {
		return "sui:pay?receiver=" + to + "&amount=" + units + "&coinType=" + strings.ReplaceAll(mint, ":", "%3A") + "&nonce=018f4d6e"
	}, nil},
}

// quoted is the server's answer to a page that asks for an address.
func quoted(network string, token int64, dollars string) (map[string]any, error) {
	n := pay.Network{Name: pay.NetworkName(strings.ToLower(network)), Environment: pay.Mainnet}
	f, t := families[n.Name.Family()], pay.Token{Symbol: "USDC", Type: pay.ERC20}
	amount, units, mint := dollars+"0000", strings.ReplaceAll(dollars, ".", "")+"0000", f.mint
	if token == 3 {
		amount, units, mint = "0.010489250000000000", "10489250000000000", ""
	}
	uri := f.uri(f.address, mint, amount, units)
	svg, err := web.QR(uri)
	now := time.Now().Unix()
	return map[string]any{
		"success": true, "quote_status": "available", "temp_address": f.address, "network": network, "supported_token_id": token,
		"estimated_token_amount": amount, "quote_last_updated_at": now, "quote_valid_until": now + 299, "uri": uri, "qr_svg": string(svg),
		"chain_id": 1337, "token_address": mint, "base_units": units, "network_name": n.Name.Title(), "family": string(n.Name.Family()),
		"simulated": false, "links": f.links, "hints": web.Hints(n, t),
		"ws_connection": map[string]string{"token": "ticket", "ws_url": "/ws/payment?format=event_v1"},
	}, err
}

// everything is what a shop takes on ten networks.
func everything(d *web.PageData) {
	d.Tokens = nil
	add := func(symbol, name string, networks ...pay.NetworkName) {
		for _, n := range networks {
			d.Tokens = append(d.Tokens, web.Token{
				ID: strconv.Itoa(100 + len(d.Tokens)), Symbol: symbol, Name: name, Network: string(n), NetworkName: n.Title(), Simulated: d.Dev && n.Family() != pay.EVM,
			})
		}
	}
	add("USDC", "USD Coin", pay.Networks...)
	add("USDT", "Tether USD", "ethereum", "solana", "avalanche", "ton", "bsc", "arbitrum", "optimism")
	add("ETH", "Ether", "ethereum", "base", "arbitrum", "optimism")
	add("SOL", "Solana", "solana")
	add("TON", "Toncoin", "ton")
	add("AVAX", "Avalanche", "avalanche")
	add("BNB", "BNB", "bsc")
	add("ADA", "Cardano", "cardano")
	add("SUI", "Sui", "sui")
	add("WBTC", "Wrapped Bitcoin", "ethereum", "arbitrum")
	add("DOGX", "A coin of the shop’s own", "ethereum")
}
