package solana

import (
	"bytes"

	"github.com/pepay/pepay/internal/chain"
)

// ParseBlock reads a block as a node answers it, all of whose owners are ours.
func ParseBlock(raw []byte, slot uint64, mints map[string]bool) (found chain.Found, err error) {
	b, _, err := readBlock(decoder(bytes.NewReader(raw), maxPiece), slot, mints, maxAtATime)
	if err != nil {
		return found, err
	}
	mine := map[string]string{}
	for _, t := range b.txs {
		for _, c := range t.changes {
			mine[c.owner] = c.owner
		}
	}
	found.Last = b.Block
	d := Driver{Network: "solana"}
	for _, t := range b.txs {
		if err := d.collect(&found, b.Block, t, mine); err != nil {
			return found, err
		}
	}
	return found, nil
}

// HoldBlock reads a block of which no more changes may be held.
func HoldBlock(raw []byte, most int) error {
	_, _, err := readBlock(decoder(bytes.NewReader(raw), maxPiece), 9, nil, most)
	return err
}
