package app

import (
	"net/http"
	"time"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
)

// sources are where production asks for prices: public APIs that need no key, of which at
// least three know each symbol, and the feeds on Ethereum read over its own nodes when the
// deployment has any.
func sources(c Config) []rates.Source {
	client := &http.Client{Timeout: rateTimeout}
	all := []rates.Source{
		&rates.CoinGecko{Client: client, Key: c.CoinGeckoKey}, &rates.Coinbase{Client: client},
		&rates.Kraken{Client: client, Now: time.Now}, &rates.Bitstamp{Client: client},
	}
	if n, ok := c.Networks[string(pay.Ethereum.Name)]; ok && len(n.RPC) > 0 && n.Chain == "mainnet" {
		all = append(all, &rates.Chainlink{Client: client, URLs: n.RPC, Feeds: rates.EthereumFeeds()})
	}
	return all
}

// scarce warns of what too few sources know to agree about: its payors get no amounts.
func (a *App) scarce() {
	for _, symbol := range a.board.Symbols {
		known := []string{}
		for _, s := range a.Sources {
			if s.Knows(symbol) {
				known = append(known, s.Name())
			}
		}
		if len(known) < max(a.Quorum, 1) {
			a.Log.Warn("nobody can be told what tokens of this symbol cost: fewer price sources know it than must agree by rates.quorum",
				"symbol", symbol, "sources", known, "quorum", a.Quorum)
		}
	}
}
