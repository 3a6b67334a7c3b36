package contracts_test

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"

	"github.com/pepay/pepay/contracts"
)

var (
	coin     common.Address
	receiver = common.HexToAddress("0x00000000000000000000000000000000000a11ce")
)

// dollar deploys the test dollar to its own address.
func (c *chain) dollar() common.Address {
	c.t.Helper()
	c.send(&contracts.DeploymentProxy, contracts.TestDollarDeployData(), 0)
	return contracts.TestDollar
}

// fund puts n base units of the item's token on its deposit, which it returns.
func (c *chain) fund(i contracts.Item, n int64) common.Address {
	c.t.Helper()
	deposit := contracts.DepositAddress(i.Receiver, i.Salt)
	if i.Token == coin {
		c.send(&deposit, nil, n)
	} else {
		c.send(&i.Token, contracts.PackMint(deposit, big.NewInt(n)), 0)
	}
	return deposit
}

// sweptLog is the factory's report that a deposit's balance went to its receiver.
type sweptLog struct {
	Deposit, Token, Receiver common.Address // Token is zero for the native coin
	Amount                   *big.Int
}

// parseSwept reads a log as one; false if it is anything else.
func parseSwept(l types.Log) (s sweptLog, ok bool) {
	if l.Address != contracts.Factory || len(l.Topics) != 4 || l.Topics[0] != compiled["Factory"].ABI.Events["Swept"].ID {
		return s, false
	}
	at := func(n int) common.Address { return common.Address(l.Topics[n][12:]) }
	return sweptLog{Deposit: at(1), Token: at(2), Receiver: at(3), Amount: new(big.Int).SetBytes(l.Data)}, true
}

// outcome reads the factory's events of a receipt.
func outcome(t *testing.T, r *types.Receipt) (swept []sweptLog, failed []contracts.Failed) {
	t.Helper()
	for _, l := range r.Logs {
		if s, ok := parseSwept(*l); ok {
			swept = append(swept, s)
		} else if f, ok := contracts.ParseFailed(*l); ok {
			failed = append(failed, f)
		} else if l.Address == contracts.Factory {
			t.Errorf("unread event %v", l)
		}
	}
	return swept, failed
}

func TestSweep(t *testing.T) {
	t.Parallel()
	c := newFactoryChain(t)
	for name, token := range map[string]common.Address{
		"coin": coin, "dollar": c.dollar(),
		"no return": c.create(compiled["NoReturn"].Bytecode), "verbose": c.create(compiled["Verbose"].Bytecode),
	} {
		before := c.balance(token, receiver)
		item := contracts.Item{Receiver: receiver, Salt: [32]byte([]byte(name + "00000000000000000000000000000000")), Token: token}

		if r := c.sweep(item); len(r.Logs) != 0 || len(c.code(contracts.DepositAddress(receiver, item.Salt))) != 0 {
			t.Errorf("%s: sweeping nothing did something", name)
		}
		total := int64(0)
		// The first finds no code at the deposit; the second is late; a repeated item finds nothing more.
		for _, n := range []int64{1000, 77} {
			deposit := c.fund(item, n)
			total += n
			swept, failed := outcome(t, c.sweep(item, item))
			if len(swept) != 1 || len(failed) != 0 {
				t.Fatalf("%s: swept %v, failed %v", name, swept, failed)
			}
			got := swept[0]
			if got.Deposit != deposit || got.Token != token || got.Receiver != receiver || got.Amount.Int64() != n {
				t.Errorf("%s: swept %+v", name, got)
			}
			if c.balance(token, deposit) != 0 || c.balance(token, receiver)-before != total {
				t.Errorf("%s: %d left, receiver got %d of %d", name, c.balance(token, deposit), c.balance(token, receiver)-before, total)
			}
		}
	}
}

// Late coin from a contract that passes on only 2300 gas must not bounce off the deployed proxy.
func TestLateCoinWithLittleGas(t *testing.T) {
	t.Parallel()
	c := newFactoryChain(t)
	stingy := c.create(compiled["Stingy"].Bytecode)
	item := contracts.Item{Receiver: receiver}
	deposit := c.fund(item, 5)
	c.sweep(item)
	c.send(&stingy, must(compiled["Stingy"].ABI.Pack("pay", deposit)), 6)
	if swept, _ := outcome(t, c.sweep(item)); len(swept) != 1 || swept[0].Amount.Int64() != 6 {
		t.Errorf("swept %v", swept)
	}
}

