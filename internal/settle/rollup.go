package settle

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/internal/pay"
)

// gasPriceOracle is where every chain of the OP stack tells what a transaction's bytes cost
// on its parent chain, and what its operator takes (docs.optimism.io, "Transaction fees");
// elsewhere there is nothing.
var gasPriceOracle = common.HexToAddress("0x420000000000000000000000000000000000000F")

// The first four bytes of the hashes of getL1Fee(bytes) and getOperatorFee(uint256).
var (
	getL1Fee       = common.FromHex("0x49948e0e")
	getOperatorFee = common.FromHex("0x275aedd2")
)

// apart returns what a chain of the OP stack takes for a transaction on top of its gas, with
// room for it to double, and zero on any other chain. Arbitrum has no such thing: it counts
// the bytes as gas, and so do its estimates.
func (a *Account) apart(ctx context.Context, s pay.RelaySend, gas uint64) (*big.Int, error) {
	raw, err := hex.DecodeString(s.Raw)
	if err != nil {
		return nil, err
	}
	data := append(common.CopyBytes(getL1Fee), common.LeftPadBytes([]byte{32}, 32)...)
	data = append(data, common.LeftPadBytes(big.NewInt(int64(len(raw))).Bytes(), 32)...)
	data = append(data, common.RightPadBytes(raw, (len(raw)+31)/32*32)...)
	fee, err := a.oracle(ctx, data)
	if err != nil {
		return nil, err
	}
	operator, err := a.oracle(ctx, append(common.CopyBytes(getOperatorFee), common.LeftPadBytes(new(big.Int).SetUint64(gas).Bytes(), 32)...))
	if err != nil {
		return nil, err
	}
	fee.Add(fee, operator)
	return fee.Lsh(fee, 1), nil
}

// oracle asks the gas price oracle for a number; zero where there is none.
func (a *Account) oracle(ctx context.Context, data []byte) (*big.Int, error) {
	out, err := ask(ctx, a, func(ctx context.Context, c *ethclient.Client) ([]byte, error) {
		return c.CallContract(ctx, ethereum.CallMsg{To: &gasPriceOracle, Data: data}, nil)
	})
	if err != nil && !answered(err) {
		return nil, fmt.Errorf("ask what is taken besides gas: %w", err)
	}
	if len(out) != 32 { // another contract, or none
		return new(big.Int), nil
	}
	return new(big.Int).SetBytes(out), nil
}
