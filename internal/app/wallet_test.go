package app_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

// Contracts that are asked about a signature, as byte code. The honest one takes a
// signature whose first word is the digest.
var contractsAsked = map[string]struct {
	code string
	want bool
}{
	"honest":      {"60043560643514600f5760006000fd5b631626ba7e60e01b60005260206000f3", true},
	"says no":     {"60206000f3", false},
	"says 1":      {"600160005260206000f3", false},
	"too short":   {"631626ba7e60e01b60005260046000f3", false},
	"too long":    {"631626ba7e60e01b60005260406000f3", false},
	"dirty":       {"631626ba7e60e01b60ff1760005260206000f3", false},
	"reverts":     {"60006000fd", false},
	"never ends":  {"5b600056", false},
	"floods":      {"620fffff6000f3", false},
	"no contract": {"", false},
}

// deploy puts a contract with that byte code on the chain.
func deploy(t *testing.T, a *testkit.App, digits string) common.Address {
	t.Helper()
	client, code := a.Chain.Client(), common.FromHex(digits)
	id, err := client.ChainID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	from := crypto.PubkeyToAddress(a.Wallet.Key.PublicKey)
	// Init code that returns what follows it.
	init := append([]byte{0x60, byte(len(code)), 0x80, 0x60, 0x0b, 0x60, 0x00, 0x39, 0x60, 0x00, 0xf3}, code...)
	nonce, err := client.PendingNonceAt(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	fee, err := client.SuggestGasPrice(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tx, err := types.SignNewTx(a.Wallet.Key, types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce, GasTipCap: common.Big1, GasFeeCap: fee.Mul(fee, common.Big2), Gas: 200_000, Data: init,
	})
	if err == nil {
		err = client.SendTransaction(t.Context(), tx)
	}
	if err != nil {
		t.Fatal(err)
	}
	address := crypto.CreateAddress(from, nonce)
	testkit.Eventually(t, "the contract is there", func() bool {
		a.Mine(1)
		b, err := client.CodeAt(t.Context(), address, nil)
		return err == nil && len(b) == len(code)
	})
	return address
}

func TestContractWallets(t *testing.T) {
	t.Parallel()
	a := testkit.StartApp(t, t.TempDir()+"/test.db", nil)
	digest := crypto.Keccak256Hash([]byte("message"))
	for name, c := range contractsAsked {
		address := common.HexToAddress("0x1234567890123456789012345678901234567890")
		if c.code != "" {
			address = deploy(t, a, c.code)
		}
		for signature, want := range map[string]bool{digest.Hex(): c.want, "0x" + strings.Repeat("ee", 97): false} {
			if name != "honest" && want {
				continue
			}
			got, err := a.Billing.Contract(t.Context(), address.Hex(), digest, common.FromHex(signature))
			if got != want || err != nil {
				t.Errorf("%s: %t, %v, want %t", name, got, err, want)
			}
		}
	}
}

// ownedBy is a contract that takes what its owner signed: it recovers the signer of the
// digest, reverts unless that is the owner, and answers EIP-1271's word.
func ownedBy(owner common.Address) string {
	return "600435600052" + "60a43560f81c602052" + "606435604052" + "608435606052" + "602060006080600060015afa50" +
		"73" + owner.Hex()[2:] + "60005114" + "604957" + "60006000fd" + "5b631626ba7e60e01b60005260206000f3"
}

// A wallet that is a contract signs in as any other: its owner signs for it.
func TestContractWalletSignsIn(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		a := testkit.StartApp(t, database, nil)
		client := &http.Client{Transport: testkit.OpenAPI(t).Transport(t, http.DefaultTransport)}
		ask := func(method, path, body, bearer string, into any) int {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			if bearer != "" {
				r.Header.Set("Authorization", "Bearer "+bearer)
			}
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close() //nolint:errcheck // it was read
			if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode
		}
		owner, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		stranger, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		wallet := deploy(t, a, ownedBy(crypto.PubkeyToAddress(owner.PublicKey))).Hex()
		if err := a.Billing.SaveMember(t.Context(), a.Merchant.ID, pay.Wallet{Type: pay.EthereumWallet, Address: wallet}, pay.RoleOwner); err != nil {
			t.Fatal(err)
		}
		var c api.Challenge
		if status := ask("POST", "/api/auth/wallet/challenge", fmt.Sprintf(`{"walletAddress":%q,"walletType":"ethereum"}`, wallet), "", &c); status != 200 {
			t.Fatal(status)
		}
		verify := func(key *ecdsa.PrivateKey, message string, into any) int {
			digest := auth.Digest(message)
			signature, err := crypto.Sign(digest[:], key)
			if err != nil {
				t.Fatal(err)
			}
			signature[64] += 27
			return ask("POST", "/api/auth/wallet/verify", fmt.Sprintf(`{"challengeId":%q,"signature":"0x%x","walletAddress":%q,"walletType":"ethereum"}`, c.ChallengeID, signature, wallet), "", into)
		}
		var refused json.RawMessage
		for name, wrong := range map[string]func() int{
			"a stranger's": func() int { return verify(stranger, c.Message, &refused) },
			"another text": func() int { return verify(owner, c.Message+" ", &refused) },
		} {
			if status := wrong(); status != 401 || !strings.Contains(string(refused), `"TOKEN_INVALID"`) {
				t.Errorf("%s: %d %s", name, status, refused)
			}
		}
		var in api.SignedIn
		if status := verify(owner, c.Message, &in); status != 200 || in.AccessToken == "" {
			t.Fatalf("%d %+v", status, in)
		}
		var keys json.RawMessage
		if status := ask("GET", "/api/v1/api-keys", "", in.AccessToken, &keys); status != 200 {
			t.Errorf("the token opens %d", status)
		}
		if status := verify(owner, c.Message, &refused); status != 401 {
			t.Errorf("twice: %d", status)
		}
	})
}
