package app_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/chain/solana"
	"github.com/pepay/pepay/internal/chain/ton"
	devcardano "github.com/pepay/pepay/internal/devchain/cardano"
	devsolana "github.com/pepay/pepay/internal/devchain/solana"
	devsui "github.com/pepay/pepay/internal/devchain/sui"
	devton "github.com/pepay/pepay/internal/devchain/ton"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/simnet"
	"github.com/pepay/pepay/internal/testkit"
)

// ownTokens are lines of a configuration that are true on the simulated networks.
var ownTokens = map[pay.NetworkName]string{
	"solana":  "1500 NEW " + devsolana.NewDollar.String() + " 6 stable price=USDC",
	"ton":     "1501 JUSD " + raw(devton.Other) + " 6 stable price=USDC spelled=USDT",
	"sui":     "1502 USD2 " + devsui.FakeDollar + " 6 stable price=USDC spelled=USDC",
	"cardano": "1503 OTHER " + strings.ToUpper(devcardano.Other.Unit) + " 2 price=ADA",
}

// raw is another form of an address of TON.
func raw(address string) string {
	a, err := ton.Parse(address, true)
	if err != nil {
		panic(err) // of a constant
	}
	return "0:" + hex.EncodeToString(a[:])
}

// configured reads a line as an operator's configuration of a network.
func configured(t *testing.T, name pay.NetworkName, chain, line string) (pay.Token, error) {
	t.Helper()
	lines := []string{`rpc = ["http://127.0.0.1:1"]`, fmt.Sprintf("chain = %q", chain), fmt.Sprintf("tokens = [%q]", line)}
	if name == "ton" || name == "cardano" {
		lines = append(lines, `public_key = "00"`)
	}
	ns, err := networks(t, section(string(name), lines))
	if err != nil {
		return pay.Token{}, err
	}
	return ns[0].Tokens[len(ns[0].Tokens)-1], nil
}

// A token of the operator's is paid and settled on every family of networks as those are
// that come with Pepay.
func TestOwnTokens(t *testing.T) {
	t.Parallel()
	for name, line := range ownTokens {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			own, err := configured(t, name, "testnet", line)
			if err != nil {
				t.Fatal(err)
			}
			testkit.EachDatabase(t, func(t *testing.T, url string) {
				n := testkit.StartNetwork(t, name, simnet.Options{Seed: 1})
				n.Tokens = append(n.Tokens, own)
				s := &networkStory{T: t, n: n, a: testkit.StartOn(t, url, n), before: map[int64]*big.Int{}, sent: map[int64]*big.Int{}}
				for _, token := range n.Tokens {
					s.before[token.ID], s.sent[token.ID] = s.holds(n.Payout, token), new(big.Int)
				}
				b := s.open(own, `{"amount_usd":10}`)
				if p := s.pay(b, b.units); p == "" && name != "ton" {
					t.Error("it was not paid")
				}
				s.exact(b)
				if v := s.a.Status(b.id); v.LatestPayment.SupportedTokenID != own.ID {
					t.Errorf("it was paid in token %d", v.LatestPayment.SupportedTokenID)
				}
				offered := testkit.Ask[[]api.AvailableToken](t, "GET", s.a.URL+"/api/v1/payments/available-tokens?network="+string(name), "", b.payor)
				if len(offered) != 3 || offered[2].ID != own.ID || *offered[2].TokenAddress != own.Address || offered[2].TokenSymbol != own.Symbol {
					t.Errorf("offered %+v", offered)
				}
				s.settled()
			})
		})
	}
}

