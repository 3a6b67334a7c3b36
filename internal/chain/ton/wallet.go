package ton

import (
	"bytes"
	"crypto/ed25519"
	"errors"

	"github.com/xssnick/tonutils-go/tvm/cell"
)

// walletCode is the code of wallet v5 revision 1, as github.com/ton-blockchain/wallet-contract-v5
// built it; its hash is 20834b7b72b112147e1b2fb457b84e74d1a30f04f737d4f62a668e9552d2b72f.
var walletCode = mustCell("te6cckECFAEAAoEAART/APSkE/S88sgLAQIBIAINAgFIAwQC3NAg10nBIJFbj2Mg1wsfIIIQZXh0br0hghBzaW50vbCSXwPgghBleHRuuo60gCDXIQHQdNch+kAw+kT4KPpEMFi9kVvg7UTQgQFB1yH0BYMH9A5voTGRMOGAQNchcH/bPOAxINdJgQKAuZEw4HDiEA8CASAFDAIBIAYJAgFuBwgAGa3OdqJoQCDrkOuF/8AAGa8d9qJoQBDrkOuFj8ACAUgKCwAXsyX7UTQcdch1wsfgABGyYvtRNDXCgCAAGb5fD2omhAgKDrkPoCwBAvIOAR4g1wsfghBzaWduuvLgin8PAeaO8O2i7fshgwjXIgKDCNcjIIAg1yHTH9Mf0x/tRNDSANMfINMf0//XCgAK+QFAzPkQmiiUXwrbMeHywIffArNQB7Dy0IRRJbry4IVQNrry4Ib4I7vy0IgikvgA3gGkf8jKAMsfAc8Wye1UIJL4D95w2zzYEAP27aLt+wL0BCFukmwhjkwCIdc5MHCUIccAs44tAdcoIHYeQ2wg10nACPLgkyDXSsAC8uCTINcdBscSwgBSMLDy0InXTNc5MAGk6GwShAe78uCT10rAAPLgk+1V4tIAAcAAkVvg69csCBQgkXCWAdcsCBwS4lIQseMPINdKERITAJYB+kAB+kT4KPpEMFi68uCR7UTQgQFB1xj0BQSdf8jKAEAEgwf0U/Lgi44UA4MH9Fvy4Iwi1woAIW4Bs7Dy0JDiyFADzxYS9ADJ7VQAcjDXLAgkji0h8uCS0gDtRNDSAFETuvLQj1RQMJExnAGBAUDXIdcKAPLgjuLIygBYzxbJ7VST8sCN4gAQk1vbMeHXTNC01sNe")

// Indexes is how many deposit wallets one key has.
const Indexes = 1 << 31

// The networks' ids, which are part of each wallet's own id and of each block.
const (
	Mainnet int32 = -239
	Testnet int32 = -3
)

// Global is the id of a network.
func Global(testnet bool) int32 {
	if testnet {
		return Testnet
	}
	return Mainnet
}

// Wallet is a wallet contract of version 5, revision 1, as it is before its first use.
type Wallet struct {
	Key ed25519.PublicKey
	ID  uint32 // tells apart the wallets of a key, and the networks
}

// DepositWallet returns the wallet of a deposit address. Its id is of the kind that the
// contract's documents leave to services (the highest bit of the context is 0), so it is never
// that of a wallet which an app made of the same key.
func DepositWallet(key ed25519.PublicKey, index uint32, testnet bool) (Wallet, error) {
	if len(key) != ed25519.PublicKeySize {
		return Wallet{}, errors.New("the public key must have 32 bytes")
	}
	if index >= Indexes {
		return Wallet{}, errors.New("the index of a deposit wallet must be below 2^31")
	}
	return Wallet{key, uint32(Global(testnet)) ^ index}, nil //nolint:gosec // the bits count
}

// DepositAddress returns the canonical address of a deposit wallet, which only the public key
// is needed for.
func DepositAddress(key ed25519.PublicKey, index uint32, testnet bool) (string, error) {
	w, err := DepositWallet(key, index, testnet)
	if err != nil {
		return "", err
	}
	return w.Address().String(), nil
}

// FeeWallet returns the wallet of the account that pays the fees: the one that an app shows for
// the same key.
func FeeWallet(key ed25519.PublicKey, testnet bool) Wallet {
	return Wallet{key, uint32(Global(testnet)) ^ 1<<31} //nolint:gosec // the bits count
}

// Address returns the wallet's account.
func (w Wallet) Address() Address { return Address(w.Init().Hash()) }

// Init returns the state that the contract is deployed with.
func (w Wallet) Init() *Cell { return stateInit(walletCode, w.data(0)) }

func (w Wallet) data(seqno uint32) *Cell {
	return cell.BeginCell().MustStoreUInt(1, 1).MustStoreUInt(uint64(seqno), 32).MustStoreUInt(uint64(w.ID), 32).
		MustStoreSlice(w.Key, 256).MustStoreUInt(0, 1).EndCell()
}

// State returns the wallet's data at a sequence number.
func (w Wallet) State(seqno uint32) *Cell { return w.data(seqno) }

