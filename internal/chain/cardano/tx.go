package cardano

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/crypto/blake2b"
)

// maxTx is more bytes than a block may hold.
const maxTx = 1 << 18

// Ref names an output for ever.
type Ref struct {
	_     struct{} `cbor:",toarray"`
	Hash  Hash
	Index uint64
}

// Hash names a transaction or block.
type Hash [32]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// UnmarshalCBOR reads a hash, which has one length.
func (h *Hash) UnmarshalCBOR(raw []byte) error {
	var b []byte
	if err := decoding.Unmarshal(raw, &b); err != nil {
		return err
	}
	if len(b) != len(h) {
		return fmt.Errorf("a hash of %d bytes", len(b))
	}
	copy(h[:], b)
	return nil
}

// MarshalCBOR writes a hash.
func (h Hash) MarshalCBOR() ([]byte, error) { return encoding.Marshal(h[:]) }

// Output is an amount at an address.
type Output struct {
	Address string // in canonical form; "" of an address that is not of the Shelley era
	Value   Value
}

// UnmarshalCBOR reads an output in the form of any era since Shelley.
func (o *Output) UnmarshalCBOR(raw []byte) error {
	var address []byte
	if len(raw) > 0 && raw[0]>>5 == 4 {
		var parts []cbor.RawMessage
		if err := decoding.Unmarshal(raw, &parts); err != nil {
			return err
		}
		if len(parts) < 2 {
			return errors.New("an output without address or value")
		}
		if err := errors.Join(decoding.Unmarshal(parts[0], &address), decoding.Unmarshal(parts[1], &o.Value)); err != nil {
			return err
		}
	} else {
		var fields struct {
			Address []byte `cbor:"0,keyasint"`
			Value   Value  `cbor:"1,keyasint"`
		}
		if err := decoding.Unmarshal(raw, &fields); err != nil {
			return err
		}
		address, o.Value = fields.Address, fields.Value
	}
	o.Address = addressText(address)
	return nil
}

// MarshalCBOR writes an output in the shorter form, which needs less ADA.
func (o Output) MarshalCBOR() ([]byte, error) {
	_, address, err := decodeBech32(o.Address)
	if err != nil {
		return nil, fmt.Errorf("an output's address: %w", err)
	}
	return encoding.Marshal([]any{address, o.Value})
}

// Witness is a signature of a transaction.
type Witness struct {
	_         struct{} `cbor:",toarray"`
	Key       []byte
	Signature []byte
}

// set is a list in which nothing is twice. Older ones have no tag.
type set[T any] []T

// MarshalCBOR writes a set as the Conway era does.
func (s set[T]) MarshalCBOR() ([]byte, error) {
	return encoding.Marshal(cbor.Tag{Number: 258, Content: []T(s)})
}

// body is what a transaction's hash is of, as far as it matters to us.
type body struct {
	Inputs     set[Ref] `cbor:"0,keyasint"`
	Outputs    []Output `cbor:"1,keyasint"`
	Fee        uint64   `cbor:"2,keyasint"`
	TTL        uint64   `cbor:"3,keyasint,omitzero"`
	Collateral set[Ref] `cbor:"13,keyasint,omitzero"`
	Return     *Output  `cbor:"16,keyasint,omitzero"`

	Inner cbor.RawMessage `cbor:"23,keyasint,omitzero"` // transactions within this one, of the era after Conway
}

type witnesses struct {
	Keys set[Witness] `cbor:"0,keyasint,omitzero"`
}

// Tx is a transaction as it is on the chain.
type Tx struct {
	Hash      Hash
	Fee       uint64
	TTL       uint64 // the first slot that it cannot be in, 0 for none
	Valid     bool   // else its script failed, and only its collateral moved
	Unsaid    bool   // its script can have failed, and its bytes do not say; Valid is a guess then
	Witnesses []Witness
	Size      int

	body body
}

// validity reads whether a transaction of four parts is valid: that stands before the data
// beside it until Conway, and after it in blocks of the era that follows (CIP-176).
func validity(third, fourth []byte) (valid, ok bool) {
	said := func(b []byte) bool { return len(b) == 1 && (b[0] == cborFalse || b[0] == cborTrue) }
	if said(third) == said(fourth) {
		return false, false
	}
	if !said(third) {
		third = fourth
	}
	return third[0] == cborTrue, true
}

const cborFalse, cborTrue = 0xf4, 0xf5

