package pay

import (
	"time"

	"github.com/pepay/pepay/internal/money"
)

// SettlementStatus is where the proceeds of a payment are (contract 7.3).
type SettlementStatus string

// The settlement statuses of the contract.
const (
	SettlementPending    SettlementStatus = "pending"
	SettlementProcessing SettlementStatus = "processing"
	SettlementSettled    SettlementStatus = "settled"
	SettlementFailed     SettlementStatus = "failed"
	SettlementManual     SettlementStatus = "manual"
)

// Settlement is the way of a payment's proceeds to the merchant. Its zero value,
// status "", is a payment not final yet.
type Settlement struct {
	ID     int64 // counts up per merchant, 0 until the settlement begins
	Status SettlementStatus
	TxHash string
	Reason string // why it is failed or manual
	At     time.Time
	Since  time.Time // when it failed first of the times it has failed in a row; zero for never
}

// After returns a settlement as it follows on another: it remembers since when it fails
// until it succeeds or is begun anew.
func (s Settlement) After(before Settlement) Settlement {
	switch s.Status {
	case SettlementFailed:
		if s.Since = before.Since; s.Since.IsZero() {
			s.Since = s.At
		}
	case SettlementProcessing:
		s.Since = before.Since
	case SettlementPending, SettlementSettled, SettlementManual:
	}
	return s
}

// Relay is a transaction that settles deposits. It is written down before it is
// first sent, and sent again as it was: an unknown outcome cannot pay twice.
type Relay struct {
	ID      string
	Network NetworkName
	Nonce   uint64
	Sweeps  []SweepItem
	Sends   []RelaySend // oldest first; at most one of them can be mined
	State   RelayState
	Reason  string
	At      time.Time
}

// RelayState is the state of a relay.
type RelayState string

// The states of a relay: sent until one of its sends is final on chain. Refunds are due
// before.
const (
	RelayDue    RelayState = "due"
	RelaySent   RelayState = "sent"
	RelayDone   RelayState = "done"
	RelayFailed RelayState = "failed"
)

// RelaySend is one signed form of a relay, for one fee.
type RelaySend struct {
	TxHash string
	Raw    string // hex of the signed transaction
	At     time.Time
}

// SweepItem is one address and token that a relay empties.
type SweepItem struct {
	Address  string
	Receiver string
	Salt     string
	Token    string
}

// Settle says which of the payments to an address in one token have reached the
// merchant: proceeds leave in the order they came, so a payment is settled once
// the final sweeps amount to it and all before it. Both lists are in the chain's
// order. Only payments that changed come back.
func Settle(ps []Payment, sweeps []Sweep, now time.Time) []Payment {
	var changed []Payment
	var due, swept money.Units
	var last Sweep
	for _, p := range ps {
		if p.Sight != Final {
			continue
		}
		for due = due.Add(p.Units); swept.Cmp(due) < 0 && len(sweeps) > 0; sweeps = sweeps[1:] {
			last, swept = sweeps[0], swept.Add(sweeps[0].Units)
		}
		if swept.Cmp(due) < 0 {
			break
		}
		if p.Settlement.Status != SettlementSettled {
			p.Settlement = Settlement{ID: p.Settlement.ID, Status: SettlementSettled, TxHash: last.TxHash, At: now}
			changed = append(changed, p)
		}
	}
	return changed
}

// Unseen is how much more of a token had left an address, up to the block of a sweep,
// than the payments to it had brought: what the sweep brings to light as deposit d. Its
// own payment, if it was recorded already, is not counted.
func Unseen(d Deposit, sweeps []Sweep, ps []Payment) money.Units {
	var left, came money.Units
	for _, s := range sweeps {
		if s.Block.Height <= d.Block.Height {
			left = left.Add(s.Units)
		}
	}
	for _, p := range ps {
		if p.Network == d.Network && p.Address == d.Address && p.Token == d.Token && p.TxHash != d.TxHash &&
			p.Block.Height <= d.Block.Height && (p.Sight == Seen || p.Sight == Final) {
			came = came.Add(p.Units)
		}
	}
	if more, some := left.Sub(came); some {
		return more
	}
	return money.Units{}
}
