package solana

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strconv"

	"github.com/pepay/pepay/internal/chain/solana"
	"github.com/pepay/pepay/internal/pay"
)

// maxItems bounds the items looked at for one transaction: fewer fit.
const maxItems = 30

// The most bytes that a token account has: of the first program, and of the second with the
// extensions that are accepted.
const (
	accountSize    = 165
	newAccountSize = 220
)

// sweep is an item, and what there is to know to make the instructions that empty it.
type sweep struct {
	item            pay.SweepItem
	key             ed25519.PrivateKey
	owner, receiver solana.Key
	units           uint64
	// Of a token; mint is the system program for SOL.
	mint, program, from, to solana.Key
	decimals                int
	exists                  bool   // the receiver's account
	deposit                 uint64 // what the account costs
}

// read returns what can be moved now, and leaves the rest.
func (m *Mover) read(ctx context.Context, items []pay.SweepItem, left map[pay.SweepItem]string) (sweeps []sweep, err error) {
	mints, err := m.Driver.Mints(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	var keys []solana.Key
	for _, item := range items[:min(len(items), maxItems)] {
		s, reason := m.locate(item, mints)
		if reason != "" {
			left[item] = reason
			continue
		}
		sweeps = append(sweeps, s)
		keys = append(keys, s.owner, s.receiver)
		if s.mint != solana.System {
			keys = append(keys, s.from, s.to)
		}
	}
	accounts, err := m.Driver.Accounts(ctx, keys...)
	if err != nil || len(sweeps) == 0 {
		return nil, err
	}
	rents, err := m.Driver.Rents(ctx, 0, accountSize, newAccountSize)
	if err != nil {
		return nil, fmt.Errorf("read what accounts must hold: %w", err)
	}
	kept := sweeps[:0]
	for _, s := range sweeps {
		reason := s.weigh(accounts, rents[0])
		if s.deposit = rents[1]; s.program == solana.Token2022 {
			s.deposit = rents[2]
		}
		if reason != "" {
			left[s.item] = reason
			continue
		}
		kept = append(kept, s)
	}
	return kept, nil
}

// locate finds the accounts and the key of an item.
func (m *Mover) locate(item pay.SweepItem, mints map[string]solana.Mint) (s sweep, reason string) {
	s.item = item
	index, err := strconv.ParseUint(item.Salt, 10, 31)
	if err != nil {
		return s, "its salt is not the number of a key"
	}
	if s.key, err = m.Key(uint32(index)); err != nil {
		return s, "its key cannot be derived"
	}
	if s.owner = solana.Address(s.key); s.owner.String() != item.Address {
		return s, "its address is not of the configured seed"
	}
	if s.receiver, err = solana.ParseKey(item.Receiver); err != nil {
		return s, "its receiver " + err.Error()
	}
	if item.Token == "" {
		return s, ""
	}
	mint, ok := mints[item.Token]
	if !ok {
		return s, "its token is not configured"
	}
	if err := mint.Refused(); err != nil {
		return s, "its token cannot be moved: " + err.Error()
	}
	if mint.Paused {
		return s, "the issuer of its token lets nothing move for now"
	}
	s.mint, _ = solana.ParseKey(item.Token) // it was read
	s.program, s.decimals = mint.Program, mint.Decimals
	s.from, s.to = solana.TokenAccount(s.owner, s.program, s.mint), solana.TokenAccount(s.receiver, s.program, s.mint)
	return s, ""
}

// weigh reads what an item holds, and says why it cannot be moved now. One that can never
// succeed would take down the whole transaction.
func (s *sweep) weigh(accounts map[solana.Key]solana.Account, least uint64) (reason string) {
	if owner := accounts[s.receiver].Owner; owner == solana.Token.String() || owner == solana.Token2022.String() {
		return "the receiver is a token account or a token, not a wallet"
	}
	if s.mint == solana.System {
		s.units = accounts[s.owner].Lamports
		switch {
		case s.units == 0:
			return nothing
		case accounts[s.receiver].Lamports+s.units < least:
			return "it is less than the receiver's account must hold to exist"
		}
		return ""
	}
	from, ok := accounts[s.from]
	if !ok {
		return nothing
	}
	h, err := solana.ParseHolding(from)
	if s.units = h.Units; err != nil || h.Owner != s.owner || h.Mint != s.mint {
		return "its token account is not what it should be"
	}
	if h.Units == 0 {
		return nothing
	}
	to, ok := accounts[s.to]
	if s.exists = ok && to.Owner != solana.System.String(); !s.exists { // somebody may have sent SOL to where it will be
		to = solana.Account{}
	}
	g, err := solana.ParseHolding(to)
	switch {
	case h.Frozen || g.Frozen:
		return "the issuer of the token has frozen an account"
	case s.exists && (err != nil || g.Owner != s.receiver || g.Mint != s.mint):
		return "the receiver's token account is not the receiver's"
	case g.Memo:
		return "the receiver's token account takes only transfers with a memo"
	case g.Hidden:
		return "the receiver's token account takes only confidential transfers"
	}
	return ""
}

const nothing = "there is nothing at the address any more"
