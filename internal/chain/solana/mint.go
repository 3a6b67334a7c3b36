package solana

import (
	"errors"
	"fmt"
	"slices"
)

// The kinds of extensions of Token-2022 that matter here.
const (
	extTransferFee     = 1
	extConfidential    = 5 // of a token account
	extDefaultState    = 6
	extMemoTransfer    = 8
	extNonTransferable = 9
	extInterest        = 10
	extDelegate        = 12
	extTransferHook    = 14
	extScaledAmount    = 25
	extPausable        = 26
)

// harmless are the extensions that change nothing about what a transfer moves: who may
// close the mint (3), confidential transfers, which our accounts never allow (4, 16, 24),
// metadata and groups (18 to 23), and who may burn (28).
var harmless = []int{3, 4, 16, 18, 19, 20, 21, 22, 23, 24, 28, extDelegate, extPausable}

const (
	mintSize    = 82
	accountSize = 165 // the extensions of mints, too, begin after as many bytes
)

var errLayout = errors.New("not laid out like an account of the token programs")

// Mint is a token.
type Mint struct {
	Program    Key // that the token is one of
	Decimals   int
	Revocable  bool        // the issuer may take tokens out of any account
	Paused     bool        // the issuer lets nothing move for now
	extensions []extension // other than harmless
}

type extension struct {
	kind int
	data []byte
}

// ParseMint reads the account of a mint.
func ParseMint(a Account) (m Mint, err error) {
	if m.Program, err = ParseKey(a.Owner); err != nil || m.Program != Token && m.Program != Token2022 {
		return m, errors.New("it is not of a token program")
	}
	if len(a.Data) < mintSize || m.Program == Token && len(a.Data) != mintSize || a.Data[45] != 1 {
		return m, errLayout
	}
	m.Decimals = int(a.Data[44])
	all, err := extensions(a.Data, mintSize, 1)
	if err != nil {
		return m, err
	}
	m.Revocable = slices.ContainsFunc(all, func(e extension) bool { return e.kind == extDelegate && !zero(e.data) })
	m.Paused = slices.ContainsFunc(all, func(e extension) bool { return e.kind == extPausable && len(e.data) == 33 && e.data[32] != 0 })
	m.extensions = slices.DeleteFunc(all, func(e extension) bool { return slices.Contains(harmless, e.kind) })
	return m, nil
}

// Refused says why payments in a token cannot be taken; nil if they can. An extension that
// is there and does nothing, as PayPal's dollar has several, is fine for as long.
func (m Mint) Refused() error {
	for _, e := range m.extensions {
		switch d := e.data; e.kind {
		case extTransferFee: // two authorities, what was withheld; epoch, limit and share of the old fee, and of the new
			if len(d) != 108 {
				return errLayout
			}
			if !zero(d[88:90]) || !zero(d[106:108]) {
				return errors.New("a fee is kept from its transfers")
			}
		case extTransferHook: // authority, program
			if len(d) != 64 {
				return errLayout
			}
			if !zero(d[32:]) {
				return errors.New("its transfers call another program")
			}
		case extDefaultState:
			if len(d) != 1 || d[0] != 1 {
				return errors.New("new accounts of it are frozen")
			}
		case extNonTransferable:
			return errors.New("it cannot be transferred")
		case extInterest, extScaledAmount:
			return errors.New("wallets show other amounts of it than are moved")
		default:
			return fmt.Errorf("it has extension %d, which is not known here", e.kind)
		}
	}
	return nil
}

// Holding is a token account.
type Holding struct {
	Mint, Owner Key
	Units       uint64
	Frozen      bool // by the issuer
	Memo        bool // what comes in must carry a memo
	Hidden      bool // only confidential transfers come in
}

// ParseHolding reads a token account.
func ParseHolding(a Account) (h Holding, err error) {
	program, err := ParseKey(a.Owner)
	if err != nil || program != Token && program != Token2022 {
		return h, errors.New("it is not of a token program")
	}
	d := a.Data
	if len(d) < accountSize || program == Token && len(d) != accountSize || d[108] == 0 {
		return h, errLayout
	}
	all, err := extensions(d, accountSize, 2)
	if err != nil {
		return h, err
	}
	memo := slices.ContainsFunc(all, func(e extension) bool { return e.kind == extMemoTransfer && !zero(e.data) })
	// Approval, a key, three balances of 64 bytes, one of 36, and what may come in: confidential transfers, and others.
	hidden := slices.ContainsFunc(all, func(e extension) bool { return e.kind == extConfidential && len(e.data) > 262 && e.data[262] == 0 })
	return Holding{Mint: Key(d[:32]), Owner: Key(d[32:64]), Units: little.Uint64(d[64:]), Frozen: d[108] == 2, Memo: memo, Hidden: hidden}, nil
}

// extensions reads what follows the base of an account of Token-2022, and checks that it is
// of the kind: 1 for a mint, 2 for a token account.
func extensions(d []byte, base int, kind byte) (all []extension, err error) {
	if len(d) == base {
		return nil, nil
	}
	if len(d) <= accountSize || d[accountSize] != kind {
		return nil, errLayout
	}
	for d = d[accountSize+1:]; len(d) >= 4; {
		e := extension{kind: int(little.Uint16(d))}
		n := int(little.Uint16(d[2:]))
		if e.kind == 0 { // the rest is room
			return all, nil
		}
		if n > len(d)-4 {
			return nil, errLayout
		}
		e.data, d = d[4:4+n], d[4+n:]
		all = append(all, e)
	}
	return all, nil
}

func zero(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) }
