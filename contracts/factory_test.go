package contracts_test

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/contracts"
)

// The addresses are promises to everybody who holds a deposit address: this fails if byte code or salt ever change.
func TestAddressesStay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		got  common.Address
		want string
	}{
		{"factory", contracts.Factory, "0x1842d59878426a4D8E23a38F79C8Fb39abd36B80"},
		{"forwarder", contracts.Forwarder, "0x550c6cd0f48877340D7943343a7C6eB38FC1C478"},
		{"test dollar", contracts.TestDollar, "0x526A14AdDc72e9664341B7B46055F0d0309f48A3"},
		{"a deposit", contracts.DepositAddress(common.Address{1}, [32]byte{2}), "0x1538079842C5D93F16Dc3A101E6531EcD6c1a501"},
	} {
		if c.got != common.HexToAddress(c.want) {
			t.Errorf("%s is at %s, want %s", c.what, c.got, c.want)
		}
	}
}

func TestDeploymentProxy(t *testing.T) {
	t.Parallel()
	var tx types.Transaction
	if err := tx.UnmarshalBinary(contracts.DeploymentTx()); err != nil {
		t.Fatal(err)
	}
	sender, err := types.Sender(types.HomesteadSigner{}, &tx)
	if err != nil || sender != contracts.DeploymentTxSender {
		t.Errorf("sender %s, %v", sender, err)
	}
	if got := crypto.CreateAddress(sender, 0); got != contracts.DeploymentProxy {
		t.Errorf("creates %s", got)
	}
	if tx.Cost().Cmp(contracts.DeploymentTxCost()) != 0 {
		t.Errorf("costs %s", tx.Cost())
	}
	c := newChain(t)
	at := c.create(tx.Data())
	if !bytes.Equal(c.code(at), contracts.DeploymentProxyCode) {
		t.Error("the transaction deploys another code than DeploymentProxyCode")
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	if err := contracts.Verify(t.Context(), c.sim.Client()); err == nil || !strings.Contains(err.Error(), "not deployed") {
		t.Errorf("without a factory: %v", err)
	}
	c.send(&contracts.DeploymentProxy, contracts.FactoryDeployData(), 0)
	if err := contracts.Verify(t.Context(), c.sim.Client()); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(c.code(contracts.Factory), contracts.FactoryCode()) {
		t.Error("FactoryCode is not what the chain holds")
	}
	if len(c.code(contracts.Forwarder)) != len(compiled["Forwarder"].Runtime) {
		t.Error("no forwarder where Forwarder says")
	}
}

func TestDepositAddress(t *testing.T) {
	t.Parallel()
	c := newFactoryChain(t)
	rnd := rand.NewChaCha8([32]byte{7})
	for range 400 {
		var receiver common.Address
		var salt [32]byte
		_, _ = rnd.Read(receiver[:])
		_, _ = rnd.Read(salt[:])
		out := c.call(contracts.Factory, must(compiled["Factory"].ABI.Pack("addressOf", receiver, salt)))
		if got := contracts.DepositAddress(receiver, salt); common.BytesToAddress(out) != got {
			t.Fatalf("receiver %s salt %x: the factory says %x, Go says %s", receiver, salt, out, got)
		}
	}
}

func BenchmarkDepositAddress(b *testing.B) {
	var salt [32]byte
	for b.Loop() {
		salt[0]++
		contracts.DepositAddress(common.Address{1}, salt)
	}
}

func TestParseIsStrict(t *testing.T) {
	t.Parallel()
	failed := types.Log{Address: contracts.Factory, Topics: []common.Hash{contracts.FailedTopic, {}, {}}}
	for _, data := range [][]byte{nil, {1}, bytes.Repeat([]byte{0xff}, 64), bytes.Repeat([]byte{0xff}, 320)} {
		failed.Data = data
		if _, ok := contracts.ParseFailed(failed); ok {
			t.Errorf("data %x: accepted", data)
		}
	}
}

func TestPackRefusesOtherNumbers(t *testing.T) {
	t.Parallel()
	for _, n := range []*big.Int{big.NewInt(-1), new(big.Int).Lsh(big.NewInt(1), 256)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was packed", n)
				}
			}()
			contracts.PackTransfer(common.Address{1}, n)
		}()
	}
}
