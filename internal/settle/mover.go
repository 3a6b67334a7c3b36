package settle

import (
	"context"
	"errors"
	"math/big"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// Mover moves what deposit addresses of one network hold to the merchants, one
// transaction at a time. It signs; what it signed is written down before it is sent, and
// sent as it was written down, so dying anywhere moves nothing twice. Implementations
// are one per family of networks.
type Mover interface {
	// Prepare signs a transaction that empties as many of the items as fit in one. Nothing
	// is sent. The error is ErrNoGas when the account that pays the fees cannot, ErrUnread when
	// nothing is known of these items.
	Prepare(ctx context.Context, items []pay.SweepItem) (Prepared, error)
	// Send hands the newest form of a relay to every node. Whether that worked is not taken
	// from their answers: Fate finds out from the chain.
	Send(ctx context.Context, l pay.Relay)
	// Fate says what the chain made of a relay. It is failed only when none of its forms
	// can ever have an effect any more; what is not known is RelaySent.
	Fate(ctx context.Context, l pay.Relay) (Fate, error)
	// Again sends a waiting relay once more; or returns another form of it, of which at
	// most one can have an effect, to be written down and then sent.
	Again(ctx context.Context, l pay.Relay, now time.Time) (next pay.RelaySend, some bool, err error)
	// Look reads what the account that pays the fees holds.
	Look(ctx context.Context) error
	// Holds returns how much native coin that account had when it was last looked at, and
	// false when it never was.
	Holds() (units *big.Int, known bool)
	// Shortage says what that account lacks for its next transaction, "" for nothing.
	Shortage() string
}

// ErrUnread means that nodes answer, and yet not what the addresses of the items hold. That
// may be so of these alone: others can be moved meanwhile.
var ErrUnread = errors.New("what deposit addresses hold is not known")

// Prepared is a transaction that has been signed and not sent.
type Prepared struct {
	Nonce uint64 // the mover's own, to know by when a relay can have no effect any more
	Send  pay.RelaySend
	Items []pay.SweepItem          // that it empties; none when there is nothing to send
	Left  map[pay.SweepItem]string // that cannot be moved now, and why; the rest is for the next transaction
	// Unread are those of which nothing could be learned, also when the error is ErrUnread.
	Unread []pay.SweepItem
}

// Fate is what the chain says became of a relay.
type Fate struct {
	State   pay.RelayState  // RelaySent while it may still go either way, RelayDone or RelayFailed for ever
	Mined   bool            // it is in a block, which need not be final
	TxHash  string          // of the form that is in a block, or of the newest
	Reason  string          // why it failed
	Refused []pay.SweepItem // that it did not move although it is done
}
