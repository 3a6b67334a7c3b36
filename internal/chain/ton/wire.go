package ton

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// The objects of the HTTP API, with the fields that are read.

// Number is an integer that the API writes with quotes, or without.
type Number uint64

// UnmarshalJSON reads both.
func (n *Number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseUint(strings.Trim(string(b), `"`), 10, 63)
	*n = Number(v)
	return err
}

// MarshalJSON writes it with quotes.
func (n Number) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, fmt.Sprint(uint64(n))), nil
}

// BlockID names a block of the masterchain or of a shard.
type BlockID struct {
	Workchain int32  `json:"workchain"`
	Shard     string `json:"shard"`
	Seqno     uint32 `json:"seqno"`
}

// Block is a block of the masterchain or of a shard.
type Block struct {
	BlockID
	RootHash  string    `json:"root_hash"`
	GlobalID  int32     `json:"global_id"`
	GenUtime  Number    `json:"gen_utime"`
	StartLT   Number    `json:"start_lt"`
	TxCount   int       `json:"tx_count"`
	MasterRef *BlockID  `json:"masterchain_block_ref"`
	Prev      []BlockID `json:"prev_blocks"`
}

// Blocks is an answer.
type Blocks struct {
	Blocks []Block `json:"blocks"`
}

// MasterchainInfo is an answer.
type MasterchainInfo struct {
	Last *Block `json:"last"`
}

// Content is a cell, with the hash that it is known by.
type Content struct {
	Hash string `json:"hash"`
	Body string `json:"body"`
}

// Msg is a message; one from outside has no source.
type Msg struct {
	Hash        string   `json:"hash"`
	Source      *string  `json:"source"`
	Destination *string  `json:"destination"`
	Value       *string  `json:"value"`
	Bounced     *bool    `json:"bounced"`
	Content     *Content `json:"message_content"`
}

// Description is what became of a transaction.
type Description struct {
	Type    string    `json:"type"`
	Aborted *bool     `json:"aborted"`
	Bounce  *struct{} `json:"bounce,omitempty"` // there when the coin was sent back
}

// Tx is a transaction: one message that came to an account, and those that it sent then.
type Tx struct {
	Account     string      `json:"account"`
	Hash        string      `json:"hash"`
	LT          Number      `json:"lt"`
	Now         int64       `json:"now"`
	McSeqno     uint32      `json:"mc_block_seqno"`
	Block       BlockID     `json:"block_ref"`
	Description Description `json:"description"`
	In          *Msg        `json:"in_msg"`
	Out         []Msg       `json:"out_msgs"`
}

// Transactions is an answer.
type Transactions struct {
	Transactions []Tx `json:"transactions"`
}

// AccountState is what an account holds.
type AccountState struct {
	Address string  `json:"address"`
	Balance *string `json:"balance"`
	Status  string  `json:"status"`
	Code    *string `json:"code_boc"`
	Data    *string `json:"data_boc"`
}

// AccountStates is an answer.
type AccountStates struct {
	Accounts []AccountState `json:"accounts"`
}

// StackItem is what goes into a contract's method, or comes out.
type StackItem struct {
	Type  string `json:"type"`
	Value any    `json:"value"`
}

// MethodCall is a question.
type MethodCall struct {
	Address string      `json:"address"`
	Method  string      `json:"method"`
	Stack   []StackItem `json:"stack"`
}

// MethodResult is an answer.
type MethodResult struct {
	ExitCode int         `json:"exit_code"`
	Stack    []StackItem `json:"stack"`
}

// SendMessage brings a message from outside.
type SendMessage struct {
	BoC string `json:"boc"`
}

// masterShard is the only shard of the masterchain.
const masterShard = "8000000000000000"

func (b Block) master() bool { return b.Workchain == -1 }

// position is a block of the masterchain as the rest of the program sees it.
func (b Block) position() (pay.Block, error) {
	hash, err := hexHash(b.RootHash)
	if err != nil || !b.master() || b.GenUtime == 0 || b.GenUtime > 1<<33 {
		return pay.Block{}, fmt.Errorf("block %d of the masterchain cannot be read", b.Seqno)
	}
	return pay.Block{Height: uint64(b.Seqno), Hash: hash, Time: time.Unix(int64(b.GenUtime), 0).UTC()}, nil //nolint:gosec // checked
}

// hexHash is a hash as explorers write it, from how the API does.
func hexHash(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != 32 {
		return "", errors.New("not a hash")
	}
	return hex.EncodeToString(b), nil
}

// units reads an amount; none is zero.
func units(s *string) (*big.Int, error) {
	if s == nil {
		return new(big.Int), nil
	}
	v, ok := new(big.Int), len(*s) > 0 && len(*s) <= 40
	for _, c := range *s {
		ok = ok && '0' <= c && c <= '9'
	}
	if ok {
		_, ok = v.SetString(*s, 10)
	}
	if !ok {
		return nil, errors.New("not an amount")
	}
	return v, nil
}

// body decodes a message's, which must have the hash it is said to have.
func (m Msg) body() (*Cell, error) {
	if m.Content == nil {
		return nil, errors.New("a message without content")
	}
	c, err := Decode64(m.Content.Body)
	if err != nil {
		return nil, err
	}
	if base64.StdEncoding.EncodeToString(c.Hash()) != m.Content.Hash {
		return nil, errors.New("a message whose content has another hash")
	}
	return c, nil
}

// Body is the message's, nil when it cannot be read.
func (m Msg) Body() *Cell {
	c, err := m.body()
	if err != nil {
		return nil
	}
	return c
}

// From is the contract that sent the message; false for one from outside or another workchain.
func (m Msg) From() (Address, bool) { return account(m.Source) }

// To is the contract that the message is for; false for none.
func (m Msg) To() (Address, bool) { return account(m.Destination) }

func account(s *string) (Address, bool) {
	if s == nil || !strings.Contains(*s, ":") {
		return Address{}, false
	}
	a, err := Parse(*s, true)
	return a, err == nil
}

func (m Msg) bounced() bool { return m.Bounced != nil && *m.Bounced }

// Failed reports whether nothing came of the transaction but, perhaps, the coin that it
// brought.
func (t Tx) Failed() bool { return t.Description.Aborted == nil || *t.Description.Aborted }

// At is the account; false for one of another workchain.
func (t Tx) At() (Address, bool) { return account(&t.Account) }
