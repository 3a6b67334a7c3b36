package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pepay/pepay/api"
)

// Tokens are what payors can pay in, and at what price.
type Tokens struct{ c *Client }

// List returns the tokens of an environment, "" for that of the key, and which of them
// you take.
func (s Tokens) List(ctx context.Context, environment string) (api.MerchantTokens, error) {
	q := url.Values{}
	set(q, "environment", environment)
	return call[api.MerchantTokens](ctx, s.c, http.MethodGet, "/api/v1/merchant/tokens", q, nil)
}

// TokenSearch selects tokens. Its zero value is all of them.
type TokenSearch struct {
	Text          string // in a symbol, a name or an address, in any case
	Environment   string // devnet, mainnet
	Network       string
	Type          string // native, erc20, …
	Limit, Offset int    // 0 for the server's 50, and for the beginning
}

// Search returns a page of the tokens that match.
func (s Tokens) Search(ctx context.Context, t TokenSearch) (api.FoundTokens, error) {
	q := url.Values{}
	for name, text := range map[string]string{"search": t.Text, "environment": t.Environment, "network": t.Network, "token_type": t.Type} {
		set(q, name, text)
	}
	for name, n := range map[string]int{"limit": t.Limit, "offset": t.Offset} {
		if n > 0 {
			q.Set(name, strconv.Itoa(n))
		}
	}
	return call[api.FoundTokens](ctx, s.c, http.MethodGet, "/api/v1/merchant/tokens/search", q, nil)
}

// Block says whether payors may no longer choose a token.
func (s Tokens) Block(ctx context.Context, token int64, blocked bool) error {
	_, err := call[api.TokenBlocked](ctx, s.c, http.MethodPost, "/api/v1/merchant/tokens/"+strconv.FormatInt(token, 10)+"/block", nil,
		api.BlockTokenRequest{Blocked: &blocked})
	return err
}

// SetAcceptance says which tokens you take: accept_all, accept_none, or selective, which
// is all that are not blocked.
func (s Tokens) SetAcceptance(ctx context.Context, policy string) error {
	_, err := call[api.AcceptancePolicySaved](ctx, s.c, http.MethodPut, "/api/v1/merchant/acceptance-policy", nil,
		api.AcceptancePolicyRequest{AcceptancePolicy: &policy})
	return err
}

// Quote returns what an amount of dollars, decimal text, would cost in a token now.
func (s Tokens) Quote(ctx context.Context, network string, token int64, amountUSD string) (api.PreviewQuote, error) {
	q := url.Values{"network": {network}, "token_id": {strconv.FormatInt(token, 10)}, "amount_usd": {amountUSD}}
	return call[api.PreviewQuote](ctx, s.c, http.MethodGet, "/api/v1/quotes", q, nil)
}

// Rates returns the price of every symbol, where it comes from and how old it is.
func (s Tokens) Rates(ctx context.Context) ([]api.Rate, error) {
	l, err := call[api.List[api.Rate]](ctx, s.c, http.MethodGet, "/api/v1/rates", nil, nil)
	return l.Data, err
}
