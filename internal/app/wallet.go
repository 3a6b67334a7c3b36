package app

import (
	"context"
	"encoding/hex"
	"errors"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

// Bounds of a question to a contract that may be anybody's: how long it may take and
// how much it may compute, which bounds what it can answer, too.
const (
	contractTimeout = 5 * time.Second
	contractGas     = 1_000_000
)

// isValidSignature is EIP-1271's function, and the answer that means yes.
const isValidSignature = "1626ba7e"

// contractWallet asks contracts about signatures on the first node that answers.
func contractWallet(nodes []*ethclient.Client) func(context.Context, string, [32]byte, []byte) (bool, error) {
	return func(ctx context.Context, address string, digest [32]byte, signature []byte) (yes bool, err error) {
		ctx, cancel := context.WithTimeout(ctx, contractTimeout)
		defer cancel()
		to := common.HexToAddress(address)
		data, _ := hex.DecodeString(isValidSignature)
		data = append(data, digest[:]...)
		for _, n := range []int64{64, int64(len(signature))} { // where the signature begins, and its length
			data = append(data, common.BigToHash(big.NewInt(n)).Bytes()...)
		}
		data = append(data, common.RightPadBytes(signature, (len(signature)+31)/32*32)...)
		err = errors.New("no node is configured")
		for _, c := range nodes {
			var out []byte
			out, err = c.CallContract(ctx, ethereum.CallMsg{To: &to, Gas: contractGas, Data: data}, nil)
			if _, told := errors.AsType[rpc.Error](err); told { // it reverted, or ran out of gas
				return false, nil
			}
			if err == nil {
				return hex.EncodeToString(out) == isValidSignature+hex.EncodeToString(make([]byte, 28)), nil
			}
		}
		return false, bare(err)
	}
}
