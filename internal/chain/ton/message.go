package ton

import (
	"errors"
	"math/big"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// How a wallet sends a message.
const (
	ModePaysFees    = 1  // fees come out of the wallet, not of the value
	ModeSkipErrors  = 2  // a message that cannot be sent is left out
	ModeBounceError = 16 // a message that cannot be sent gives back the coin that came
	ModeForward     = 64 // the coin that came and is left goes with it
)

// Message is from a contract to another.
type Message struct {
	To     Address
	Value  *big.Int // nanotons
	Bounce bool     // comes back if the receiver has no contract, or it fails
	Init   *Cell    // the state to deploy the receiver with, nil for none
	Body   *Cell    // nil for an empty one
	Mode   byte
}

func (m Message) cell() *Cell {
	b := cell.BeginCell().MustStoreUInt(0b01, 2).MustStoreBoolBit(m.Bounce).MustStoreUInt(0, 1+2).MustStoreAddr(m.To.cell()).
		MustStoreBigCoins(m.Value).MustStoreUInt(0, 1+4+4+64+32)
	return finish(b, m.Init, m.Body)
}

func finish(b *cell.Builder, init, body *Cell) *Cell {
	if b.MustStoreBoolBit(init != nil); init != nil {
		b.MustStoreUInt(1, 1).MustStoreRef(init)
	}
	if body == nil {
		body = cell.BeginCell().EndCell()
	}
	return b.MustStoreUInt(1, 1).MustStoreRef(body).EndCell()
}

// ParseMessage reads a message as a contract sends it.
func ParseMessage(c *Cell) (m Message, err error) {
	r := read(c)
	if r.uint(1) != 0 {
		return m, errors.New("not an internal message")
	}
	r.uint(1)
	m.Bounce = r.uint(1) == 1
	r.uint(1)
	r.address()
	to, ok := r.address()
	m.To, m.Value = to, r.coins()
	if r.uint(1) != 0 {
		return m, errors.New("a message with other currencies")
	}
	r.coins()
	r.coins()
	r.uint(64 + 0)
	r.uint(32)
	m.Init, m.Body = r.tail()
	if r.err != nil || !ok {
		return m, errors.Join(errors.New("not an internal message"), r.err)
	}
	return m, nil
}

// tail reads the state and the body at the end of a message.
func (r *reader) tail() (init, body *Cell) {
	if r.uint(1) == 1 {
		if r.uint(1) != 1 {
			r.err = errors.New("a state inside of a message")
		}
		init = r.ref()
	}
	if r.uint(1) == 1 {
		return init, r.ref()
	}
	return init, r.rest()
}

// External returns the message that brings a request to a wallet from outside, with the state
// to deploy it with or nil.
func External(to Address, init, body *Cell) *Cell {
	return finish(cell.BeginCell().MustStoreUInt(0b1000, 4).MustStoreAddr(to.cell()).MustStoreUInt(0, 4), init, body)
}

// ExternalHash is the hash that indexes know such a message by, whatever state it brings
// (TEP-467).
func ExternalHash(to Address, body *Cell) []byte { return External(to, nil, body).Hash() }

// ParseExternal reads a message from outside.
func ParseExternal(c *Cell) (to Address, init, body *Cell, err error) {
	r := read(c)
	if r.uint(4) != 0b1000 {
		return to, nil, nil, errors.New("not a message from outside")
	}
	to, ok := r.address()
	r.coins()
	init, body = r.tail()
	if r.err != nil || !ok {
		return to, nil, nil, errors.Join(errors.New("not a message from outside"), r.err)
	}
	return to, init, body, nil
}

// Op returns what a message's body says it is about; 0 for a comment or nothing.
func Op(body *Cell) uint32 {
	if body == nil || body.BitsSize() < 32 {
		return 0
	}
	return uint32(read(body).uint(32)) //nolint:gosec // of 32 bits
}
