package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/pepay/pepay/api"
)

// NewPerson returns a client for somebody who is signed in, which reaches Account and
// most of the rest. The access token is what SignIn returned.
func NewPerson(baseURL, accessToken string) *Client {
	return newClient(baseURL, http.Header{"Authorization": {"Bearer " + accessToken}})
}

// SignIn signs a wallet, of type ethereum or solana, in: sign gets the message, byte for
// byte, and returns the wallet's signature.
func SignIn(ctx context.Context, baseURL, walletType, address string, sign func(message string) (string, error)) (api.SignedIn, error) {
	c := newClient(baseURL, http.Header{})
	made, err := call[api.Challenge](ctx, c, http.MethodPost, "/api/auth/wallet/challenge", nil,
		api.ChallengeRequest{WalletAddress: address, WalletType: walletType})
	if err != nil {
		return api.SignedIn{}, err
	}
	signature, err := sign(made.Message)
	if err != nil {
		return api.SignedIn{}, err
	}
	return call[api.SignedIn](ctx, c, http.MethodPost, "/api/auth/wallet/verify", nil, api.SignInRequest{
		ChallengeID: made.ChallengeID, Signature: signature, WalletAddress: address, WalletType: walletType,
	})
}

// Account is what only people can look after: keys, and where money goes. It needs a
// client of NewPerson.
type Account struct{ c *Client }

// SignOut ends the login at once, everywhere.
func (s Account) SignOut(ctx context.Context) error {
	_, err := call[api.Outcome](ctx, s.c, http.MethodPost, "/api/auth/wallet/logout", nil, nil)
	return err
}

// Keys returns the API keys of a scope, merchant or commerce, or with "" all.
func (s Account) Keys(ctx context.Context, scope string) ([]api.Key, error) {
	q := url.Values{}
	set(q, "scope", scope)
	return call[[]api.Key](ctx, s.c, http.MethodGet, "/api/v1/api-keys", q, nil)
}

// CreateKey makes an API key. Its APIKey is not to be had again.
func (s Account) CreateKey(ctx context.Context, in api.CreateKeyRequest) (api.CreatedKey, error) {
	return call[api.CreatedKey](ctx, s.c, http.MethodPost, "/api/v1/api-keys", nil, in)
}

// RevokeKey revokes an API key for good.
func (s Account) RevokeKey(ctx context.Context, id, reason string) error {
	_, err := call[api.KeyRevoked](ctx, s.c, http.MethodPost, "/api/v1/api-keys/"+url.PathEscape(id)+"/revoke", nil, api.RevokeKeyRequest{Reason: &reason})
	return err
}

// SetEnvironment says where new work happens: devnet or mainnet.
func (s Account) SetEnvironment(ctx context.Context, environment string) error {
	_, err := call[api.EnvironmentSet](ctx, s.c, http.MethodPut, "/api/v1/user/environment", nil, api.EnvironmentRequest{Environment: &environment})
	return err
}

const (
	preferencePath = "/api/v1/merchant/settlement-preference"
	payoutPath     = "/api/v1/merchant/payout-addresses"
)

// Settlement returns what you want to be paid in.
func (s Account) Settlement(ctx context.Context) (api.SettlementPreference, error) {
	return call[api.SettlementPreference](ctx, s.c, http.MethodGet, preferencePath, nil, nil)
}

// SetSettlement says what payors are offered: stables_only, stables_preferred or tokens.
func (s Account) SetSettlement(ctx context.Context, preference string) (api.SettlementPreference, error) {
	return call[api.SettlementPreference](ctx, s.c, http.MethodPut, preferencePath, nil, api.PreferenceRequest{SettlementPreference: &preference})
}

// SetSettlementToken names the stable coin you would rather have, nil for the default.
func (s Account) SetSettlementToken(ctx context.Context, token *int64) (api.SettlementTokenSet, error) {
	id, err := json.Marshal(token)
	if err != nil {
		return api.SettlementTokenSet{}, err
	}
	return call[api.SettlementTokenSet](ctx, s.c, http.MethodPut, "/api/v1/merchant/settlement-token", nil, api.SettlementTokenRequest{SettlementTokenID: id})
}

// PayoutAddresses returns where proceeds go, one for each family of networks.
func (s Account) PayoutAddresses(ctx context.Context) ([]api.PayoutAddress, error) {
	l, err := call[api.List[api.PayoutAddress]](ctx, s.c, http.MethodGet, payoutPath, nil, nil)
	return l.Data, err
}

// SetPayoutAddress changes where the proceeds of new addresses go. What it returns says
// from when: see Pending.
func (s Account) SetPayoutAddress(ctx context.Context, family, address string) (api.PayoutAddress, error) {
	return call[api.PayoutAddress](ctx, s.c, http.MethodPut, payoutPath, nil, api.PayoutRequest{Family: &family, Address: &address})
}
