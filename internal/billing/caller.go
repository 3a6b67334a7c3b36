package billing

import (
	"context"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// Caller is who makes a request: a program with an API key, or a person who is
// signed in.
type Caller struct {
	Merchant    pay.Merchant
	Key         pay.Key         // a person has one without an id, of scope merchant
	Environment pay.Environment // where what the caller makes will be
	User        pay.Wallet      // of a person; zero for a program
	Role        pay.Role        // of a person
}

// Person reports whether the caller is a person.
func (c Caller) Person() bool { return c.User != pay.Wallet{} }

// MayWrite returns an error with CodeForbidden unless the caller may change things.
func (c Caller) MayWrite() error {
	if c.Person() && !c.Role.Writes() {
		return pay.Errorf(pay.CodeForbidden, "Your role is %s, which may only read; ask an owner for another", c.Role)
	}
	return nil
}

// MayManage returns an error with CodeForbidden unless the caller is an owner, who
// decides about settlement, payout, members and the keys of others.
func (c Caller) MayManage() error {
	if !c.Role.Manages() {
		return pay.Errorf(pay.CodeForbidden, "Only an owner may do this, signed in")
	}
	return nil
}

// ByKey returns who the secret of an API key belongs to. The error has
// CodeKeyInvalid when the key is unknown, revoked or expired, and CodeForbidden when
// it is suspended or its environment is not enabled.
func (b *Billing) ByKey(ctx context.Context, secret string) (c Caller, err error) {
	bad := pay.Errorf(pay.CodeKeyInvalid, "Invalid API key")
	if secret == "" || len(secret) > 255 {
		return c, bad
	}
	err = b.Store.Look(ctx, func(tx *store.Tx) error {
		var ok bool
		if c.Key, c.Merchant, ok, err = tx.KeyByHash(auth.Hash(secret)); err != nil || !ok {
			return orElse(err, bad)
		}
		if c.Key.Usable(tx.Now()) {
			b.uses.note(c.Key.ID, tx.Now())
		}
		return c.Key.Refused(c.Merchant, tx.Now())
	})
	c.Environment = c.Key.Environment
	return c, err
}

// errSignedOut is what every token gets that opens nothing, whatever the reason.
var errSignedOut = pay.Errorf(pay.CodeTicketInvalid, "You are not signed in, or no longer: sign in and send Authorization: Bearer with the access token")

// ByBearer returns who is signed in with an access token, acting for a merchant: 0
// for the first that the person is a member of. The error has CodeTicketInvalid when
// the token is not ours or its login has ended, and CodeForbidden when the person
// is no member of that merchant, whether or not it exists.
func (b *Billing) ByBearer(ctx context.Context, token string, merchant int64) (c Caller, err error) {
	err = b.Store.Look(ctx, func(tx *store.Tx) error {
		_, ms, err := b.login(tx, token)
		if err != nil {
			return err
		}
		at := -1
		for n, m := range ms {
			if at < 0 && (merchant == 0 || m.MerchantID == merchant) {
				at = n
			}
		}
		if at < 0 {
			return pay.Errorf(pay.CodeForbidden, "X-Merchant-Id names no merchant that you are a member of")
		}
		var ok bool
		if c.Merchant, ok, err = tx.Merchant(ms[at].MerchantID); err != nil || !ok {
			return orElse(err, errSignedOut)
		}
		c.User, c.Role, c.Environment = ms[at].Wallet, ms[at].Role, c.Merchant.Environment
		c.Key = pay.Key{MerchantID: c.Merchant.ID, Scope: pay.ScopeMerchant, Environment: c.Environment}
		return nil
	})
	return c, err
}

// login returns what a token opens: a login that lasts, and what its wallet is a
// member of, which is something.
func (b *Billing) login(tx *store.Tx, token string) (l pay.Login, ms []pay.Member, err error) {
	id, err := b.Auth.Access(token, tx.Now())
	if err != nil {
		return l, nil, errSignedOut
	}
	l, ok, err := tx.Login(id)
	if err != nil || !ok {
		return l, nil, orElse(err, errSignedOut)
	}
	if ms, err = tx.Memberships(l.Wallet); err == nil && len(ms) == 0 {
		err = errSignedOut
	}
	return l, ms, err
}
