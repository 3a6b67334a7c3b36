package client_test

import (
	"encoding/hex"
	"testing"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// A person signs in with a wallet, looks after keys and money, and signs out.
func TestAccount(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		a := testkit.StartApp(t, url, nil)
		wallet, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		address := crypto.PubkeyToAddress(wallet.PublicKey).Hex()
		if err := a.Billing.SaveMember(t.Context(), a.Merchant.ID, pay.Wallet{Type: pay.EthereumWallet, Address: address}, pay.RoleOwner); err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		in := must[api.SignedIn](t)(client.SignIn(ctx, a.URL, "ethereum", address, func(message string) (string, error) {
			s, err := crypto.Sign(accounts.TextHash([]byte(message)), wallet)
			return "0x" + hex.EncodeToString(s), err
		}))
		me := client.NewPerson(a.URL, in.AccessToken).Account
		made := must[api.CreatedKey](t)(me.CreateKey(ctx, api.CreateKeyRequest{Name: new("till"), Scope: new("merchant")}))
		if _, err := client.New(a.URL, made.APIKey).Invoices.Totals(ctx, client.InvoiceFilter{}); err != nil {
			t.Errorf("the new key: %v", err)
		}
		if err := me.RevokeKey(ctx, made.KeyID, "lost"); err != nil {
			t.Error(err)
		}
		found := false
		for _, k := range must[[]api.Key](t)(me.Keys(ctx, "merchant")) {
			found = found || k.KeyID == made.KeyID && k.Status == "revoked" && *k.RevokedReason == "lost"
		}
		if !found {
			t.Error("the revoked key is not listed")
		}
		if err := me.SetEnvironment(ctx, "devnet"); err != nil {
			t.Error(err)
		}
		preference := must[api.SettlementPreference](t)
		if v := preference(me.SetSettlement(ctx, "stables_only")); v.SettlementPreference != "stables_only" || preference(me.Settlement(ctx)).SettlementPreference != "stables_only" {
			t.Errorf("%+v", v)
		}
		set := must[api.SettlementTokenSet](t)
		if v := set(me.SetSettlementToken(ctx, new(int64(testkit.Dollar)))); v.SettlementToken.ID != testkit.Dollar || !set(me.SetSettlementToken(ctx, nil)).Success {
			t.Errorf("%+v", v)
		}
		if v := must[api.PayoutAddress](t)(me.SetPayoutAddress(ctx, "evm", address)); *v.Address != address || *must[[]api.PayoutAddress](t)(me.PayoutAddresses(ctx))[0].Address != address {
			t.Errorf("%+v", v)
		}
		if err := me.SignOut(ctx); err != nil {
			t.Error(err)
		}
		if _, err := me.Settlement(ctx); err == nil {
			t.Error("signed out, and still in")
		}
	})
}
