package sui

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/blake2b"
)

// ObjectRef is one version of an object.
type ObjectRef struct {
	ID      Address
	Version uint64
	Digest  Digest
}

// Input is one that the commands of a transaction use: the first of its fields that is set.
type Input struct {
	Object   *ObjectRef // owned by the sender
	Withdraw *Withdraw
	Pure     []byte // a value in BCS
}

// Withdraw takes from what an address holds of a coin without an object.
type Withdraw struct {
	Units uint64
	Coin  string // full coin type
}

// Argument is what a command works on: input or result number N.
type Argument struct {
	Result bool
	N      uint16
}

// Command is one step of a transaction: a merge of Coins into Into, or a transfer of Coins
// to the address Into, or with Redeem set the call that makes a coin of a Withdraw.
type Command struct {
	Kind  CommandKind
	Into  Argument
	Coins []Argument
	Coin  string // of a redemption: full coin type
}

// CommandKind is a form of Command, by the network's number for it.
type CommandKind byte

// The commands that empty an address.
const (
	Redeem   CommandKind = 0 // 0x2::coin::redeem_funds
	Transfer CommandKind = 1
	Merge    CommandKind = 3
)

// Expiration is the last epoch in which a transaction can be executed. With a chain, the
// nonce tells apart transactions that are the same otherwise: those need one that consume
// no object.
type Expiration struct {
	Epoch uint64
	Chain Digest
	Nonce uint32
}

// Transaction is a programmable transaction of the kinds of command that empty an address,
// for whose gas the sender or somebody else pays.
type Transaction struct {
	Inputs   []Input
	Commands []Command
	Sender   Address
	Payment  []ObjectRef // coins of the payer; none to take from what it holds without objects
	Payer    Address
	Price    uint64 // for a unit of gas
	Budget   uint64 // the most that may be paid
	Expires  Expiration
}

const flagEd25519 = 0

// framework is the package of the coins' functions.
var framework = Address{31: 2}

func (o ObjectRef) append(b []byte) []byte {
	return appendBytes(appendU64(append(b, o.ID[:]...), o.Version), o.Digest[:])
}

func (r *reader) object() ObjectRef { return ObjectRef{r.address(), r.u64(), r.digest()} }

// appendType writes a coin type, which must be in full.
func appendType(b []byte, coin string) []byte {
	parts := strings.Split(coin, "::")
	var a Address
	_, _ = hex.Decode(a[:], []byte(parts[0][2:]))
	b = append(append(b, 7), a[:]...)
	return append(appendBytes(appendBytes(b, []byte(parts[1])), []byte(parts[2])), 0)
}

func (r *reader) coinType() string {
	if v := r.u8(); v != 7 {
		r.fail("type %d is not a coin's", v)
		return ""
	}
	name := r.address().String() + "::" + r.text() + "::" + r.text()
	if r.count() != 0 {
		r.fail("a coin type with parameters")
	}
	if full, err := fullCoin(name); err != nil || full != name {
		r.fail("not a coin type")
	}
	return name
}

func (a Argument) append(b []byte) []byte {
	kind := byte(1)
	if a.Result {
		kind = 2
	}
	return append(b, kind, byte(a.N), byte(a.N>>8))
}

func (r *reader) argument() Argument {
	kind := r.u8()
	if kind != 1 && kind != 2 {
		r.fail("argument of form %d", kind)
	}
	return Argument{kind == 2, r.u16()}
}

func appendArguments(b []byte, as []Argument) []byte {
	b = appendLen(b, len(as))
	for _, a := range as {
		b = a.append(b)
	}
	return b
}

func (r *reader) arguments() (as []Argument) {
	for range r.count() {
		as = append(as, r.argument())
	}
	return as
}

func (c Command) append(b []byte) []byte {
	b = append(b, byte(c.Kind))
	switch c.Kind {
	case Redeem:
		b = append(b, framework[:]...)
		b = appendBytes(appendBytes(b, []byte("coin")), []byte("redeem_funds"))
		b = appendType(append(b, 1), c.Coin)
		return appendArguments(b, c.Coins)
	case Transfer:
		return c.Into.append(appendArguments(b, c.Coins))
	case Merge:
		return appendArguments(c.Into.append(b), c.Coins)
	}
	panic("a command of no kind")
}

func (r *reader) command() (c Command) {
	switch c.Kind = CommandKind(r.u8()); c.Kind {
	case Redeem:
		if r.address() != framework || r.text() != "coin" || r.text() != "redeem_funds" || r.count() != 1 {
			r.fail("a call of an unknown function")
			return c
		}
		c.Coin, c.Coins = r.coinType(), r.arguments()
	case Transfer:
		c.Coins, c.Into = r.arguments(), r.argument()
	case Merge:
		c.Into, c.Coins = r.argument(), r.arguments()
	default:
		r.fail("command %d is not known", c.Kind)
	}
	return c
}

