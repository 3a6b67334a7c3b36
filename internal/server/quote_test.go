package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/testkit"
)

// faulty is a price source that can be switched off. Its prices are good for long.
type faulty struct {
	off  atomic.Bool
	eth  string
	asks atomic.Int64
}

func (*faulty) Name() string { return "faulty" }

func (*faulty) Knows(string) bool { return true }

func (f *faulty) Prices(context.Context, []string) (map[string]rates.Price, error) {
	f.asks.Add(1)
	if f.off.Load() {
		return nil, errors.New("out of order")
	}
	eth, err := money.ParseRate(f.eth)
	one, _ := money.ParseRate("1")
	p := func(r money.Rate) rates.Price {
		return rates.Price{Rate: r, At: time.Now().Add(-24 * time.Hour), MaxAge: 1e6 * time.Hour}
	}
	return map[string]rates.Price{"ETH": p(eth), "USDC": p(one)}, err
}

const unpriced = `{"success":true,"quote_status":"unavailable","status_code":%q,"message":"*","temp_address":%q,"network":"ethereum","supported_token_id":10,"estimated_token_amount":"",` +
	`"exchange_rate":"","usd_amount":1,"quote_last_updated_at":null,"quote_valid_until":null,"quote_expires_in_seconds":null,"retryable":%s,"retry_after_seconds":%s,"ws_connection":"*"}`

// Without a price or a receiver there is an answer, and it says what to do.
func TestUnavailableQuotes(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		f := new(faulty)
		f.off.Store(true)
		d := newDesk(t, url, func(o *app.Options) { o.Sources = []rates.Source{f} })
		testkit.Eventually(t, "the source was asked", func() bool { return f.asks.Load() > 0 })
		_, payor := d.Open(`{"amount_usd":1}`)
		a := d.ask(payorTargets[2], dollars, payor)
		says(t, a, fmt.Sprintf(unpriced, "quote_unavailable", "*", "true", `"*"`))
		if v := decode[api.PaymentAddress](t, a); *v.RetryAfterSeconds < 5 || *v.RetryAfterSeconds > 60 || len(v.TempAddress) != 42 {
			t.Errorf("retry after %d s at %s", *v.RetryAfterSeconds, v.TempAddress)
		}
		d.holds(1, 1) // no quote was announced
		m, err := d.Billing.AddMerchant(t.Context(), pay.Merchant{Name: "Newcomer", Environment: pay.Devnet}, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, key, err := d.Billing.AddKey(t.Context(), m.ID, "k", pay.ScopeMerchant, pay.Devnet, 0)
		if err != nil {
			t.Fatal(err)
		}
		d.Key = key
		_, payor = d.Open(`{"amount_usd":1}`)
		says(t, d.ask(payorTargets[2], dollars, payor), fmt.Sprintf(unpriced, "settlement_unavailable", "", "false", "null"))
		if !strings.Contains(d.ask(payorTargets[1], "", payor).body, `"has_settlement_route":false`) {
			t.Error("tokens of a merchant without an address claim a route")
		}
		_, payor = d.Open(`{"amount_usd":1,"receiver_override_enable":true,"receiver_override_address":"` + checked + `"}`)
		says(t, d.ask(payorTargets[2], dollars, payor), fmt.Sprintf(unpriced, "quote_unavailable", "*", "true", `"*"`))
	})
}

// On mainnet the tokens have prices, or say why not.
func TestTokensOfMainnet(t *testing.T) {
	t.Parallel()
	f := &faulty{eth: "2500.5"}
	d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) {
		o.Sources = []rates.Source{f}
		n := &o.Networks[0]
		n.Environment = pay.Mainnet
		for i := range n.Tokens {
			n.Tokens[i].Environment = pay.Mainnet
		}
		n.Tokens[1].Price = "NONE"
	})
	_, key, err := d.Billing.AddKey(t.Context(), d.Merchant.ID, "live", pay.ScopeMerchant, pay.Mainnet, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, devnet := d.Open(`{"amount_usd":1}`)
	says(t, d.ask(payorTargets[1], "", devnet), `[]`)
	refused(t, d.ask(payorTargets[2], dollars, devnet), 400, "A", "NETWORK_NOT_SUPPORTED")
	d.Key = key
	_, payor := d.Open(`{"amount_usd":1}`)
	watched := decode[[]api.AvailableToken](t, d.ask(payorTargets[1], "", payor))
	if len(watched) != 1 || watched[0].TokenSymbol != "DUSDC" || *watched[0].SettlementCostUSD != "1" || string(watched[0].Tier) != "null" || !*watched[0].IsMonitored {
		t.Errorf("monitored: %+v", watched)
	}
	all := decode[[]api.AvailableToken](t, d.ask(payorTargets[1]+"?mode=all", "", payor))
	if len(all) != 2 || all[0].AvailabilityStatus != "AVAILABLE" || *all[0].SettlementRate != "1.00" || all[0].RateUpdatedAt == nil || all[1].AvailabilityStatus != "QUOTE_REQUIRED" || all[1].UnavailableReason == nil || *all[1].IsMonitored {
		t.Errorf("%+v", all)
	}
	if some := decode[[]api.AvailableToken](t, d.ask(payorTargets[1]+"?mode=network&network=ethereum", "", payor)); len(some) != 2 {
		t.Errorf("of the network: %+v", some)
	}
	if some := decode[[]api.AvailableToken](t, d.ask(payorTargets[1]+"?mode=all&available_only=true", "", payor)); len(some) != 1 {
		t.Errorf("available: %+v", some)
	}
}

// Real answers are those of the original contract, and nothing else.
func TestSeedsHoldForRealAnswers(t *testing.T) {
	t.Parallel()
	addresses, tickets := testkit.Seed(t, "payment-addresses"), testkit.Seed(t, "ws-token")
	f := new(faulty)
	f.off.Store(true)
	with := newDesk(t, t.TempDir()+"/a.db", func(o *app.Options) { o.Limits.PerSession = 6 })
	without := newDesk(t, t.TempDir()+"/b.db", func(o *app.Options) { o.Sources = []rates.Source{f} })
	for _, d := range []*desk{with, without} {
		d.client = &http.Client{Transport: addresses.Transport(t, http.DefaultTransport)}
		_, payor := d.Open(`{"amount_usd":49.99}`)
		target, seen := payorTargets[2], map[int]bool{}
		for _, body := range []string{dollars, dollars, `{}`, `{"network":"base","tokenId":1}`, `{"network":"ethereum","tokenId":11}`, `x`, dollars} {
			seen[d.ask(target, body, payor).status] = true
		}
		seen[d.ask(target, dollars, nil).status] = true
		brief, late := d.Open(`{"amount_usd":1,"expires_in":1}`)
		testkit.Eventually(t, "expired", func() bool { return d.Status(brief.InvoiceID).Invoice.Status == "expired" })
		seen[d.ask(target, dollars, late).status] = true
		if !seen[200] || !seen[400] || !seen[401] || !seen[410] || seen[429] != (d == with) {
			t.Errorf("statuses %v", seen)
		}
	}
	d := with
	d.client = &http.Client{Transport: tickets.Transport(t, http.DefaultTransport)}
	for _, h := range []testkit.Headers{d.key, {"x-api-key", d.Commerce}, {"x-commerce-api-key", d.Commerce}, {}} {
		for _, body := range []string{`{}`, `{"scope":"merchant"}`, `{"scope":"commerce","ttl_seconds":60}`, `{"ttl_seconds":0}`} {
			d.ask("POST /api/v1/ws/token", body, h)
		}
	}
}
