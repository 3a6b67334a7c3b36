package view

import (
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// Network renders a network that is served, its tokens, and how far it is proven.
func Network(n pay.Network, tokens []pay.Token, p pay.Proof) api.Network {
	v := api.Network{
		Object: "network", Network: string(n.Name), Title: n.Name.Title(), Family: string(n.Name.Family()), URIScheme: n.Name.Family().URIScheme(), Environment: string(n.Environment),
		Confirmations: n.Confirmations, BlockTimeMS: n.BlockTime.Milliseconds(), Simulated: n.Simulated, Tokens: []string{},
	}
	for _, t := range tokens {
		if t.Network == n.Name {
			v.Tokens = append(v.Tokens, t.Symbol)
		}
	}
	if p.Final.Hash != "" {
		v.SinceHeight, v.SeenHeight, v.ProvenHeight = &p.Since, &p.Seen.Height, &p.Final.Height
		v.ProvenHash, v.ProvenAt = &p.Final.Hash, seconds(p.Final.Time)
	}
	return v
}
