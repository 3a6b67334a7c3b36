// Package chain follows blockchains: a Driver reads one network, a Book keeps
// what was found on it, and a Watcher moves the Book along the network through
// reorganisations, faulty nodes and crashes. It knows nothing of invoices and
// nothing of SQL.
package chain

import (
	"context"
	"errors"

	"github.com/pepay/pepay/internal/pay"
)

var (
	// ErrFork means that the blocks read do not follow the block they were to
	// follow: the chain was, or is being, reorganised.
	ErrFork = errors.New("the chain forked")
	// ErrDeepFork means that the network replaced a block that was already final.
	// Money may have been credited that no longer exists: a person must decide.
	ErrDeepFork = errors.New("the chain replaced a final block")
)

// Ours says which accounts, in the network's canonical form, are ours, and for which of
// our addresses: itself, save on networks that keep tokens in accounts of their own. A
// driver asks at most once per scan, so that the cost of a scan does not grow with the
// number of addresses we have.
type Ours func(ctx context.Context, accounts []string) (map[string]string, error)

// Found is what was read in one or more blocks, in the chain's order.
type Found struct {
	After    pay.Block // the scanned block that it continues from, which a Watcher fills in; zero for wherever that is
	Last     pay.Block // the newest block read
	Blocks   int       // how many were read
	Deposits []pay.Deposit
	Sweeps   []pay.Sweep
	Probes   []pay.Probe // what was asked for when the deposits are surplus, nil otherwise
}

// Driver reads one network. Implementations live in subpackages, one per family;
// each bounds the time and size of what it asks a node. Heights may have gaps only on
// networks where whatever has a height is final. A fault of a node may
// cost an error, and so a retry, but never a finding or an invented one.
type Driver interface {
	// Head returns the newest block.
	Head(ctx context.Context) (pay.Block, error)
	// Block returns the canonical block at a height; in a gap, the newest below it.
	Block(ctx context.Context, height uint64) (pay.Block, error)
	// Scan reads the blocks after the given one up to a height, at least one of
	// them, each of which names the one before as its parent. It fails with
	// ErrFork when the first does not follow after.
	Scan(ctx context.Context, after pay.Block, to uint64, ours Ours) (Found, error)
}

// Prober is a Driver of a network where native coin may come without a trace in any
// block's transactions.
type Prober interface {
	// Surplus returns a deposit for each probe whose address provably held more of
	// the native coin at the end of the block than expected. It finds the transfers
	// that leave neither a log nor a transaction of their own.
	Surplus(ctx context.Context, at pay.Block, probes []pay.Probe) ([]pay.Deposit, error)
}

// Finalizer is a Driver of a network that says itself which blocks are final.
type Finalizer interface {
	// Final returns the newest block that is final by the network's own rule. With several
	// nodes it is one that two of them hold final.
	Final(ctx context.Context, rule pay.Finality) (pay.Block, error)
}

// Finder is a Driver that can also say where to look. What it says is a hint, and may
// be incomplete: whoever asks reads the blocks it names, and believes only those.
type Finder interface {
	// Find returns where a transaction is; false when no node knows it.
	Find(ctx context.Context, hash string) (p Place, ok bool, err error)
	// Mentions returns the heights, from one to another and in order, of the blocks that
	// may hold transfers of tokens to the addresses.
	Mentions(ctx context.Context, addresses []string, from, to uint64) ([]uint64, error)
}

// Place is where a transaction is.
type Place struct {
	Mined  bool // else it waits to be
	Height uint64
	Failed bool // it was mined and moved nothing
}

// Book keeps what a Watcher sees of one network, and how far it got: up to the
// scanned block everything has been seen, and up to the final block, which is
// the scanned one or below it, nothing will be unseen. Each method is one step:
// after an error it has had its whole effect or none, save that See may have kept
// some of the findings.
type Book interface {
	// Position returns both blocks; their hashes are empty on a network that was
	// never watched.
	Position(ctx context.Context) (scanned, final pay.Block, err error)
	// Start sets both blocks on a network that was never watched.
	Start(ctx context.Context, at pay.Block) error
	// Ours is asked by the driver.
	Ours(ctx context.Context, accounts []string) (map[string]string, error)
	// See records findings and moves the scanned block to found.Last. What was
	// recorded before stays; what is seen again, perhaps in another block, takes
	// its new block and is no longer in doubt. What an earlier See, which did not come
	// to its end, left above the scanned block is dropped unless it is seen again. It
	// fails when the scanned block is not found.After: somebody else moved it, and what
	// was found may be of blocks that were replaced since.
	See(ctx context.Context, found Found) error
	// Probes returns at most limit probes that are due, as of the scanned block:
	// what is in doubt is not expected to be there.
	Probes(ctx context.Context, limit int) ([]pay.Probe, error)
	// Rewind moves the scanned block back to the final one. All that was seen above
	// it is in doubt until it is seen again.
	Rewind(ctx context.Context) error
	// Finalize moves the final block. What was seen up to it becomes final, and
	// what is in doubt up to it is dropped: the chain does not have it. It fails when
	// the block is not above the final one, or is above the scanned one.
	Finalize(ctx context.Context, at pay.Block) error
}