func (i Input) append(b []byte) []byte {
	switch {
	case i.Object != nil:
		return i.Object.append(append(b, 1, 0))
	case i.Withdraw != nil: // a most amount, of a balance, from the sender
		return append(appendType(append(appendU64(append(b, 2, 0), i.Withdraw.Units), 0), i.Withdraw.Coin), 0)
	}
	return appendBytes(append(b, 0), i.Pure)
}

func (r *reader) input() (i Input) {
	switch r.variant(3) {
	case 0:
		i.Pure = r.bytes()
	case 1:
		r.variant(1)
		o := r.object()
		i.Object = &o
	case 2:
		r.variant(1)
		i.Withdraw = &Withdraw{Units: r.u64()}
		r.variant(1)
		i.Withdraw.Coin = r.coinType()
		r.variant(1)
	}
	return i
}

func (e Expiration) append(b []byte) []byte {
	if e.Chain == (Digest{}) {
		return appendU64(append(b, 1), e.Epoch)
	}
	b = appendU64(append(b, 2, 1), e.Epoch) // from that epoch
	b = appendU64(append(b, 1), e.Epoch)    // to that epoch
	b = appendBytes(append(b, 0, 0), e.Chain[:])
	return append(b, byte(e.Nonce), byte(e.Nonce>>8), byte(e.Nonce>>16), byte(e.Nonce>>24))
}

func (r *reader) expiration() (e Expiration) {
	switch v := r.u8(); v {
	case 1:
		e.Epoch = r.u64()
	case 2:
		from, first, to := r.some(), r.u64(), r.some()
		e.Epoch = r.u64()
		if !from || !to || first != e.Epoch || r.some() || r.some() {
			r.fail("a validity of another form")
		}
		if e.Chain, e.Nonce = r.digest(), r.u32(); e.Chain == (Digest{}) {
			r.fail("a validity on no chain")
		}
	default:
		r.fail("expiration of form %d", v)
	}
	return e
}

// Bytes is what is signed and sent, in BCS.
func (t Transaction) Bytes() []byte {
	b := appendLen([]byte{0, 0}, len(t.Inputs))
	for _, i := range t.Inputs {
		b = i.append(b)
	}
	b = appendLen(b, len(t.Commands))
	for _, c := range t.Commands {
		b = c.append(b)
	}
	b = appendLen(append(b, t.Sender[:]...), len(t.Payment))
	for _, o := range t.Payment {
		b = o.append(b)
	}
	return t.Expires.append(appendU64(appendU64(append(b, t.Payer[:]...), t.Price), t.Budget))
}

// DecodeTransaction reads a transaction back; it knows only what Transaction can say.
func DecodeTransaction(raw []byte) (t Transaction, err error) {
	r := &reader{rest: raw}
	r.variant(1)
	r.variant(1)
	for range r.count() {
		t.Inputs = append(t.Inputs, r.input())
	}
	for range r.count() {
		t.Commands = append(t.Commands, r.command())
	}
	t.Sender = r.address()
	for range r.count() {
		t.Payment = append(t.Payment, r.object())
	}
	t.Payer, t.Price, t.Budget, t.Expires = r.address(), r.u64(), r.u64(), r.expiration()
	if err := r.end(); err != nil {
		return Transaction{}, fmt.Errorf("decode a transaction: %w", err)
	}
	return t, nil
}

// TxDigest is the name of the transaction with these bytes.
func TxDigest(raw []byte) Digest { return hash("TransactionData", raw) }

// signed is what a signature of a transaction is over: the intent says what is signed, in
// which version, for which application.
func signed(raw []byte) []byte {
	sum := blake2b.Sum256(append([]byte{0, 0, 0}, raw...))
	return sum[:]
}

// Sign signs the bytes of a transaction.
func Sign(key ed25519.PrivateKey, raw []byte) []byte {
	return bytes.Join([][]byte{{flagEd25519}, ed25519.Sign(key, signed(raw)), key.Public().(ed25519.PublicKey)}, nil)
}

// Signer returns who signed the bytes of a transaction.
func Signer(signature, raw []byte) (a Address, err error) {
	const size = 1 + ed25519.SignatureSize + ed25519.PublicKeySize
	if len(signature) != size || signature[0] != flagEd25519 {
		return a, errors.New("not an ed25519 signature")
	}
	key := ed25519.PublicKey(signature[1+ed25519.SignatureSize:])
	if !ed25519.Verify(key, signed(raw), signature[1:1+ed25519.SignatureSize]) {
		return a, errors.New("the signature is not over these bytes")
	}
	return AddressOf(key), nil
}
