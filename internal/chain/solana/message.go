package solana

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
)

// MaxTransaction is the most bytes that a transaction may have.
const MaxTransaction = 1232

// Meta is an account as an instruction uses it.
type Meta struct {
	Key              Key
	Signer, Writable bool
}

// Instruction is one step of a transaction.
type Instruction struct {
	Program  Key
	Accounts []Meta
	Data     []byte
}

// Message is what is signed: instructions that succeed together or not at all, until 150
// blocks after the one whose hash it names. It is of the oldest version, which every node
// and wallet knows.
type Message struct {
	Signed, ReadSigned, ReadOnly int // of the keys: how many sign, and how many at the end of each part are only read
	Keys                         []Key
	Blockhash                    Key
	Instructions                 []Compiled
}

// Compiled is an instruction whose accounts are places in the message's keys.
type Compiled struct {
	Program  byte
	Accounts []byte
	Data     []byte
}

// Compile makes a message of instructions. The payer signs first and pays the fee.
func Compile(payer, blockhash Key, instructions ...Instruction) Message {
	metas := []Meta{{payer, true, true}}
	use := func(m Meta) {
		i := slices.IndexFunc(metas, func(o Meta) bool { return o.Key == m.Key })
		if i < 0 {
			metas = append(metas, m)
			return
		}
		metas[i].Signer, metas[i].Writable = metas[i].Signer || m.Signer, metas[i].Writable || m.Writable
	}
	for _, x := range instructions {
		for _, m := range x.Accounts {
			use(m)
		}
	}
	for _, x := range instructions {
		use(Meta{Key: x.Program})
	}
	rank := func(m Meta) int {
		switch {
		case m.Signer && m.Writable:
			return 0
		case m.Signer:
			return 1
		case m.Writable:
			return 2
		}
		return 3
	}
	slices.SortStableFunc(metas, func(a, b Meta) int { return rank(a) - rank(b) })
	out := Message{Blockhash: blockhash}
	for _, m := range metas {
		out.Keys = append(out.Keys, m.Key)
		switch rank(m) {
		case 0:
			out.Signed++
		case 1:
			out.Signed, out.ReadSigned = out.Signed+1, out.ReadSigned+1
		case 3:
			out.ReadOnly++
		}
	}
	place := func(k Key) byte { return byte(slices.Index(out.Keys, k)) }
	for _, x := range instructions {
		c := Compiled{Program: place(x.Program), Data: x.Data}
		for _, m := range x.Accounts {
			c.Accounts = append(c.Accounts, place(m.Key))
		}
		out.Instructions = append(out.Instructions, c)
	}
	return out
}

// Writable reports whether the key at a place may be changed.
func (m Message) Writable(place int) bool {
	if place < m.Signed {
		return place < m.Signed-m.ReadSigned
	}
	return place < len(m.Keys)-m.ReadOnly
}

// Bytes returns the message as it is signed.
func (m Message) Bytes() []byte {
	b := appendCount([]byte{byte(m.Signed), byte(m.ReadSigned), byte(m.ReadOnly)}, len(m.Keys))
	for _, k := range m.Keys {
		b = append(b, k[:]...)
	}
	b = appendCount(append(b, m.Blockhash[:]...), len(m.Instructions))
	for _, x := range m.Instructions {
		b = appendCount(append(b, x.Program), len(x.Accounts))
		b = appendCount(append(b, x.Accounts...), len(x.Data))
		b = append(b, x.Data...)
	}
	return b
}

// Size is how many bytes the message's transaction has.
func (m Message) Size() int { return 1 + 64*m.Signed + len(m.Bytes()) }

// Transaction is a message and its signatures.
type Transaction struct {
	Signatures [][]byte
	Message    Message
}

// ID names the transaction for ever: its first signature.
func (t Transaction) ID() string { return base58(t.Signatures[0]) }

// Bytes returns the transaction as it is sent.
func (t Transaction) Bytes() []byte {
	b := appendCount(nil, len(t.Signatures))
	for _, s := range t.Signatures {
		b = append(b, s...)
	}
	return append(b, t.Message.Bytes()...)
}

// Sign signs with all the keys that the message needs; others do no harm.
func (m Message) Sign(keys ...ed25519.PrivateKey) (Transaction, error) {
	t, message := Transaction{Message: m}, m.Bytes()
	for _, signer := range m.Keys[:m.Signed] {
		i := slices.IndexFunc(keys, func(k ed25519.PrivateKey) bool { return Address(k) == signer })
		if i < 0 {
			return t, fmt.Errorf("the key of %s is needed", signer)
		}
		t.Signatures = append(t.Signatures, ed25519.Sign(keys[i], message))
	}
	if n := m.Size(); n > MaxTransaction {
		return t, fmt.Errorf("the transaction has %d bytes, %d are allowed", n, MaxTransaction)
	}
	return t, nil
}

// Verify reports whether all signatures fit.
func (t Transaction) Verify() bool {
	message := t.Message.Bytes()
	for i, s := range t.Signatures {
		if !ed25519.Verify(t.Message.Keys[i][:], message, s) {
			return false
		}
	}
	return true
}

// appendCount appends a length, seven bits a byte.
func appendCount(b []byte, n int) []byte {
	for ; n > 0x7f; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

var errTransaction = errors.New("not a transaction of Solana that can be read here")

// ParseTransaction reads a transaction of the oldest version. What it returns has the same
// bytes, and places that exist.
func ParseTransaction(b []byte) (t Transaction, err error) {
	if len(b) > MaxTransaction {
		return t, errTransaction
	}
	r := reader{b: b}
	for range r.count() {
		t.Signatures = append(t.Signatures, r.take(64))
	}
	m := &t.Message
	header := r.take(3)
	m.Signed, m.ReadSigned, m.ReadOnly = int(header[0]), int(header[1]), int(header[2])
	for range r.count() {
		m.Keys = append(m.Keys, Key(r.take(32)))
	}
	m.Blockhash = Key(r.take(32))
	for range r.count() {
		m.Instructions = append(m.Instructions, Compiled{Program: r.take(1)[0], Accounts: r.take(r.count()), Data: r.take(r.count())})
	}
	if r.bad || len(r.b) > 0 || m.Signed > 0x7f || m.Signed == 0 || len(t.Signatures) != m.Signed || m.ReadSigned >= m.Signed || len(m.Keys) < m.Signed+m.ReadOnly {
		return Transaction{}, errTransaction
	}
	for _, x := range m.Instructions {
		for _, place := range append([]byte{x.Program}, x.Accounts...) {
			if int(place) >= len(m.Keys) {
				return Transaction{}, errTransaction
			}
		}
	}
	return t, nil
}

// reader takes apart bytes. What is not there is zero, and bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) || r.bad {
		r.bad = true
		return make([]byte, n)
	}
	head := r.b[:n:n]
	r.b = r.b[n:]
	return head
}

// count reads a length. One that is longer than what is left cannot be right.
func (r *reader) count() (n int) {
	for shift := 0; shift < 21; shift += 7 {
		c := r.take(1)[0]
		n |= int(c&0x7f) << shift
		if c < 0x80 {
			if r.bad = r.bad || n > len(r.b) || c == 0 && shift > 0; r.bad {
				return 0
			}
			return n
		}
	}
	r.bad = true
	return 0
}
