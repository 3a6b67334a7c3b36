package server_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/devchain"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

const (
	payoutPath     = "/api/v1/merchant/payout-addresses"
	preferencePath = "/api/v1/merchant/settlement-preference"
	elsewhere      = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
)

// shifted is the real time and more.
type shifted struct{ by atomic.Int64 }

func (s *shifted) now() time.Time      { return time.Now().Add(time.Duration(s.by.Load())) }
func (s *shifted) add(d time.Duration) { s.by.Add(int64(d)) }

// receiverOf is who the address of an invoice pays.
func receiverOf(t *testing.T, d *desk, invoice string) (to string) {
	t.Helper()
	if err := d.Store.Read(t.Context(), func(tx *store.Tx) error {
		as, err := tx.AddressesOf(invoice)
		if len(as) == 1 {
			to = as[0].Receiver
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return to
}

// A change of payout address is announced, waits, can be taken back, and never moves
// what was given out before.
func TestPayoutAddresses(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		clock := &shifted{}
		d := newDesk(t, database, func(o *app.Options) { o.Now, o.PayoutDelay = clock.now, 24*time.Hour })
		_, owner := d.member(d.Merchant.ID, pay.RoleOwner)
		_, developer := d.member(d.Merchant.ID, pay.RoleDeveloper)
		put := func(h testkit.Headers, body string) answer { return d.ask("PUT "+payoutPath, body, h) }
		get := func() api.PayoutAddress {
			t.Helper()
			return decode[api.List[api.PayoutAddress]](t, d.ask("GET "+payoutPath, "", developer)).Data[0]
		}
		receives := func() string {
			t.Helper()
			made, payor := d.Open(`{"amount_usd":1}`)
			d.Allocate(payor, testkit.Dollar)
			return strings.ToLower(receiverOf(t, d, made.InvoiceID))
		}
		present := devchain.Merchant().Hex()
		if v := get(); v.Address == nil || *v.Address != present || v.Pending != nil || v.Family != "evm" {
			t.Errorf("at first %+v", v)
		}
		refused(t, d.ask("GET "+payoutPath, "", d.key), 403, "B", "FORBIDDEN")
		refused(t, put(developer, `{"family":"evm","address":"`+elsewhere+`"}`), 403, "B", "FORBIDDEN")
		for _, bad := range []string{
			`{}`, `{"family":"evm"}`, `{"address":"` + elsewhere + `"}`, `{"family":"bitcoin","address":"` + elsewhere + `"}`, `{"family":"evm","address":7}`,
			`{"family":"evm","address":""}`, `{"family":"evm","address":"0x3C44"}`, `{"family":"evm","address":"` + strings.Replace(elsewhere, "C", "c", 1) + `"}`,
			`{"family":"evm","address":"` + common.Address{}.Hex() + `"}`, `[]`,
		} {
			refused(t, put(owner, bad), 400, "B", "VALIDATION_ERROR")
		}
		before := len(testkit.Events(t, d.Store, d.Merchant.ID))
		v := decode[api.PayoutAddress](t, put(append(owner, "Idempotency-Key", "one"), `{"family":"evm","address":"`+strings.ToLower(elsewhere)+`"}`))
		if *v.Address != present || v.Pending == nil || v.Pending.Address != elsewhere || max(v.Pending.EffectiveAt-clock.now().Add(24*time.Hour).Unix(), clock.now().Add(24*time.Hour).Unix()-v.Pending.EffectiveAt) > 30 {
			t.Errorf("a change: %+v", v)
		}
		decode[api.PayoutAddress](t, put(append(owner, "Idempotency-Key", "one"), `{"family":"evm","address":"`+strings.ToLower(elsewhere)+`"}`))
		es := testkit.Events(t, d.Store, d.Merchant.ID)
		if len(es) != before+1 || es[before].Type != pay.PayoutUpdated || string(es[before].Previous) != `{"pending":null}` || !strings.Contains(string(es[before].Object), elsewhere) {
			t.Errorf("announced: %d events, %s %s", len(es)-before, es[len(es)-1].Object, es[len(es)-1].Previous)
		}
		if to := receives(); to != strings.ToLower(present) {
			t.Errorf("meanwhile %s receives", to)
		}
		decode[api.PayoutAddress](t, put(owner, `{"family":"evm","address":"`+present+`"}`))
		if v := get(); v.Pending != nil {
			t.Errorf("taken back: %+v", v)
		}
		decode[api.PayoutAddress](t, put(owner, `{"family":"evm","address":"`+elsewhere+`"}`))
		made, payor := d.Open(`{"amount_usd":1,"expires_in":2592000000}`)
		old := d.Allocate(payor, testkit.Dollar).TempAddress
		clock.add(24 * time.Hour)
		_, owner = d.member(d.Merchant.ID, pay.RoleOwner) // the login was over
		developer = owner
		if v := get(); *v.Address != elsewhere || v.Pending != nil {
			t.Errorf("a day later %+v", v)
		}
		if to := receives(); to != strings.ToLower(elsewhere) {
			t.Errorf("a day later %s receives", to)
		}
		if a := d.Allocate(payor, testkit.Dollar).TempAddress; a != old || strings.EqualFold(receiverOf(t, d, made.InvoiceID), elsewhere) {
			t.Errorf("an address that was given out moved from %s to %s", old, a)
		}
	})
}

// Proceeds of both environments go to one address: who looks after mainnet hears of a
// change, even if whoever makes it says before that the merchant works on devnet.
func TestPayoutChangeIsHeardOnMainnet(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d := newDesk(t, database, nil)
		_, thief := d.member(d.Merchant.ID, pay.RoleOwner)
		sink := testkit.NewSink(t, nil)
		guard := d.hook(sink.URL, `,"environment":"mainnet"`)
		decode[api.EnvironmentSet](t, d.ask("PUT /api/v1/user/environment", `{"environment":"devnet"}`, thief))
		decode[api.PayoutAddress](t, d.ask("PUT "+payoutPath, `{"family":"evm","address":"`+elsewhere+`"}`, thief))
		if got := d.deliveries(guard.ID); len(got) != 1 || got[0].EventType != string(pay.PayoutUpdated) {
			t.Errorf("an endpoint for mainnet gets %+v", got)
		}
		if es := testkit.Events(t, d.Store, d.Merchant.ID); es[len(es)-1].Environment != pay.Mainnet {
			t.Errorf("announced %+v", es[len(es)-1])
		}

		beginner, err := d.Billing.AddMerchant(t.Context(), pay.Merchant{Name: "New", Environment: pay.Devnet}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, owner := d.member(beginner.ID, pay.RoleOwner)
		decode[api.PayoutAddress](t, d.ask("PUT "+payoutPath, `{"family":"evm","address":"`+elsewhere+`"}`, owner))
		if es := testkit.Events(t, d.Store, beginner.ID); len(es) != 1 || es[0].Environment != pay.Devnet {
			t.Errorf("without mainnet %+v", es)
		}
	})
}

