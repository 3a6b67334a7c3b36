package ton

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/xssnick/tonutils-go/address"
	"github.com/xssnick/tonutils-go/tvm/cell"
)

// Cell is the unit that everything on the chain is written in.
type Cell = cell.Cell

// maxBoC bounds what is decoded: a message cannot be larger.
const maxBoC = 1 << 20

var errBoC = errors.New("not a bag of cells")

// Decode reads a bag of one root cell. It never panics, whatever the bytes.
func Decode(b []byte) (c *Cell, err error) {
	// The library believes the numbers in the header, and allocates for them.
	if len(b) < 11 || len(b) > maxBoC {
		return nil, errBoC
	}
	indexed, checked, size, offset := b[4]&0x80 != 0, b[4]&0x40 != 0, int(b[4]&7), int(b[5])
	if indexed || b[4]&0x38 != 0 || size < 1 || size > 4 || offset < 1 || offset > 4 || len(b) < 6+4*size+offset {
		return nil, errBoC
	}
	number := func(at, n int) (v int) {
		for _, x := range b[at : at+n] {
			v = v<<8 | int(x)
		}
		return v
	}
	cells, roots, absent, root := number(6, size), number(6+size, size), number(6+2*size, size), number(6+3*size+offset, size)
	want := 6 + 4*size + offset + number(6+3*size, offset)
	if checked {
		want += 4
	}
	if roots != 1 || absent != 0 || cells < 1 || root >= cells || want != len(b) {
		return nil, errBoC
	}
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("%w: %v", errBoC, r)
		}
	}()
	return cell.FromBOC(b)
}

// Decode64 reads a bag of cells as nodes write it.
func Decode64(s string) (*Cell, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, errBoC
	}
	return Decode(b)
}

// Encode64 writes a bag of one root cell as nodes read it.
func Encode64(c *Cell) string { return base64.StdEncoding.EncodeToString(c.ToBOC()) }

// mustCell reads a constant.
func mustCell(s string) *Cell {
	c, err := Decode64(s)
	if err != nil {
		panic(err)
	}
	return c
}

// reader takes a cell apart; after the first thing that is not there it only returns zeros.
type reader struct {
	*cell.Slice
	err error
}

func read(c *Cell) *reader { return &reader{Slice: c.BeginParse()} }

func (r *reader) uint(bits uint) (v uint64) {
	if r.err == nil {
		v, r.err = r.LoadUInt(bits)
	}
	return v
}

func (r *reader) bytes(n uint) (b []byte) {
	if r.err == nil {
		b, r.err = r.LoadSlice(8 * n)
	}
	return b
}

func (r *reader) coins() *big.Int {
	if r.err == nil {
		var v *big.Int
		if v, r.err = r.LoadBigCoins(); r.err == nil {
			return v
		}
	}
	return new(big.Int)
}

func (r *reader) ref() *Cell {
	if r.err == nil {
		var c *Cell
		if c, r.err = r.LoadRefCell(); r.err == nil {
			return c
		}
	}
	return cell.BeginCell().EndCell()
}

// maybeRef is nil for none.
func (r *reader) maybeRef() *Cell {
	if r.uint(1) == 0 || r.err != nil {
		return nil
	}
	return r.ref()
}

// address returns an account of the basechain; false for none.
func (r *reader) address() (a Address, ok bool) {
	if r.err != nil {
		return a, false
	}
	var v *address.Address
	if v, r.err = r.LoadAddr(); r.err != nil || v.IsAddrNone() {
		return a, false
	}
	if v.Type() != address.StdAddress || v.Workchain() != 0 || len(v.Data()) != len(a) {
		r.err = errors.New("not an account of the basechain")
		return a, false
	}
	return Address(v.Data()), true
}

// rest is what has not been read, as a cell.
func (r *reader) rest() *Cell {
	if r.err == nil {
		var c *Cell
		if c, r.err = r.ToCell(); r.err == nil {
			return c
		}
	}
	return cell.BeginCell().EndCell()
}