// What the chain says of an operator's token is held against the configuration at the
// start, and a token that payments cannot be taken in is refused.
func TestStartRefusesAnOwnToken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		network pay.NetworkName
		line    string
		want    string
	}{
		"solana, decimals":       {"solana", "1500 NEW " + devsolana.NewDollar.String() + " 9 price=USDC", "has 6 decimals, not 9"},
		"solana, a fee":          {"solana", "1500 NEW " + devsolana.Taxed.String() + " 6 price=USDC", "cannot be taken: a fee is kept from its transfers"},
		"solana, a hook":         {"solana", "1500 NEW " + devsolana.Hooked.String() + " 6 price=USDC", "cannot be taken: its transfers call another program"},
		"solana, no token":       {"solana", "1500 NEW Hh8QwFUA6MtVu1qAoq12ucvFHNwCcVTV7hpWjeY1Hztb 6 price=USDC", "no token is at Hh8QwFUA6MtVu1qAoq12ucvFHNwCcVTV7hpWjeY1Hztb"},
		"solana, a wallet":       {"solana", "1500 NEW " + solana.Address(devsolana.Wallet()).String() + " 6 price=USDC", "is not a token: it is not of a token program"},
		"ton, decimals":          {"ton", "1501 USDT " + devton.Other + " 9", "has 6 decimals, not 9"},
		"ton, a symbol":          {"ton", "1501 JUSD " + devton.Other + " 6 price=USDC", `has the symbol "USDT" on the chain, not "JUSD"`},
		"ton, no token":          {"ton", "1501 USDT 0:" + strings.Repeat("ab", 32) + " 6", "get_jetton_data"},
		"sui, decimals":          {"sui", "1502 USDC " + devsui.FakeDollar + " 9", "has 6 decimals on chain, the configuration says 9"},
		"sui, a symbol":          {"sui", "1502 USDT " + devsui.FakeDollar + " 6", `has the symbol "USDC" on chain, the configuration says "USDT"`},
		"sui, no token":          {"sui", "1502 USDC 0x2::usdc::USDC 6", "not found"},
		"cardano, decimals":      {"cardano", "1503 OTHER " + devcardano.Other.Unit + " 6 price=ADA", "OTHER has 6 decimals, and 2 by the registry"},
		"cardano, a symbol":      {"cardano", "1503 USDC " + devcardano.Other.Unit + " 2", "USDC is called \"OTHER\" by the registry"},
		"cardano, no such token": {"cardano", "1503 OTHER " + strings.Repeat("ab", 28) + " 2 price=ADA", "does not know OTHER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own, err := configured(t, test.network, "testnet", test.line)
			if err != nil {
				t.Fatal(err)
			}
			n := testkit.StartNetwork(t, test.network, simnet.Options{})
			n.Tokens = append(n.Tokens, own)
			a, err := app.Start(context.Background(), testkit.SimulatedOptions(t, t.TempDir()+"/test.db", n))
			if err == nil {
				_ = a.Stop(context.Background())
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}

// A contract is read in the forms of its family, and kept in one.
func TestOwnTokenForms(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0", 63) + "2"
	for _, test := range []struct {
		network pay.NetworkName
		text    string
		want    string // the canonical form, or the beginning of what is wrong
		kind    pay.TokenType
	}{
		{"solana", devsolana.Dollar.String(), devsolana.Dollar.String(), pay.SPL},
		{"solana", "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", "must be a Solana address", ""},
		{"solana", devsolana.Dollar.String() + "1", "must be a Solana address", ""},
		{"ton", raw(devton.Other), devton.Other, pay.Jetton},
		{"ton", devton.Other, devton.Other, pay.Jetton},
		{"ton", devton.Other[:46] + "__", "", ""},
		{"ton", "1:" + strings.Repeat("ab", 32), "", ""},
		{"sui", "0x2::usdc::USDC", "0x" + long + "::usdc::USDC", pay.Coin},
		{"sui", "0xAB::usdc::USDC", "0x" + strings.Repeat("0", 62) + "ab::usdc::USDC", pay.Coin},
		{"sui", "0x2::sui::SUI", "is the network's own coin", ""},
		{"sui", "0x2::coin::Coin<0x2::sui::SUI>", `"0x2::coin::Coin<0x2::sui::SUI>" is not a coin type`, ""},
		{"cardano", strings.Repeat("AB", 30), strings.Repeat("ab", 30), pay.Asset},
		{"cardano", strings.Repeat("ab", 27), "must be a policy id of 56 hexadecimal digits", ""},
		{"cardano", strings.Repeat("ab", 61), "must be a policy id of 56 hexadecimal digits", ""},
		{"cardano", "asset1" + strings.Repeat("q", 38), "must be a policy id of 56 hexadecimal digits", ""},
	} {
		got, err := configured(t, test.network, "testnet", "1500 USDC "+test.text+" 6 stable")
		switch {
		case test.kind != "":
			want := pay.Token{
				ID: 1500, Network: test.network, Environment: pay.Devnet, Symbol: "USDC", Name: "USDC", Type: test.kind, Address: test.want, Decimals: 6, Stable: true, Price: "USDC",
			}
			if err != nil || got != want {
				t.Errorf("%s %s: got %+v, %v", test.network, test.text, got, err)
			}
		case err == nil || !strings.Contains(err.Error(), "networks."+string(test.network)+".tokens: expected a contract's address that is none: it "+test.want):
			t.Errorf("%s %s: got %v", test.network, test.text, err)
		}
	}
	// A mark of a test network is refused where there is money, and a coin is not taken twice.
	marked := "0QAxt0WUz6ZoLT8KQ6CwVQ1xYUPOnfLuFYa7UaCII84JkFBR" // devton.Other
	for _, test := range []struct {
		network           pay.NetworkName
		chain, line, want string
	}{
		{"ton", "mainnet", "1500 USDC " + marked + " 6", "networks.ton.tokens: expected a contract's address that is none: it "},
		{"ton", "testnet", "1500 USDC " + marked + " 6", ""},
		{"sui", "mainnet", "1500 SUI native 9", `networks.sui.tokens: expected one token with the contract "", not two`},
		{"solana", "mainnet", "1500 USDC EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v 6", `networks.solana.tokens: expected one token with the contract "EPjF`},
		{"solana", "mainnet", "999 USDC " + devsolana.Dollar.String() + " 6", "networks.solana.tokens: expected an id from 1000"},
	} {
		_, err := configured(t, test.network, test.chain, test.line)
		if (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s on %s %s: %v", test.line, test.network, test.chain, err)
		}
	}
}