// What a merchant wants to be paid in decides what payors are offered; one that has
// begun to pay may complete it.
func TestSettlementPreference(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, database string) {
		d := newDesk(t, database, nil)
		_, owner := d.member(d.Merchant.ID, pay.RoleOwner)
		_, viewer := d.member(d.Merchant.ID, pay.RoleViewer)
		v := decode[api.SettlementPreference](t, d.ask("GET "+preferencePath, "", viewer))
		if v.SettlementPreference != "tokens" || v.SelectedSettlementToken.ID != testkit.Dollar || !*v.SelectedSettlementToken.IsDefault || len(v.AvailableStableTokens) != 1 {
			t.Errorf("at first %+v", v)
		}
		refused(t, d.ask("GET "+preferencePath, "", d.key), 403, "B", "FORBIDDEN")
		refused(t, d.ask("PUT "+preferencePath, `{"settlement_preference":"stables_only"}`, viewer), 403, "B", "FORBIDDEN")
		for _, bad := range []string{`{}`, `{"settlement_preference":null}`, `{"settlement_preference":"gold"}`, `{"settlement_preference":1}`, `[]`} {
			refused(t, d.ask("PUT "+preferencePath, bad, owner), 400, "B", "VALIDATION_ERROR")
		}
		offered := func() (symbols string) {
			_, payor := d.Open(`{"amount_usd":1}`)
			for _, o := range decode[[]api.AvailableToken](t, d.ask("GET /api/v1/payments/available-tokens", "", payor)) {
				symbols += o.TokenSymbol + " "
			}
			return symbols
		}
		for preference, want := range map[string]string{"stables_only": "DUSDC ", "stables_preferred": "DUSDC ETH ", "tokens": "DUSDC ETH "} {
			v := decode[api.SettlementPreference](t, d.ask("PUT "+preferencePath, `{"settlement_preference":"`+preference+`"}`, owner))
			if got := offered(); got != want || v.SettlementPreference != preference {
				t.Errorf("%s: %q is offered; %+v", preference, got, v)
			}
		}
		decode[api.SettlementPreference](t, d.ask("PUT "+preferencePath, `{"settlement_preference":"stables_only"}`, owner))
		_, payor := d.Open(`{"amount_usd":1}`)
		refused(t, d.ask("POST /api/v1/payments/payment-addresses", `{"network":"ethereum","tokenId":11}`, payor), 400, "A", "INVALID_REQUEST_FORMAT")

		const tokenPath = "PUT /api/v1/merchant/settlement-token"
		set := decode[api.SettlementTokenSet](t, d.ask(tokenPath, `{"settlement_token_id":10}`, owner))
		v = decode[api.SettlementPreference](t, d.ask("GET "+preferencePath, "", viewer))
		if set.SettlementToken.ID != testkit.Dollar || *v.SelectedSettlementToken.IsDefault {
			t.Errorf("chosen: %+v %+v", set, v.SelectedSettlementToken)
		}
		set = decode[api.SettlementTokenSet](t, d.ask(tokenPath, `{"settlement_token_id":null}`, owner))
		if v = decode[api.SettlementPreference](t, d.ask("GET "+preferencePath, "", viewer)); set.SettlementToken.ID != testkit.Dollar || !*v.SelectedSettlementToken.IsDefault {
			t.Errorf("the default again: %+v %+v", set, v.SelectedSettlementToken)
		}
		for _, bad := range []string{`{}`, `{"settlement_token_id":11}`, `{"settlement_token_id":99}`, `{"settlement_token_id":"10"}`, `{"settlement_token_id":1.5}`, `{"settlement_token_id":1e99}`} {
			refused(t, d.ask(tokenPath, bad, owner), 400, "B", "VALIDATION_ERROR")
		}
	})
}