func TestFailuresStayAlone(t *testing.T) {
	t.Parallel()
	c := newFactoryChain(t)
	dollar := c.dollar()
	burner := c.create(compiled["GasBurner"].Bytecode)
	good := []contracts.Item{
		{Receiver: receiver, Salt: [32]byte{1}}, {Receiver: receiver, Salt: [32]byte{1}, Token: dollar}, {Receiver: receiver, Salt: [32]byte{2}},
	}
	bad := []contracts.Item{
		{Receiver: burner},                                      // burns what it gets
		{Receiver: contracts.Factory},                           // takes no coin
		{Receiver: receiver, Token: common.Address{0xde, 0xad}}, // no code
		{Receiver: receiver, Token: c.create(compiled["ReturnsFalse"].Bytecode)},
		{Receiver: receiver, Token: c.create(compiled["Liar"].Bytecode)},
		{Receiver: receiver, Token: c.create(compiled["Bomb"].Bytecode)},
		{Receiver: receiver, Token: c.create(compiled["Furnace"].Bytecode)},
		{Receiver: receiver, Token: contracts.DepositAddress(receiver, [32]byte{1})},
	}
	for _, i := range good {
		c.fund(i, 100)
	}
	for n, i := range bad {
		if n != 2 && n < 6 {
			c.fund(i, 100)
		}
	}
	var items []contracts.Item
	for n, i := range bad {
		items = append(items, i)
		if n < len(good) {
			items = append(items, good[n])
		}
	}
	r := c.sweep(items...)
	swept, failed := outcome(t, r)
	if len(swept) != len(good) || len(failed) != len(bad) {
		t.Fatalf("swept %d of %d, failed %d of %d", len(swept), len(good), len(failed), len(bad))
	}
	for n, f := range failed {
		if want := contracts.DepositAddress(bad[n].Receiver, bad[n].Salt); f.Deposit != want || f.Token != bad[n].Token {
			t.Errorf("item %d: %+v", n, f)
		}
		if len(f.Reason) > 256 {
			t.Errorf("item %d: the reason has %d bytes", n, len(f.Reason))
		}
		if n < 6 && n != 2 && c.balance(f.Token, f.Deposit) != 100 {
			t.Errorf("item %d: failed, but money moved", n)
		}
	}
	notAToken, nothingMoved := crypto.Keccak256([]byte("NotAToken()"))[:4], crypto.Keccak256([]byte("NothingMoved()"))[:4]
	bomb := make([]byte, 256)
	bomb[95] = 0x80 // what solc leaves at the start of memory
	for n, want := range [][]byte{{}, {}, notAToken, make([]byte, 32), nothingMoved, bomb, notAToken, notAToken} {
		if !bytes.Equal(failed[n].Reason, want) {
			t.Errorf("item %d: reason %x, want %x", n, failed[n].Reason, want)
		}
	}
	t.Logf("%d good and %d bad items: %d gas", len(good), len(bad), r.GasUsed)
}

// Whatever gas a caller sends, a healthy item is swept or the batch reverts; it never counts as failed.
func TestLittleGasCannotFakeAFailure(t *testing.T) {
	t.Parallel()
	c := newFactoryChain(t)
	heavy := c.create(compiled["Heavy"].Bytecode) // what a cheap one leaves over would not pay for the event
	items := []contracts.Item{{Receiver: receiver, Token: heavy}, {Receiver: receiver}}
	c.fund(items[0], 100)
	c.fund(items[1], 100)
	data := contracts.PackSweep(items)
	for gas := uint64(30_000); ; gas += 5_000 {
		r := c.tryGas(&contracts.Factory, data, 0, gas)
		swept, failed := outcome(t, r)
		if len(failed) != 0 {
			t.Fatalf("with %d gas: failed %v", gas, failed)
		}
		if r.Status == types.ReceiptStatusSuccessful {
			if len(swept) != 2 {
				t.Errorf("with %d gas: swept %v", gas, swept)
			}
			return
		}
	}
}

// Ethereum's Glamsterdam upgrade takes far more gas for accounts and storage that did not
// exist (EIP-8037): what an item may use is enough there for a receiver that never had any.
func TestGlamsterdam(t *testing.T) {
	t.Parallel()
	c := newChainWith(t, func(p *params.ChainConfig) { p.AmsterdamTime = new(uint64) }).deployed()
	for name, token := range map[string]common.Address{"coin": coin, "dollar": c.dollar(), "heavy": c.create(compiled["Heavy"].Bytecode)} {
		item := contracts.Item{Receiver: common.Address([]byte(name + "00000000000000000000")), Token: token}
		c.fund(item, 1000)
		r := c.sweep(item)
		if swept, failed := outcome(t, r); len(swept) != 1 {
			t.Errorf("%s: swept %v, failed %v", name, swept, failed)
		}
		t.Logf("%s: %d gas", name, r.GasUsed)
	}
}

