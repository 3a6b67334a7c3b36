package billing

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// Settlement renders what the caller's merchant wants to be paid in.
func (b *Billing) Settlement(c Caller) api.SettlementPreference {
	return view.Settlement(c.Merchant, b.stables(c.Merchant.Environment))
}

// stables returns the stable coins of an environment; the first is the default.
func (b *Billing) stables(e pay.Environment) (ts []pay.Token) {
	for _, t := range b.Registry.Tokens {
		if t.Environment == e && t.Stable {
			ts = append(ts, t)
		}
	}
	return ts
}

// SetPreference says what the merchant wants to be paid in. The error has
// CodeForbidden unless the caller is an owner.
func (b *Billing) SetPreference(ctx context.Context, c Caller, r api.PreferenceRequest, o Once) ([]byte, error) {
	if r.SettlementPreference == nil || !slices.Contains(pay.SettlementPreferences, pay.SettlementPreference(*r.SettlementPreference)) {
		return nil, pay.Errorf(pay.CodeValidation, "settlement_preference must be stables_only, stables_preferred or tokens")
	}
	return b.manage(ctx, c, "settlement.preference", o, func(tx *store.Tx, m pay.Merchant) (pay.Merchant, any, error) {
		m.Settlement, m.SettlementAt = pay.SettlementPreference(*r.SettlementPreference), tx.Now()
		return m, view.Settlement(m, b.stables(m.Environment)), nil
	})
}

// SetSettlementToken names the stable coin that the merchant would rather have; null is
// the default. The error has CodeForbidden unless the caller is an owner.
func (b *Billing) SetSettlementToken(ctx context.Context, c Caller, r api.SettlementTokenRequest, o Once) ([]byte, error) {
	var id *int64
	if json.Unmarshal(r.SettlementTokenID, &id) != nil { // one that is missing is no JSON
		return nil, pay.Errorf(pay.CodeValidation, "settlement_token_id is required: the id of one of available_stable_tokens, or null for the default")
	}
	return b.manage(ctx, c, "settlement.token", o, func(tx *store.Tx, m pay.Merchant) (pay.Merchant, any, error) {
		stables := b.stables(m.Environment)
		if id != nil && !slices.ContainsFunc(stables, func(t pay.Token) bool { return t.ID == *id }) {
			return m, nil, pay.Errorf(pay.CodeValidation, "settlement_token_id %d is not one of available_stable_tokens", *id)
		}
		if m.SettlementToken, m.SettlementAt = 0, tx.Now(); id != nil {
			m.SettlementToken = *id
		}
		return m, view.SettlementTokenSet(m, stables), nil
	})
}

// families lists the families for people.
var families = func() string {
	var names []string
	for _, f := range pay.Families {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}()

// PayoutAddresses renders where the merchant's proceeds go, on each family that is served
// or that it has said so for.
func (b *Billing) PayoutAddresses(ctx context.Context, c Caller) (vs []api.PayoutAddress, err error) {
	vs = []api.PayoutAddress{}
	err = b.Store.Look(ctx, func(tx *store.Tx) error {
		for _, f := range pay.Families {
			p, err := tx.Payout(c.Merchant.ID, f)
			if err != nil {
				return err
			}
			if v := view.PayoutAddress(p, b.Registry.Networks); p.Address != "" || len(v.Networks) > 0 {
				vs = append(vs, v)
			}
		}
		return nil
	})
	return vs, err
}

// SetPayout changes where the merchant's proceeds go on a family, for addresses that are
// given out from then on: those that exist can pay nobody else. The error has
// CodeForbidden unless the caller is an owner.
func (b *Billing) SetPayout(ctx context.Context, c Caller, r api.PayoutRequest, o Once) ([]byte, error) {
	var f pay.Family
	if r.Family != nil {
		f = pay.Family(*r.Family)
	}
	w, ok := b.Wallets[f]
	if !ok {
		return nil, pay.Errorf(pay.CodeValidation, "family must be one of %s", families)
	}
	if r.Address == nil {
		return nil, pay.Errorf(pay.CodeValidation, "address is required")
	}
	to, err := w.Canonical(*r.Address)
	if err != nil {
		return nil, pay.Errorf(pay.CodeValidation, "address %v", err)
	}
	return b.manage(ctx, c, "payout.set", o, func(tx *store.Tx, m pay.Merchant) (pay.Merchant, any, error) {
		before, err := tx.Payout(m.ID, f)
		if err != nil {
			return m, nil, err
		}
		heard := m.Environment
		if m.Mainnet { // the address is of both; who changes it does not choose who is told
			heard = pay.Mainnet
		}
		after := before.To(to, tx.Now(), b.PayoutDelay)
		was, is := view.PayoutAddress(before, b.Registry.Networks), view.PayoutAddress(after, b.Registry.Networks)
		if changed := view.Changed(was, is); !bytes.Equal(changed, []byte("{}")) {
			tx.AppendEvent(pay.Event{MerchantID: m.ID, Type: pay.PayoutUpdated, Environment: heard, Object: view.JSON(is), Previous: changed})
		}
		return m, is, tx.SavePayout(after)
	})
}

// manage changes the caller's merchant while nobody else does, if the caller is an
// owner, and returns the answer to it.
func (b *Billing) manage(ctx context.Context, c Caller, operation string, o Once, change func(*store.Tx, pay.Merchant) (pay.Merchant, any, error)) ([]byte, error) {
	if err := c.MayManage(); err != nil {
		return nil, err
	}
	return b.Write(ctx, c.Merchant.ID, operation, o, func(tx *store.Tx) (any, error) {
		m, ok, err := tx.MerchantForUpdate(c.Merchant.ID)
		if err != nil || !ok {
			return nil, orElse(err, pay.Errorf(pay.CodeNotFound, "Merchant not found"))
		}
		m, answer, err := change(tx, m)
		if err != nil {
			return nil, err
		}
		return answer, tx.SaveMerchant(m)
	})
}
