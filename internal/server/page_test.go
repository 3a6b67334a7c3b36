package server_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/server"
	"github.com/pepay/pepay/internal/testkit"
)

// stub is a family whose addresses are a word and a number.
func stub(word string) billing.Wallets {
	return billing.Wallets{
		Canonical: func(a string) (string, error) { return a, nil },
		Deposit:   func(receiver string, salt [32]byte) (string, error) { return fmt.Sprintf("%s%x", word, salt[:4]), nil },
	}
}

// TestPageFamilies shows the page an address on a network of each kind of family: with
// links and without, simulated and not.
func TestPageFamilies(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, nil)
		ton, payTo := stub("UQ"), map[pay.Family]string{pay.TON: "UQmine", pay.Cardano: "addr1mine", pay.EVM: "0x1111111111111111111111111111111111111111"}
		ton.URI = func(n pay.Network, tk pay.Token, to string, u money.Units) string {
			return fmt.Sprintf("ton://transfer/%s?amount=%s&jetton=%s&on=%s", to, u, tk.Address, n.Name)
		}
		ton.Links = func(_ pay.Network, _ pay.Token, to string, _ money.Units) []pay.Link {
			return []pay.Link{{Name: "Keeper", URL: "https://wallet.example/" + to}}
		}
		b := &billing.Billing{
			Store: d.Store, Auth: d.Billing.Auth, Rates: d.Billing.Rates, Log: slog.New(slog.DiscardHandler),
			Wallets: map[pay.Family]billing.Wallets{pay.EVM: app.EVMWallets, pay.TON: ton, pay.Cardano: stub("addr1")},
			Registry: &pay.Registry{
				Networks: []pay.Network{pay.Devchain, {Name: "ton", Environment: pay.Devnet, ChainID: 7, Confirmations: 1, Simulated: true}, {Name: "cardano", Environment: pay.Devnet, Confirmations: 15}, {Name: "sui", Environment: pay.Devnet}},
				Tokens: slices.Concat(pay.DevchainTokens("0x5FbDB2315678afecb367f032d93F642f64180aa3"), []pay.Token{
					{ID: 20, Network: "ton", Environment: pay.Devnet, Symbol: "USDC", Name: "USD Coin", Type: pay.Jetton, Address: "EQmint", Decimals: 6, Price: "USDC"},
					{ID: 21, Network: "cardano", Environment: pay.Devnet, Symbol: "USDC", Name: "USD Coin", Type: pay.Asset, Address: "c0ffee", Decimals: 6, Price: "USDC"},
					{ID: 22, Network: "sui", Environment: pay.Devnet, Symbol: "USDC", Name: "USD Coin", Type: pay.Asset, Address: "0x5", Decimals: 6, Price: "USDC"},
				}),
			},
		}
		s := httptest.NewServer((&server.Server{Billing: b, Auth: b.Auth, Limits: server.NewLimits(server.Rates{PerKey: 1e6, PerSession: 1e6, WrongKeys: 1e6}, nil), Log: b.Log, Now: time.Now}).Handler())
		t.Cleanup(s.Close)
		m, err := b.AddMerchant(t.Context(), pay.Merchant{Name: "Fern & Field", Environment: pay.Devnet}, payTo)
		if err != nil {
			t.Fatal(err)
		}
		_, key, err := b.AddKey(t.Context(), m.ID, "test", pay.ScopeMerchant, pay.Devnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		made := decode[api.CreatedInvoice](t, send(t, d.client, s.URL, "POST /api/v1/invoices", `{"amount_usd":25.5}`, testkit.Headers{"x-api-key", key, "Idempotency-Key", testkit.UUID()}))
		session := testkit.Headers{"x-session-token", made.SessionToken, "x-signature", made.Signature}
		const only, memo = "Send only %s on %s. Anything else does not count and may be lost.", "No memo or comment is needed: this address is yours alone."
		for _, c := range []struct {
			network string
			token   int
			to      string // what the address begins with
			want    map[string]any
		}{
			{"ethereum", 10, "0x", map[string]any{
				"uri": "ethereum:0x5FbDB2315678afecb367f032d93F642f64180aa3@1337/transfer?address={to}&uint256=25500000", "links": []any{}, "family": "evm",
				"simulated": false, "chain_id": 1337.0, "hints": []any{fmt.Sprintf(only, "DUSDC", "Ethereum")}, "network_name": "Ethereum",
			}},
			{"ton", 20, "UQ", map[string]any{
				"uri": "ton://transfer/{to}?amount=25500000&jetton=EQmint&on=ton", "links": []any{map[string]any{"name": "Keeper", "url": "https://wallet.example/{to}"}}, "family": "ton",
				"simulated": true, "chain_id": 0.0, "hints": []any{fmt.Sprintf(only, "USDC", "TON"), memo}, "network_name": "TON",
			}},
			{"cardano", 21, "addr1", map[string]any{
				"uri": "", "links": []any{}, "family": "cardano", "simulated": false, "chain_id": 0.0, "network_name": "Cardano",
				"hints": []any{fmt.Sprintf(only, "USDC", "Cardano"), "The ADA that your wallet sends along does not count towards the amount.", memo},
			}},
		} {
			a := send(t, d.client, s.URL, "POST /pay/address", fmt.Sprintf(`{"network":%q,"tokenId":%d}`, c.network, c.token), session)
			var got map[string]any
			if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			to, _ := got["temp_address"].(string)
			if qr, _ := got["qr_svg"].(string); !strings.HasPrefix(to, c.to) || !strings.HasPrefix(qr, "<svg") || got["estimated_token_amount"] != "25.500000" {
				t.Errorf("%s: %s", c.network, a.body)
			}
			for name, want := range c.want {
				raw, _ := json.Marshal(want)
				have, _ := json.Marshal(got[name])
				if string(have) != strings.ReplaceAll(string(raw), "{to}", to) {
					t.Errorf("%s: %s is %s, want %s", c.network, name, have, raw)
				}
			}
		}
		html := send(t, d.client, s.URL, "GET /pay?session="+made.SessionToken+"&signature="+made.Signature, "", nil).body
		if n := strings.Count(html, "Simulated network: no real coins."); n != 2 || strings.Count(html, "<small>Simulated</small>") != 1 {
			t.Errorf("TON and no other network is simulated; it is said %d times", n)
		}
		if !strings.Contains(html, `value="21"`) || strings.Contains(html, `value="22"`) {
			t.Error("what the merchant has no address for is offered")
		}
		said := decode[api.List[api.Network]](t, send(t, d.client, s.URL, "GET /api/v1/networks", "", testkit.Headers{"x-api-key", key}))
		for i, simulated := range []bool{false, true, false, false} {
			if said.Data[i].Simulated != simulated {
				t.Errorf("%s: simulated %v", said.Data[i].Network, said.Data[i].Simulated)
			}
		}
	})
}
