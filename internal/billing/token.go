package billing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// TokenQuery selects tokens for a merchant; nil and zero fields match all.
type TokenQuery struct {
	Environment   pay.Environment // "" for the caller's
	Search        string          // in a symbol, a name or an address, in any case
	Network       pay.NetworkName
	Type          pay.TokenType
	Active        *bool
	Stable        *bool
	Blocked       *bool
	Limit, Offset int // no limit when 0
}

// MerchantTokens returns the tokens of an environment that match, in a fixed order,
// and how many there are on all pages.
func (b *Billing) MerchantTokens(ctx context.Context, c Caller, q TokenQuery) (v api.MerchantTokens, total int, err error) {
	var a pay.Acceptance
	if err := b.Store.Read(ctx, func(tx *store.Tx) error {
		a, err = tx.Acceptance(c.Merchant.ID)
		return err
	}); err != nil {
		return v, 0, err
	}
	v = api.MerchantTokens{
		AcceptancePolicy: string(a.Policy), Environment: string(cmp.Or(q.Environment, c.Key.Environment)), Tokens: []api.MerchantToken{},
	}
	for _, t := range b.Registry.Tokens {
		if string(t.Environment) != v.Environment || !q.matches(t, !a.Takes(t.ID)) {
			continue
		}
		if total++; total > q.Offset && (q.Limit == 0 || len(v.Tokens) < q.Limit) {
			v.Tokens = append(v.Tokens, view.MerchantToken(t, !a.Takes(t.ID), b.Rates.Look(ctx, t.Price)))
		}
	}
	return v, total, nil
}

func (q TokenQuery) matches(t pay.Token, blocked bool) bool {
	is := func(want *bool, have bool) bool { return want == nil || *want == have }
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(q.Search)) }
	return (q.Network == "" || t.Network == q.Network) && (q.Type == "" || t.Type == q.Type) &&
		is(q.Active, true) && is(q.Stable, t.Stable) && is(q.Blocked, blocked) && (has(t.Symbol) || has(t.Name) || has(t.Address))
}

// BlockToken blocks a token for the merchant's payors, or allows it again.
func (b *Billing) BlockToken(ctx context.Context, c Caller, id int64, r api.BlockTokenRequest, o Once) ([]byte, error) {
	if _, ok := b.Registry.Token(id); !ok {
		return nil, pay.Errorf(pay.CodeNotFound, "There is no token %d", id)
	}
	blocked := r.Blocked == nil || *r.Blocked
	return b.accept(ctx, c, fmt.Sprint("token.block ", id), o, func(a pay.Acceptance) (pay.Acceptance, any) {
		return a.Block(id, blocked), api.TokenBlocked{Success: true, Blocked: blocked}
	})
}

// SetAcceptance says which tokens the merchant's payors may choose.
func (b *Billing) SetAcceptance(ctx context.Context, c Caller, r api.AcceptancePolicyRequest, o Once) ([]byte, error) {
	if r.AcceptancePolicy == nil || !slices.Contains(pay.AcceptancePolicies, pay.AcceptancePolicy(*r.AcceptancePolicy)) {
		return nil, pay.Errorf(pay.CodeValidation, "acceptance_policy must be accept_all, accept_none or selective")
	}
	return b.accept(ctx, c, "acceptance.set", o, func(a pay.Acceptance) (pay.Acceptance, any) {
		a.Policy = pay.AcceptancePolicy(*r.AcceptancePolicy)
		return a, api.AcceptancePolicySaved{Success: true, AcceptancePolicy: *r.AcceptancePolicy}
	})
}

// accept changes which tokens the merchant takes, and returns the answer to it.
func (b *Billing) accept(ctx context.Context, c Caller, operation string, o Once, change func(pay.Acceptance) (pay.Acceptance, any)) (answer []byte, err error) {
	return b.once(ctx, b.Store.Write, c.Merchant.ID, operation, o, func(tx *store.Tx) ([]byte, error) {
		a, err := tx.AcceptanceForUpdate(c.Merchant.ID)
		if err != nil {
			return nil, err
		}
		a, v := change(a)
		return view.JSON(v), tx.SaveAcceptance(c.Merchant.ID, a)
	})
}
