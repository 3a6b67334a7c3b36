package view

import (
	"slices"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// Settlement renders what a merchant wants to be paid in, of the stable coins there are.
func Settlement(m pay.Merchant, stables []pay.Token) api.SettlementPreference {
	v := api.SettlementPreference{
		SettlementPreference: string(m.Settlement), Description: m.Settlement.Description(), AvailableStableTokens: []api.SettlementToken{},
		UpdatedAt: settledAt(m),
	}
	for n, t := range stables {
		first := n == 0
		one := settlementToken(t)
		one.IsDefaultSettlement = &first
		v.AvailableStableTokens = append(v.AvailableStableTokens, one)
	}
	if t, chosen, ok := selected(m, stables); ok {
		one, fallback := settlementToken(t), !chosen
		one.IsDefault = &fallback
		v.SelectedSettlementToken = &one
	}
	return v
}

// SettlementTokenSet renders the choice of a settlement token.
func SettlementTokenSet(m pay.Merchant, stables []pay.Token) api.SettlementTokenSet {
	v := api.SettlementTokenSet{Success: true, Message: "Settlement token updated successfully", UpdatedAt: settledAt(m)}
	if t, _, ok := selected(m, stables); ok {
		v.SettlementToken = &api.ChosenToken{ID: t.ID, TokenSymbol: t.Symbol, TokenName: t.Name, Network: string(t.Network)}
	}
	return v
}

// selected returns the stable coin that counts: the chosen one, if there is such a coin,
// or else the default.
func selected(m pay.Merchant, stables []pay.Token) (t pay.Token, chosen, ok bool) {
	if n := slices.IndexFunc(stables, func(t pay.Token) bool { return t.ID == m.SettlementToken }); n >= 0 {
		return stables[n], true, true
	}
	if len(stables) == 0 {
		return t, false, false
	}
	return stables[0], false, true
}

func settledAt(m pay.Merchant) int64 {
	if m.SettlementAt.IsZero() {
		return m.CreatedAt.Unix()
	}
	return m.SettlementAt.Unix()
}

func settlementToken(t pay.Token) api.SettlementToken {
	return api.SettlementToken{
		ID: t.ID, TokenSymbol: t.Symbol, TokenName: t.Name, Network: string(t.Network), TokenAddress: orNull(t.Address),
		TokenDecimals: t.Decimals, PhotoURI: orNull(t.Photo),
	}
}

// PayoutAddress renders where a merchant's proceeds go on a family, of the networks served.
func PayoutAddress(p pay.Payout, served []pay.Network) api.PayoutAddress {
	v := api.PayoutAddress{Object: "payout_address", Family: string(p.Family), Networks: []string{}, Address: orNull(p.Address)}
	for _, n := range served {
		if n.Name.Family() == p.Family {
			v.Networks = append(v.Networks, string(n.Name))
		}
	}
	if p.Next != "" {
		v.Pending = &api.PendingPayout{Address: p.Next, EffectiveAt: p.NextAt.Unix()}
	}
	return v
}
