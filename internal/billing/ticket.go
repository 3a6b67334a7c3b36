package billing

import (
	"context"
	"time"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// CheckTicket returns an error with CodeTicketInvalid when the API key that a ticket
// was minted with opens nothing any more: then neither does the ticket.
func (b *Billing) CheckTicket(ctx context.Context, t auth.Ticket) error {
	return b.Store.Look(ctx, func(tx *store.Tx) error {
		ks, err := tx.KeysByID([]string{t.KeyID})
		if err == nil && (len(ks) == 0 || ks[0].Refused(ks[0].Merchant, tx.Now()) != nil) {
			err = pay.Errorf(pay.CodeTicketInvalid, "The API key that this token was minted with opens nothing any more")
		}
		return err
	})
}

// Bounds of a stream ticket's life.
const (
	DefaultTicketLife = time.Minute
	MaxTicketLife     = time.Hour
)

// MintTicket signs a credential for the caller's stream. Its scope is the key's;
// asking for the other is an error with CodeValidation.
func (b *Billing) MintTicket(ctx context.Context, c Caller, scope pay.Scope, life time.Duration) (token string, t auth.Ticket, expires time.Time, err error) {
	if scope != c.Key.Scope {
		return "", t, expires, pay.Errorf(pay.CodeValidation, "scope must be %s, the scope of this key", c.Key.Scope)
	}
	if life < time.Second || life > MaxTicketLife {
		return "", t, expires, pay.Errorf(pay.CodeValidation, "ttl_seconds must be between 1 and %d", int(MaxTicketLife.Seconds()))
	}
	t = auth.Ticket{Stream: auth.StreamMerchant, MerchantID: c.Merchant.ID, KeyID: c.Key.ID}
	if scope == pay.ScopeCommerce {
		t.Stream, t.Environment = auth.StreamCommerce, c.Environment
	}
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		expires = tx.Now().Add(life)
		return nil
	})
	if err == nil {
		token, err = b.Auth.NewTicket(t, expires)
	}
	return token, t, expires, err
}
