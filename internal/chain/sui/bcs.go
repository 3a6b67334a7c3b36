package sui

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"golang.org/x/crypto/blake2b"
)

// Digest names a transaction, a checkpoint or a version of an object.
type Digest [32]byte

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// String is the digest in base 58, as the network writes it.
func (d Digest) String() string {
	var out []byte
	for n, rest := new(big.Int).SetBytes(d[:]), new(big.Int); n.Sign() > 0; {
		n.DivMod(n, big.NewInt(58), rest)
		out = append(out, base58[rest.Int64()])
	}
	for _, b := range d {
		if b != 0 {
			break
		}
		out = append(out, '1')
	}
	slices.Reverse(out)
	return string(out)
}

// ParseDigest reads a digest; only the form that String writes is one.
func ParseDigest(s string) (d Digest, err error) {
	n := new(big.Int)
	if len(s) > 44 {
		return d, errors.New("a digest has at most 44 characters")
	}
	for _, c := range s {
		i := strings.IndexRune(base58, c)
		if i < 0 {
			return d, fmt.Errorf("%q is not a digit of base 58", c)
		}
		n.Add(n.Mul(n, big.NewInt(58)), big.NewInt(int64(i)))
	}
	if n.BitLen() > 256 {
		return d, errors.New("a digest has 32 bytes")
	}
	n.FillBytes(d[:])
	if d.String() != s {
		return d, errors.New("a digest has 32 bytes")
	}
	return d, nil
}

// hash is the digest of a structure of the chain: its name keeps structures apart.
func hash(name string, bcs []byte) Digest {
	return blake2b.Sum256(append([]byte(name+"::"), bcs...))
}

// The encoding of all that is hashed or signed on Sui is BCS: little-endian integers,
// lengths and variants as ULEB128, fields one after the other.

func appendU64(b []byte, n uint64) []byte { return binary.LittleEndian.AppendUint64(b, n) }
func appendLen(b []byte, n int) []byte    { return binary.AppendUvarint(b, uint64(n)) } //nolint:gosec // a length
func appendBytes(b, v []byte) []byte      { return append(appendLen(b, len(v)), v...) }

// reader takes a structure apart. The first mistake sticks; all that is read after it is
// zero.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err, r.rest = fmt.Errorf(format, args...), nil
	}
}

// take returns the next n bytes.
func (r *reader) take(n int) []byte {
	if r.err != nil || n > len(r.rest) {
		r.fail("the encoding ends too early")
		return make([]byte, min(n, 64)) // n is large only when it comes from count, which checks
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v
}

func (r *reader) u8() byte    { return r.take(1)[0] }
func (r *reader) u16() uint16 { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *reader) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) u64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

// count reads the number of things that follow, of at least one byte each.
func (r *reader) count() int {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || size > 5 || n > uint64(len(r.rest)-size) || size > 1 && r.rest[size-1] == 0 {
		r.fail("a length is out of range")
		return 0
	}
	r.rest = r.rest[size:]
	return int(n) //nolint:gosec // at most the length of what was read
}

// most reads a number of things that are held, of which there may be n.
func (r *reader) most(n int) int {
	c := r.count()
	if c > n {
		r.fail("%d of what there may be %d of", c, n)
		return 0
	}
	return c
}

func (r *reader) bytes() []byte { return r.take(r.count()) }
func (r *reader) text() string  { return string(r.bytes()) }

func (r *reader) address() (a Address) {
	copy(a[:], r.take(len(a)))
	return a
}

// digest reads 32 bytes, which are encoded with their length.
func (r *reader) digest() (d Digest) {
	if n := r.count(); n != len(d) {
		r.fail("a digest has %d bytes", n)
	}
	copy(d[:], r.take(len(d)))
	return d
}

// some reports whether an optional value follows.
func (r *reader) some() bool { return r.variant(2) == 1 }

// variant reads which of n forms follows.
func (r *reader) variant(n byte) byte {
	v := r.u8()
	if v >= n {
		r.fail("form %d is not known", v)
		return 0
	}
	return v
}

// end is the mistake that was made, if any; there must be nothing left.
func (r *reader) end() error {
	if len(r.rest) > 0 {
		r.fail("%d bytes too many", len(r.rest))
	}
	return r.err
}
