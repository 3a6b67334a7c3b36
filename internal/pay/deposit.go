// Package pay is the domain: the nouns of a crypto payment and the rules that
// move them from one state to the next. It does no I/O, reads no clock and draws
// no randomness; time and identifiers arrive as arguments.
package pay

import (
	"time"

	"github.com/pepay/pepay/internal/money"
)

// Block is a position on a chain. Two blocks are the same when height and hash
// are.
type Block struct {
	Height uint64
	Hash   string
	Time   time.Time // as the block's producer states it, whole seconds
}

// Is reports whether b and o are the same block.
func (b Block) Is(o Block) bool { return b.Height == o.Height && b.Hash == o.Hash }

// Proof is how far a network has been followed without a gap: each block since the first
// was read and names the one before.
type Proof struct {
	Since uint64 // height of the block after which watching began
	Seen  Block  // the newest that was read
	Final Block  // up to it nothing is missing, and nothing will change
}

// Positions within a transaction that are not those of a log.
const (
	IndexValue   = -1 // the value of the transaction itself
	IndexSurplus = -2 // no transaction shows it: a balance does
	IndexSweep   = -3 // no transaction shows it: a sweep took more than had been seen to come

	IndexSimulated = -4 // no chain has seen it: the simulator of devnet says so
)

// Deposit is a transfer, seen on chain, to an address of ours. Network, TxHash
// and Index name it for ever: a reorganisation may move it to another block, and
// it stays the same deposit.
type Deposit struct {
	Network NetworkName
	TxHash  string
	Index   int // the position of its log within the transaction, or an Index constant
	Block   Block
	Address string // ours, in the network's canonical form
	Token   string // contract address in canonical form, "" for the native coin
	Units   money.Units
	From    string // who sent it; "" when the chain does not say
}

// Inferred reports whether no transaction shows the deposit by itself: what came is
// concluded from what was there.
func (d Deposit) Inferred() bool { return d.Index <= IndexSurplus }

// Simulated reports whether there is no such transfer: it only stands for one.
func (d Deposit) Simulated() bool { return d.Index == IndexSimulated }

// Sweep is a movement, seen on chain, of all that an address of ours held of one
// token to the merchant it belongs to. It is named like a deposit.
type Sweep struct {
	Network NetworkName
	TxHash  string
	Index   int
	Block   Block
	Address string
	Token   string
	Units   money.Units
	To      string
}

// Probe asks whether an address holds more of the native coin than its deposits
// less its sweeps account for.
type Probe struct {
	Address  string
	Expected money.Units
}
