package billing

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// How long a challenge can be answered, and how long who answered it is signed in.
const (
	ChallengeLife = 10 * time.Minute
	LoginLife     = 12 * time.Hour
)

// Wallet checks a wallet that somebody named. The error has CodeValidation.
func (b *Billing) Wallet(t, address string) (w pay.Wallet, err error) {
	switch w.Type = pay.WalletType(t); w.Type {
	case pay.EthereumWallet:
		w.Address, err = b.Wallets[pay.EVM].Canonical(address)
	case pay.SolanaWallet:
		w.Address, err = auth.SolanaAddress(address)
	default:
		return w, pay.Errorf(pay.CodeValidation, "walletType must be ethereum or solana")
	}
	if err != nil {
		return w, pay.Errorf(pay.CodeValidation, "walletAddress %v", err)
	}
	return w, nil
}

// Challenge returns a message for a wallet to sign.
func (b *Billing) Challenge(ctx context.Context, w pay.Wallet) (c pay.Challenge, message string, err error) {
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		c = pay.Challenge{ID: tx.NewID(), Wallet: w, CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(ChallengeLife)}
		return tx.AddChallenge(c)
	})
	return c, b.message(c), err
}

// message is what a challenge asks a wallet to sign. It is not kept: it follows from
// the challenge, the deployment's secret and its public URL.
func (b *Billing) message(c pay.Challenge) string {
	s := auth.SignIn{URI: b.BaseURL, Wallet: c.Wallet, ChainID: 1, Nonce: b.Auth.Nonce(c.ID), At: c.CreatedAt, Expires: c.ExpiresAt}
	if u, err := url.Parse(b.BaseURL); err == nil {
		s.Domain = u.Host
	}
	for _, n := range b.Registry.Networks {
		if n.ChainID != 0 {
			s.ChainID = n.ChainID
			break
		}
	}
	return s.Message()
}

// SignedIn is a login, the merchants it opens, and the token that stands for it.
type SignedIn struct {
	pay.Login
	Token     string
	Members   []pay.Member
	Merchants []pay.Merchant // of the members, in their order
}

// SignIn lets in who signed a challenge's message, once. A wrong signature uses up
// one of a few tries. The error has CodeTicketInvalid when the challenge is not, or
// no longer, to be answered by that wallet or the signature is not its own, and
// CodeForbidden when the wallet is no member of anything and may not sign up.
func (b *Billing) SignIn(ctx context.Context, id string, w pay.Wallet, signature []byte) (s SignedIn, err error) {
	wrong := pay.Errorf(pay.CodeTicketInvalid, "The challenge was answered already, is too old, or was not signed by this wallet; ask for a new one")
	var c pay.Challenge
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		var ok bool
		if c, ok, err = tx.TryChallenge(id); err == nil && (!ok || c.Wallet != w || !c.Open(tx.Now())) {
			c = pay.Challenge{}
		}
		return err
	})
	if err != nil || c.ID == "" {
		return s, orElse(err, wrong)
	}
	if ok, err := b.signed(ctx, c, signature); err != nil || !ok {
		return s, orElse(err, wrong)
	}
	var refused error
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		s, refused = SignedIn{}, nil
		if ok, err := tx.UseUpChallenge(c.ID); err != nil || !ok {
			return orElse(err, wrong)
		}
		if err := tx.SeeUser(w); err != nil {
			return err
		}
		if s.Members, err = tx.Memberships(w); err == nil && len(s.Members) == 0 {
			if !b.Signup {
				refused = pay.Errorf(pay.CodeForbidden, "This wallet is not a member of any merchant here; ask the operator to add it")
				return nil // the challenge is used up all the same
			}
			s.Members, err = signUp(tx, w)
		}
		if err != nil {
			return err
		}
		s.Login = pay.Login{ID: tx.NewID(), Wallet: w, CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(LoginLife)}
		if s.Merchants, err = merchantsOf(tx, s.Members); err != nil {
			return err
		}
		return tx.AddLogin(s.Login)
	})
	if err = orElse(err, refused); err != nil {
		return SignedIn{}, err
	}
	s.Token, err = b.Auth.NewAccess(s.ID, w, s.ExpiresAt)
	return s, err
}

// signed reports whether a challenge's wallet signed its message: by its key, or, as a
// contract, by its own word (EIP-1271).
func (b *Billing) signed(ctx context.Context, c pay.Challenge, signature []byte) (bool, error) {
	message := b.message(c)
	if auth.Signed(c.Wallet, message, signature) {
		return true, nil
	}
	if c.Wallet.Type != pay.EthereumWallet || b.Contract == nil {
		return false, nil
	}
	ok, err := b.Contract(ctx, c.Wallet.Address, auth.Digest(message), signature)
	if err != nil {
		return false, fmt.Errorf("ask the wallet's contract: %w", err)
	}
	return ok, nil
}

// signUp makes a merchant of devnet for a wallet that has none, with it as the owner.
func signUp(tx *store.Tx, w pay.Wallet) ([]pay.Member, error) {
	id, err := tx.Next("merchant")
	if err != nil {
		return nil, err
	}
	m := pay.Merchant{ID: id, Name: fmt.Sprintf("Merchant %d", id), Environment: pay.Devnet, CreatedAt: tx.Now()}
	if err := tx.SaveMerchant(m); err != nil {
		return nil, err
	}
	owner := pay.Member{MerchantID: id, Wallet: w, Role: pay.RoleOwner, CreatedAt: tx.Now()}
	return []pay.Member{owner}, tx.SaveMember(owner)
}

func merchantsOf(tx *store.Tx, members []pay.Member) (ms []pay.Merchant, err error) {
	for _, m := range members {
		one, _, err := tx.Merchant(m.MerchantID)
		if err != nil {
			return nil, err
		}
		ms = append(ms, one)
	}
	return ms, nil
}

// SignedIn returns what an access token opens. The error has CodeTicketInvalid.
func (b *Billing) SignedIn(ctx context.Context, token string) (s SignedIn, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		if s.Login, s.Members, err = b.login(tx, token); err == nil {
			s.Merchants, err = merchantsOf(tx, s.Members)
		}
		return err
	})
	return s, err
}

// SignOut ends the login of an access token, at once and on every node. The error has
// CodeTicketInvalid when there is none.
func (b *Billing) SignOut(ctx context.Context, token string) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		l, _, err := b.login(tx, token)
		if err != nil {
			return err
		}
		return tx.EndLogin(l.ID)
	})
}
