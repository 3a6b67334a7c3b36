package contracts

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// Topics that logs begin with.
var (
	// FailedTopic marks the factory's Failed.
	FailedTopic = artifacts["Factory"].ABI.Events["Failed"].ID
	// TransferTopic marks the Transfer(from, to, value) of every ERC-20 token, and of ERC-721, whose value is indexed.
	TransferTopic = artifacts["TestDollar"].ABI.Events["Transfer"].ID
)

// Failed reports that a sweep could not move a deposit's balance, which is still there.
type Failed struct {
	Deposit, Token common.Address
	Reason         []byte // what the token or receiver reverted with, at most 256 bytes; empty if it ran out of gas
}

// ParseFailed reads a log as a Failed of our Factory; false if it is anything else. It does not look at log.Removed.
func ParseFailed(log types.Log) (Failed, bool) {
	if log.Address != Factory || len(log.Topics) != 3 || log.Topics[0] != FailedTopic {
		return Failed{}, false
	}
	values, err := artifacts["Factory"].ABI.Unpack("Failed", log.Data)
	if err != nil || len(values) != 1 {
		return Failed{}, false
	}
	reason, ok := values[0].([]byte)
	return Failed{Deposit: address(log.Topics[1]), Token: address(log.Topics[2]), Reason: reason}, ok
}

func address(topic common.Hash) common.Address { return common.Address(topic[12:]) }