// DecodeTx reads a transaction and computes its hash. Whether the signatures are right is
// not looked at, nor whether a block holds it as valid: its hash covers neither.
func DecodeTx(raw []byte) (*Tx, error) {
	if len(raw) > maxTx {
		return nil, fmt.Errorf("a transaction of %d bytes", len(raw))
	}
	var parts []cbor.RawMessage
	if err := decoding.Unmarshal(raw, &parts); err != nil {
		return nil, fmt.Errorf("not a whole transaction: %w", err)
	}
	if len(parts) != 3 && len(parts) != 4 {
		return nil, fmt.Errorf("not a whole transaction: %d parts", len(parts))
	}
	ok, t := false, &Tx{Valid: true, Size: len(raw), Hash: blake2b.Sum256(parts[0])}
	if len(parts) == 4 {
		if t.Valid, ok = validity(parts[2], parts[3]); !ok {
			return nil, errors.New("a transaction does not say whether it is valid")
		}
	}
	whole := struct {
		*body
		Fee *uint64 `cbor:"2,keyasint"`
	}{body: &t.body}
	if err := decoding.Unmarshal(parts[0], &whole); err != nil {
		return nil, fmt.Errorf("a transaction's body: %w", err)
	}
	if whole.Fee == nil { // those within others pay none, and fail with them
		return nil, fmt.Errorf("transaction %s has no fee: it is not a whole one", t.Hash)
	}
	t.body.Fee, t.Unsaid = *whole.Fee, len(parts) == 3 && len(t.body.Collateral) > 0
	if t.body.Inner != nil { // what they pay must not be missed
		return nil, fmt.Errorf("transaction %s holds others, which this version of the program cannot read", t.Hash)
	}
	var w witnesses
	if err := decoding.Unmarshal(parts[1], &w); err != nil {
		return nil, fmt.Errorf("a transaction's witnesses: %w", err)
	}
	t.Fee, t.TTL, t.Witnesses = t.body.Fee, t.body.TTL, w.Keys
	return t, nil
}

// Spends returns the outputs that the transaction takes: of one that is not valid, its
// collateral.
func (t *Tx) Spends() []Ref {
	if t.Valid {
		return t.body.Inputs
	}
	return t.body.Collateral
}

// Made is an output that a transaction brought about, and its index.
type Made struct {
	Index int
	Output
}

// Makes returns the outputs that the transaction brings about: of one that is not valid,
// what is left of its collateral, if anything.
func (t *Tx) Makes() (all []Made) {
	if !t.Valid {
		if t.body.Return != nil {
			all = append(all, Made{len(t.body.Outputs), *t.body.Return})
		}
		return all
	}
	for i, o := range t.body.Outputs {
		all = append(all, Made{i, o})
	}
	return all
}

// Verify reports whether each signature is of this transaction.
func (t *Tx) Verify() bool {
	for _, w := range t.Witnesses {
		if len(w.Key) != ed25519.PublicKeySize || !ed25519.Verify(w.Key, t.Hash[:], w.Signature) {
			return false
		}
	}
	return true
}

// Draft is a transaction to be signed, of keys alone: no scripts, nothing minted.
type Draft struct {
	Inputs  []Ref
	Outputs []Output
	Fee     uint64
	TTL     uint64 // the first slot that it cannot be in, 0 for none
}

// Sign returns the bytes to be sent, and their hash. Each key signs once.
func (d Draft) Sign(keys ...Key) (hash Hash, raw []byte, err error) {
	b, err := encoding.Marshal(body{Inputs: d.Inputs, Outputs: d.Outputs, Fee: d.Fee, TTL: d.TTL})
	if err != nil {
		return hash, nil, err
	}
	hash = blake2b.Sum256(b)
	var w witnesses
	for _, k := range keys {
		w.Keys = append(w.Keys, Witness{Key: k.Public(), Signature: k.Sign(hash[:])})
	}
	raw, err = encoding.Marshal([]any{cbor.RawMessage(b), w, true, nil})
	return hash, raw, err
}

// Size returns how many bytes it will be when that many keys have signed.
func (d Draft) Size(keys int) (int, error) {
	b, err := encoding.Marshal(body{Inputs: d.Inputs, Outputs: d.Outputs, Fee: d.Fee, TTL: d.TTL})
	if err != nil {
		return 0, err
	}
	w := witnesses{Keys: make(set[Witness], keys)}
	for i := range w.Keys {
		w.Keys[i] = Witness{Key: make([]byte, ed25519.PublicKeySize), Signature: make([]byte, ed25519.SignatureSize)}
	}
	raw, err := encoding.Marshal([]any{cbor.RawMessage(b), w, true, nil})
	return len(raw), err
}

// Least returns the least lovelace that an output of this form must hold (CIP-55), for what
// a byte costs.
func (o Output) Least(perByte uint64) (uint64, error) {
	for o.Value.Lovelace = min(o.Value.Lovelace, 1<<20); ; {
		raw, err := encoding.Marshal(o)
		if err != nil {
			return 0, err
		}
		least := (160 + uint64(len(raw))) * perByte
		if least <= o.Value.Lovelace || least == 0 {
			return least, nil
		}
		o.Value.Lovelace = least
	}
}
