package solana

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/pepay/pepay/internal/chain/solana"
)

// The tokens of the network: two dollars of six decimals that are as good as real ones, one
// of each token program; one that keeps a fee from transfers and one whose transfers call
// another program, which cannot be taken; and one that looks like the first and is not
// configured anywhere.
var (
	Dollar    = solana.Key(sha256.Sum256([]byte("devchain dollar")))
	NewDollar = solana.Key(sha256.Sum256([]byte("devchain dollar of token-2022")))
	Taxed     = solana.Key(sha256.Sum256([]byte("devchain dollar with a fee")))
	Hooked    = solana.Key(sha256.Sum256([]byte("devchain dollar with a hook")))
	Fake      = solana.Key(sha256.Sum256([]byte("devchain false dollar")))
)

// Decimals are those of all the tokens.
const Decimals = 6

// Wallet is the key of the rich wallet, known to everybody.
func Wallet() ed25519.PrivateKey { return Key("wallet") }

// Key is the key of a name, for whatever needs one on this network.
func Key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("devchain " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// genesis are the accounts at the beginning.
func genesis() state {
	rich := solana.Address(Wallet())
	s := state{rich: {Lamports: 1e18, Owner: solana.System.String()}}
	mint := func(at, program solana.Key, extensions ...byte) {
		d := make([]byte, 82)
		d[44], d[45] = Decimals, 1
		if len(extensions) > 0 {
			d = slices.Concat(d, make([]byte, 83), []byte{1}, extensions)
		}
		s[at] = solana.Account{Lamports: rent(len(d)), Owner: program.String(), Data: d}
		h := holding(program, at, rich, 1e18)
		s[solana.TokenAccount(rich, program, at)] = solana.Account{Lamports: rent(len(h)), Owner: program.String(), Data: h}
	}
	fee, hook := make([]byte, 112), make([]byte, 68)
	fee[0], fee[2], hook[0], hook[2] = 1, 108, 14, 64
	mint(Dollar, solana.Token)
	mint(Fake, solana.Token)
	mint(NewDollar, solana.Token2022, slices.Concat(fee, hook)...) // both there and without effect
	fee = slices.Clone(fee)
	fee[4+106] = 50 // hundredths of a percent
	mint(Taxed, solana.Token2022, fee...)
	hook = slices.Clone(hook)
	hook[4+32] = 1 // of the program's key
	mint(Hooked, solana.Token2022, hook...)
	return s
}

// Payment is a transfer of the rich wallet to an address: of a token, "" for SOL.
type Payment struct {
	To, Token string
	Units     uint64
	Reference string // a key that the transaction names, as Solana Pay has it; may be empty
}

// Pay sends one transaction that makes all the payments, for the next block, and returns its
// name.
func (c *Chain) Pay(ps ...Payment) (id string, err error) {
	return c.PayFrom(Wallet(), ps...)
}

// PayFrom is the same for another wallet.
func (c *Chain) PayFrom(wallet ed25519.PrivateKey, ps ...Payment) (id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++ // two payments that are alike must not be one transaction
	from, steps := solana.Address(wallet), []solana.Instruction{solana.UnitLimit(200_000), solana.UnitPrice(c.turn)}
	for _, p := range ps {
		to, err := solana.ParseKey(p.To)
		if err != nil {
			return "", fmt.Errorf("pay %s: %w", p.To, err)
		}
		if p.Token == "" {
			steps = append(steps, solana.Transfer(from, to, p.Units))
			p.refer(&steps[len(steps)-1])
			continue
		}
		mint, err := solana.ParseKey(p.Token)
		if err != nil {
			return "", fmt.Errorf("pay in %s: %w", p.Token, err)
		}
		program := c.program(mint)
		steps = append(steps, solana.CreateAccount(from, to, program, mint), solana.TransferChecked(
			program, solana.TokenAccount(from, program, mint), mint, solana.TokenAccount(to, program, mint), from, p.Units, Decimals))
		p.refer(&steps[len(steps)-1])
	}
	t, err := solana.Compile(from, c.head().hash, steps...).Sign(wallet)
	if err != nil {
		return "", err
	}
	return t.ID(), c.submit(t)
}

// refer adds the reference to the transfer's accounts.
func (p Payment) refer(transfer *solana.Instruction) {
	if k, err := solana.ParseKey(p.Reference); err == nil {
		transfer.Accounts = append(transfer.Accounts, solana.Meta{Key: k})
	}
}

// Submit sends a signed transaction, for the next block.
func (c *Chain) Submit(raw []byte) error {
	t, err := solana.ParseTransaction(raw)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.submit(t)
}
