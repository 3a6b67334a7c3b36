package app_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
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

func TestContractWallets(t *testing.T) {
	t.Parallel()
	a := testkit.StartApp(t, t.TempDir()+"/test.db", nil)
	client, digest := a.Chain.Client(), crypto.Keccak256Hash([]byte("message"))
	id, err := client.ChainID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	from := crypto.PubkeyToAddress(a.Wallet.Key.PublicKey)
	for name, c := range contractsAsked {
		address := common.HexToAddress("0x1234567890123456789012345678901234567890")
		if c.code != "" {
			code, err := hex.DecodeString(c.code)
			if err != nil {
				t.Fatal(err)
			}
			// Init code that returns what follows it.
			init := append([]byte{0x60, byte(len(code)), 0x80, 0x60, 0x0b, 0x60, 0x00, 0x39, 0x60, 0x00, 0xf3}, code...)
			nonce, err := client.PendingNonceAt(t.Context(), from)
			if err != nil {
				t.Fatal(err)
			}
			tip := common.Big1
			fee, err := client.SuggestGasPrice(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			tx, err := types.SignNewTx(a.Wallet.Key, types.LatestSignerForChainID(id), &types.DynamicFeeTx{
				ChainID: id, Nonce: nonce, GasTipCap: tip, GasFeeCap: fee.Mul(fee, common.Big2), Gas: 200_000, Data: init,
			})
			if err == nil {
				err = client.SendTransaction(t.Context(), tx)
			}
			if err != nil {
				t.Fatal(err)
			}
			address = crypto.CreateAddress(from, nonce)
			testkit.Eventually(t, name+" is there", func() bool {
				a.Mine(1)
				b, err := client.CodeAt(t.Context(), address, nil)
				return err == nil && len(b) == len(code)
			})
		}
		for signature, want := range map[string]bool{digest.Hex(): c.want, "0x" + strings.Repeat("ee", 97): false} {
			if name != "honest" && want {
				continue
			}
			got, err := a.Billing.Wallets.Contract(t.Context(), address.Hex(), digest, common.FromHex(signature))
			if got != want || err != nil {
				t.Errorf("%s: %t, %v, want %t", name, got, err, want)
			}
		}
	}
}
