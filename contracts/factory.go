package contracts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// factorySalt makes the factory's address ours; a change moves every future deposit address.
var factorySalt = crypto.Keccak256Hash([]byte("pepay.factory.1"))

// Factory is the address of the factory on every EVM chain, whether it is deployed there yet or not: it follows from
// DeploymentProxy, a fixed salt and the factory's byte code.
var Factory = crypto.CreateAddress2(DeploymentProxy, factorySalt, crypto.Keccak256(artifacts["Factory"].Bytecode))

// Forwarder is the address of the code that every deposit delegates to. The factory creates it in its constructor, as
// the first contract of its life (nonce 1), so it too is the same everywhere.
var Forwarder = crypto.CreateAddress(Factory, 1)

// FactoryDeployData returns the call data with which anybody may deploy the factory by calling DeploymentProxy.
func FactoryDeployData() []byte { return deployData(factorySalt, artifacts["Factory"].Bytecode) }

// FactoryCode returns the code that a chain must hold at Factory.
func FactoryCode() []byte {
	a := artifacts["Factory"]
	code := slices.Clone(a.Runtime)
	for _, at := range a.Immutables {
		copy(code[at+12:], Forwarder[:])
	}
	return code
}

// DepositAddress returns the deposit address of a receiver and a salt, the same on every EVM chain. Whatever arrives
// there can go to the receiver and nowhere else. The receiver must not be zero: coin sent to such a deposit is lost.
func DepositAddress(receiver common.Address, salt [32]byte) common.Address {
	code := initCode // copies
	copy(code[26:], Forwarder[:])
	copy(code[61:], receiver[:])
	return crypto.CreateAddress2(Factory, salt, crypto.Keccak256(code[:]))
}

// initCode is the init code of a deposit with forwarder and receiver left out; Factory.sol explains it.
var initCode = [81]byte(common.FromHex("3d604780600a3d3981f3" + "36600557005b" +
	"363d3d373d3d3d363d73" + "0000000000000000000000000000000000000000" + "5af43d82803e903d91603157fd5bf3" +
	"0000000000000000000000000000000000000000"))

// Item names one balance to sweep: that of Token (zero: the native coin) at DepositAddress(Receiver, Salt).
type Item struct {
	Receiver common.Address
	Salt     [32]byte
	Token    common.Address
}

// PackSweep returns the call data of Factory.sweep. Anybody may send it. Every item answers with a Swept or a Failed
// event, or with none if its deposit is empty. The call wants up to 320,000 gas more than it uses, so that no item can
// fail for want of gas alone; eth_estimateGas takes that into account.
func PackSweep(items []Item) []byte { return pack("Factory", "sweep", items) }

// Caller is what Verify reads a chain with, such as *ethclient.Client.
type Caller interface {
	CodeAt(ctx context.Context, contract common.Address, block *big.Int) ([]byte, error)
	CallContract(ctx context.Context, call ethereum.CallMsg, block *big.Int) ([]byte, error)
}

// What Verify returns that callers act upon.
var (
	// ErrUnread means that the chain could not be read: nothing is known about the factory on it.
	ErrUnread = errors.New("cannot read the factory")
	// ErrAbsent means that the factory is still to be deployed on the chain.
	ErrAbsent = errors.New("the deposit factory is not deployed")
)

// Verify returns nil if the chain's latest block holds our factory at Factory and the factory computes deposit
// addresses as DepositAddress does. Otherwise coin sent to a deposit could not be moved on that chain for now.
func Verify(ctx context.Context, chain Caller) error {
	code, err := chain.CodeAt(ctx, Factory, nil)
	switch {
	case err != nil:
		return fmt.Errorf("%w: its code: %w", ErrUnread, err)
	case len(code) == 0:
		return fmt.Errorf("%w at %s on this chain", ErrAbsent, Factory)
	case !bytes.Equal(code, FactoryCode()):
		return fmt.Errorf("the code at %s on this chain is not the deposit factory's", Factory)
	}
	receiver, salt := Factory, [32]byte(factorySalt)
	want := DepositAddress(receiver, salt)
	out, err := chain.CallContract(ctx, ethereum.CallMsg{To: &Factory, Data: pack("Factory", "addressOf", receiver, salt)}, nil)
	if err != nil {
		return fmt.Errorf("%w: an address that it makes: %w", ErrUnread, err)
	}
	if !bytes.Equal(out, common.LeftPadBytes(want[:], 32)) {
		return fmt.Errorf("the factory on this chain answers %#x for the deposit %s", out[:min(len(out), 32)], want)
	}
	return nil
}