func TestGasEstimateSuffices(t *testing.T) {
	t.Parallel()
	c := newFactoryChain(t)
	item := contracts.Item{Receiver: receiver, Token: c.create(compiled["Heavy"].Bytecode)}
	c.fund(item, 100)
	data := contracts.PackSweep([]contracts.Item{item})
	gas, err := c.sim.Client().EstimateGas(t.Context(), ethereum.CallMsg{From: c.from, To: &contracts.Factory, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	r := c.tryGas(&contracts.Factory, data, 0, gas)
	if swept, _ := outcome(t, r); len(swept) != 1 {
		t.Errorf("with the estimated %d gas: swept %v", gas, swept)
	}
	t.Logf("estimated %d, used %d", gas, r.GasUsed)
}

func TestReentrance(t *testing.T) {
	t.Parallel()
	c := newFactoryChain(t)
	greedy := c.create(append(compiled["Reenter"].Bytecode, common.LeftPadBytes(contracts.Factory[:], 32)...))
	first, second := contracts.Item{Receiver: greedy}, contracts.Item{Receiver: greedy, Salt: [32]byte{2}}
	c.fund(first, 100)
	c.fund(second, 30)

	// It sweeps the deposit that is being swept, which is empty by then: the sum of the events is the money that moved.
	c.send(&greedy, must(compiled["Reenter"].ABI.Pack("arm", first.Salt)), 0)
	swept, failed := outcome(t, c.sweep(first))
	if len(swept) != 1 || swept[0].Amount.Int64() != 100 || len(failed) != 0 || c.balance(coin, greedy) != 100 {
		t.Errorf("swept %v, failed %v, has %d", swept, failed, c.balance(coin, greedy))
	}
	// It sweeps another one of its deposits, for which the allowance is too small: that is its own loss only.
	c.fund(first, 1)
	c.send(&greedy, must(compiled["Reenter"].ABI.Pack("arm", second.Salt)), 0)
	if swept, failed = outcome(t, c.sweep(first)); len(swept) != 0 || len(failed) != 1 {
		t.Errorf("swept %v, failed %v", swept, failed)
	}
}

func TestOnlyTheFactoryCommandsADeposit(t *testing.T) {
	t.Parallel()
	c := newFactoryChain(t)
	item := contracts.Item{Receiver: receiver}
	deposit := c.fund(item, 5)
	c.sweep(item)
	c.fund(item, 5)
	forward := must(compiled["Forwarder"].ABI.Pack("sweep", coin, big.NewInt(5)))
	forwarder := contracts.Forwarder
	for name, to := range map[string]*common.Address{"deposit": &deposit, "forwarder": &forwarder} {
		if r := c.try(to, forward, 0); r.Status != types.ReceiptStatusFailed {
			t.Errorf("the %s obeys a stranger", name)
		}
	}
	if r := c.try(&deposit, []byte{1, 2, 3, 4}, 1); r.Status != types.ReceiptStatusFailed {
		t.Error("the deposit accepts an unknown call")
	}
	if c.balance(coin, deposit) != 5 {
		t.Error("money moved")
	}
}

func TestBatchPaysFromInside(t *testing.T) {
	t.Parallel()
	c := newFactoryChain(t)
	batch := c.create(contracts.BatchCode())
	one, two := common.Address{1, 1}, common.Address{2, 2}
	c.send(&batch, contracts.PackPay([]common.Address{one, two}, []*big.Int{big.NewInt(3), big.NewInt(4)}), 7)
	if c.balance(coin, one) != 3 || c.balance(coin, two) != 4 {
		t.Errorf("paid %d and %d", c.balance(coin, one), c.balance(coin, two))
	}
}

// TestGas prints what a sweep costs; nothing depends on the figures.
func TestGas(t *testing.T) {
	t.Parallel()
	c := newFactoryChain(t)
	dollar := c.dollar()
	to := receiver
	c.send(&to, nil, 1) // an account without coin would cost 25,000 more
	c.send(&dollar, contracts.PackMint(to, big.NewInt(1)), 0)
	salt := byte(0)
	for _, token := range []common.Address{coin, dollar} {
		for _, count := range []int{1, 10, 50} {
			var items []contracts.Item
			for range count {
				salt++
				items = append(items, contracts.Item{Receiver: receiver, Salt: [32]byte{salt}, Token: token})
				c.fund(items[len(items)-1], 100)
			}
			first := c.sweep(items...)
			for _, i := range items {
				c.fund(i, 100)
			}
			again := c.sweep(items...)
			if swept, _ := outcome(t, again); len(swept) != count {
				t.Fatalf("swept %d of %d", len(swept), count)
			}
			t.Logf("token %.6s, batch of %2d: first sweep %6d gas per item, later ones %6d", token, count,
				first.GasUsed/uint64(count), again.GasUsed/uint64(count))
		}
	}
}
