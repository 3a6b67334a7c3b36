package solana

import (
	"encoding/binary"
	"slices"
)

// The instructions of the programs, by their first bytes.
const (
	opTransfer         = 2  // of the system program, four bytes
	opTransferChecked  = 12 // of the token programs
	opCloseAccount     = 9
	opCreateIdempotent = 1 // of the program of associated token accounts
	opUnitLimit        = 2 // of the compute budget
	opUnitPrice        = 3
)

var little = binary.LittleEndian

// Transfer moves lamports. An account must end with nothing or with enough to be kept.
func Transfer(from, to Key, lamports uint64) Instruction {
	data := little.AppendUint64(little.AppendUint32(nil, opTransfer), lamports)
	return Instruction{System, []Meta{{from, true, true}, {to, false, true}}, data}
}

// CreateAccount makes the token account of an owner, if there is none; the payer pays the
// deposit for it.
func CreateAccount(payer, owner, program, mint Key) Instruction {
	return Instruction{Associated, []Meta{
		{payer, true, true}, {TokenAccount(owner, program, mint), false, true}, {Key: owner}, {Key: mint}, {Key: System}, {Key: program},
	}, []byte{opCreateIdempotent}}
}

// TransferChecked moves tokens between accounts; it fails if the mint has other decimals.
func TransferChecked(program, from, mint, to, owner Key, units uint64, decimals int) Instruction {
	data := append(little.AppendUint64([]byte{opTransferChecked}, units), byte(decimals))
	return Instruction{program, []Meta{{from, false, true}, {Key: mint}, {to, false, true}, {owner, true, false}}, data}
}

// CloseAccount removes an empty token account and gives its lamports to another.
func CloseAccount(program, account, to, owner Key) Instruction {
	return Instruction{program, []Meta{{account, false, true}, {to, false, true}, {owner, true, false}}, []byte{opCloseAccount}}
}

// UnitLimit bounds the computation of a transaction.
func UnitLimit(units uint32) Instruction {
	return Instruction{Budget, nil, little.AppendUint32([]byte{opUnitLimit}, units)}
}

// UnitPrice offers millionths of a lamport for each unit of computation that is allowed.
func UnitPrice(microLamports uint64) Instruction {
	return Instruction{Budget, nil, little.AppendUint64([]byte{opUnitPrice}, microLamports)}
}

// Move is what an instruction of ours would do, as far as it can be read.
type Move struct {
	Op       string // "transfer", "create", "tokens", "close", "limit" or "price"
	Accounts []Key  // in the order of the instruction
	Units    uint64
	Decimals int
}

// Read takes an instruction apart; false for one of a kind that we do not make.
func (m Message) Read(c Compiled) (v Move, ok bool) {
	for _, place := range c.Accounts {
		v.Accounts = append(v.Accounts, m.Keys[place])
	}
	d := c.Data
	kind := func(op string, accounts, data int, prefix ...byte) bool {
		v.Op = op
		return len(v.Accounts) >= accounts && len(d) == data && slices.Equal(d[:len(prefix)], prefix)
	}
	switch program := m.Keys[c.Program]; {
	case program == System && kind("transfer", 2, 12, opTransfer, 0, 0, 0):
		v.Units = little.Uint64(d[4:])
	case program == Associated && kind("create", 6, 1, opCreateIdempotent):
	case (program == Token || program == Token2022) && kind("tokens", 4, 10, opTransferChecked):
		v.Units, v.Decimals = little.Uint64(d[1:]), int(d[9])
	case (program == Token || program == Token2022) && kind("close", 3, 1, opCloseAccount):
	case program == Budget && kind("limit", 0, 5, opUnitLimit):
		v.Units = uint64(little.Uint32(d[1:]))
	case program == Budget && kind("price", 0, 9, opUnitPrice):
		v.Units = little.Uint64(d[1:])
	default:
		return v, false
	}
	return v, true
}
