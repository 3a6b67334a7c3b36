package billing

import (
	"context"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// SaveMember makes a wallet a member of a merchant, or changes its role, which
// counts from its next request on.
func (b *Billing) SaveMember(ctx context.Context, merchant int64, w pay.Wallet, r pay.Role) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		if _, ok, err := tx.Merchant(merchant); err != nil || !ok {
			return orElse(err, pay.Errorf(pay.CodeNotFound, "There is no merchant %d", merchant))
		}
		return tx.SaveMember(pay.Member{MerchantID: merchant, Wallet: w, Role: r, CreatedAt: tx.Now()})
	})
}

// Members returns a merchant's members, the first first.
func (b *Billing) Members(ctx context.Context, merchant int64) (ms []pay.Member, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		ms, err = tx.MembersOf(merchant)
		return err
	})
	return ms, err
}

// RemoveMember ends a membership, and every login of that wallet.
func (b *Billing) RemoveMember(ctx context.Context, merchant int64, w pay.Wallet) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		ok, err := tx.RemoveMember(merchant, w)
		if err != nil || !ok {
			return orElse(err, pay.Errorf(pay.CodeNotFound, "%s is no member of a merchant %d", w.Address, merchant))
		}
		return tx.EndLogins(w)
	})
}
