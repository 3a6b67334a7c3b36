package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pepay/pepay/internal/chain"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// How many blocks a verification reads at most: where a driver can say which of them
// matter, and where all have to be read; and how many that follow each other it asks for
// at once.
const (
	maxSearched = 50_000
	maxReread   = 256
	maxRun      = 64
)

// reread reads the chain for what a verification is about and credits what it finds,
// just as a watcher would. It reads final blocks only: those above are the watcher's,
// who undoes what a reorganisation drops.
func (b *Billing) reread(ctx context.Context, v pay.Verification, s *search) (pay.Outcome, string, error) {
	outcome, note := pay.OutcomeNothing, "No payment to an address of this invoice was found."
	if v.TxHash != "" {
		outcome, note = pay.OutcomeTxUnknown, "This transaction is not known. If it was sent a moment ago, try again in a minute."
	}
	for _, name := range v.Networks {
		found, text, err := b.rereadNetwork(ctx, v, s, name)
		if err != nil {
			return "", "", fmt.Errorf("read %s again: %w", name, err)
		}
		if found != "" && found != pay.OutcomeTxUnknown && found != pay.OutcomeNothing {
			outcome, note = found, text
		}
	}
	return outcome, note, nil
}

// rereadNetwork is reread on one network.
func (b *Billing) rereadNetwork(ctx context.Context, v pay.Verification, s *search, name pay.NetworkName) (pay.Outcome, string, error) {
	network, _ := b.Registry.Network(name)
	book, driver := &Book{b, network}, b.Chains[name]
	if driver == nil {
		return "", "", errors.New("this process does not read the network")
	}
	var scanned, final pay.Block
	ours, since := map[string]string{}, time.Time{}
	if err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if scanned, final, _, err = tx.Position(name); err != nil {
			return err
		}
		as, err := tx.AddressesOf(v.InvoiceID)
		for _, a := range as {
			if name.Shares(a.Network) {
				ours[a.Address] = a.Address
				if since.IsZero() {
					since = a.CreatedAt
				}
			}
		}
		return err
	}); err != nil {
		return "", "", err
	}
	// A node that has not, or not any more, the blocks that count is not to be asked.
	if at, err := driver.Block(ctx, final.Height); err != nil || !at.Is(final) {
		return "", "", orElse(err, chain.ErrDeepFork)
	}
	heights, known := s.left[name]
	if !known {
		var outcome pay.Outcome
		var note string
		var err error
		if heights, outcome, note, err = whereToLook(ctx, v, driver, network, ours, since, scanned, final); err != nil || outcome != "" {
			return outcome, note, err
		}
	}
	found := false
	for ; len(heights) > 0; s.left[name] = heights {
		n := 1
		for n < min(len(heights), maxRun) && heights[n] == heights[n-1]+1 {
			n++
		}
		ds, err := readRun(ctx, driver, heights[0], heights[n-1], ours)
		if err != nil {
			return "", "", err
		}
		for i, d := range ds {
			if v.TxHash != "" && d.TxHash != v.TxHash {
				continue
			}
			found = true
			if err := book.credit(ctx, ds[i:i+1], final); err != nil {
				return "", "", err
			}
		}
		heights, s.further = heights[n:], true
	}
	switch {
	case v.TxHash != "" && found:
		return pay.OutcomeKnown, "This transaction is recorded already, as a change of its address's balance.", nil
	case v.TxHash != "":
		return pay.OutcomeOtherAddress, "This transaction does not pay an address of this invoice in a token that is taken. Check where it went.", nil
	}
	return pay.OutcomeNothing, "", nil
}

// whereToLook returns the heights of the final blocks to read, or at once what there is
// to say about a transaction.
func whereToLook(ctx context.Context, v pay.Verification, d chain.Driver, n pay.Network, ours map[string]string, since time.Time, scanned, final pay.Block) ([]uint64, pay.Outcome, string, error) {
	finder, can := d.(chain.Finder)
	if can && v.TxHash != "" {
		p, ok, err := finder.Find(ctx, v.TxHash)
		switch {
		case err != nil || !ok:
			return nil, pay.OutcomeTxUnknown, "", err
		case p.Failed:
			return nil, pay.OutcomeTxFailed, "This transaction failed on chain: it moved nothing.", nil
		case !p.Mined || p.Height > final.Height:
			have := uint64(0)
			if p.Mined && scanned.Height >= p.Height {
				have = scanned.Height - p.Height + 1
			}
			return nil, pay.OutcomeConfirming, fmt.Sprintf("This transaction has %d of %d confirmations. It is credited by itself once it has them all.", have, n.Confirmations), nil
		}
		return []uint64{p.Height}, "", "", nil
	}
	// Blocks are sometimes faster than usual: twice as many as fit, and some more.
	span := 2*uint64(max(0, final.Time.Sub(since))/max(n.BlockTime, time.Millisecond)) + 64 //nolint:gosec // not negative
	if can {
		var addresses []string
		for a := range ours {
			addresses = append(addresses, a)
		}
		hs, err := finder.Mentions(ctx, addresses, final.Height-min(final.Height, span, maxSearched), final.Height)
		return hs, "", "", err
	}
	var hs []uint64
	for h := final.Height - min(final.Height, span, maxReread) + 1; h <= final.Height; h++ {
		hs = append(hs, h)
	}
	return hs, "", "", nil
}

// readRun reads the deposits that the blocks from one height to another, the first and the
// last of which there are, have for some addresses. Scans may read less than they are asked.
func readRun(ctx context.Context, d chain.Driver, from, to uint64, ours map[string]string) (ds []pay.Deposit, err error) {
	at, err := d.Block(ctx, from-min(from, 1))
	if err != nil {
		return nil, err
	}
	for at.Height < to {
		found, err := d.Scan(ctx, at, to, func(context.Context, []string) (map[string]string, error) { return ours, nil })
		if err != nil {
			return nil, err
		}
		ds, at = append(ds, found.Deposits...), found.Last
	}
	if last, err := d.Block(ctx, to); err != nil || !last.Is(at) {
		return nil, orElse(err, chain.ErrFork)
	}
	return ds, nil
}

// credit records deposits of blocks that are final, wherever the watcher is. Found
// twice they count once.
func (b *Book) credit(ctx context.Context, ds []pay.Deposit, final pay.Block) error {
	at := func(*store.Tx) error { return nil } // what is final stays so, whoever moves the network on
	byInvoice, err := b.assign(ctx, ds)
	if err != nil {
		return fmt.Errorf("assign deposits: %w", err)
	}
	for id, as := range byInvoice {
		if err := b.see(ctx, id, as, at); err != nil {
			return err
		}
	}
	return b.each(ctx, pay.Seen, final.Height, pay.Final, at)
}