// Seqno reads the sequence number in the data of the wallet's account: 0 for none, before it
// is deployed.
func (w Wallet) Seqno(data *Cell) (uint32, error) {
	if data == nil {
		return 0, nil
	}
	read, seqno, err := readWallet(data)
	if err != nil || read.ID != w.ID || !read.Key.Equal(w.Key) {
		return 0, errors.New("the account's data is not that of the wallet")
	}
	return seqno, nil
}

// WalletAt reads the data of a wallet's account, whosever it is, and its sequence number: no
// wallet, and 0, before it is deployed. That the account is the wallet's own is proven by its address.
func WalletAt(a Address, data *Cell) (w Wallet, seqno uint32, err error) {
	if data == nil {
		return w, 0, nil
	}
	if w, seqno, err = readWallet(data); err != nil || w.Address() != a {
		return w, 0, errors.New("the account's data is not that of a wallet")
	}
	return w, seqno, nil
}

func readWallet(data *Cell) (w Wallet, seqno uint32, err error) {
	r := read(data)
	r.uint(1)
	seqno, w.ID, w.Key = uint32(r.uint(32)), uint32(r.uint(32)), r.bytes(32) //nolint:gosec // of 32 bits
	return w, seqno, r.err
}

func stateInit(code, data *Cell) *Cell {
	return cell.BeginCell().MustStoreUInt(0b00, 2).MustStoreMaybeRef(code).MustStoreMaybeRef(data).MustStoreUInt(0, 1).EndCell()
}

// The kinds of signed requests.
const (
	external = 0x7369676e
	internal = 0x73696e74
)

// Request is what the holder of a wallet's key asks of it: to send messages, once.
type Request struct {
	Internal   bool // brought by a message of another contract, which pays for it
	Wallet     uint32
	ValidUntil uint32 // seconds since 1970; from then on it has no effect
	Seqno      uint32
	Messages   []Message
}

// MaxMessages is how many messages one request can send.
const MaxMessages = 255

// actionSend is how a message is listed in a request.
const actionSend = 0x0ec3c86d

// Sign returns the body of the message that brings the request.
func (r Request) Sign(key ed25519.PrivateKey) *Cell {
	kind := uint64(external)
	if r.Internal {
		kind = internal
	}
	list := cell.BeginCell().EndCell()
	for _, m := range r.Messages {
		list = cell.BeginCell().MustStoreRef(list).MustStoreUInt(actionSend, 32).MustStoreUInt(uint64(m.Mode), 8).MustStoreRef(m.cell()).EndCell()
	}
	b := cell.BeginCell().MustStoreUInt(kind, 32).MustStoreUInt(uint64(r.Wallet), 32).MustStoreUInt(uint64(r.ValidUntil), 32).
		MustStoreUInt(uint64(r.Seqno), 32).MustStoreMaybeRef(list).MustStoreUInt(0, 1)
	return b.MustStoreSlice(ed25519.Sign(key, b.Copy().EndCell().Hash()), 512).EndCell()
}

// ParseRequest reads a signed request, and says whether the key signed it.
func ParseRequest(body *Cell, key ed25519.PublicKey) (r Request, signed bool, err error) {
	const bits = 4*32 + 1 + 1
	if body == nil || body.BitsSize() != bits+512 || body.RefsNum() > 1 {
		return r, false, errors.New("not a signed request to send messages")
	}
	c := read(body)
	head := c.Copy()
	kind := c.uint(32)
	r.Internal, r.Wallet = kind == internal, uint32(c.uint(32))    //nolint:gosec // of 32 bits
	r.ValidUntil, r.Seqno = uint32(c.uint(32)), uint32(c.uint(32)) //nolint:gosec // of 32 bits
	list, other, signature := c.maybeRef(), c.uint(1), c.bytes(ed25519.SignatureSize)
	if c.err != nil || other != 0 || kind != internal && kind != external {
		return r, false, errors.New("not a signed request to send messages")
	}
	b := cell.BeginCell().MustStoreSlice(head.MustLoadSlice(bits), bits)
	if list != nil {
		b.MustStoreRef(list)
	}
	if r.Messages, err = parseActions(list); err != nil {
		return r, false, err
	}
	return r, len(key) == ed25519.PublicKeySize && ed25519.Verify(key, b.EndCell().Hash(), signature), nil
}

func parseActions(list *Cell) (all []Message, err error) {
	for list != nil && list.BitsSize() > 0 {
		r := read(list)
		prev, kind, mode, msg := r.ref(), r.uint(32), r.uint(8), r.ref()
		if r.err != nil || kind != actionSend || len(all) == MaxMessages {
			return nil, errors.New("not a list of messages to send")
		}
		m, err := ParseMessage(msg)
		if err != nil {
			return nil, err
		}
		m.Mode = byte(mode) //nolint:gosec // of 8 bits
		all, list = append([]Message{m}, all...), prev
	}
	return all, nil
}

// ParseWallet reads the state that a wallet contract is deployed with; false for another contract.
func ParseWallet(code, data *Cell) (w Wallet, ok bool) {
	w, seqno, err := readWallet(data)
	return w, err == nil && seqno == 0 && bytes.Equal(code.Hash(), walletCode.Hash()) && bytes.Equal(w.data(0).Hash(), data.Hash())
}
