package app

import (
	"net/http"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
)

// sources are where production asks for prices: two public APIs, and the feeds on
// Ethereum read over its own nodes when the deployment has any.
func sources(c Config) []rates.Source {
	client := &http.Client{Timeout: rateTimeout}
	all := []rates.Source{&rates.CoinGecko{Client: client, Key: c.CoinGeckoKey}, &rates.Coinbase{Client: client}}
	if n, ok := c.Networks[string(pay.Ethereum.Name)]; ok && len(n.RPC) > 0 && n.Chain == "mainnet" {
		all = append(all, &rates.Chainlink{Client: client, URL: n.RPC[0], Feeds: rates.EthereumFeeds()})
	}
	return all
}
