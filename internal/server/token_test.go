package server_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/testkit"
)

const (
	tokenList, tokenSearch = "GET /api/v1/merchant/tokens", "GET /api/v1/merchant/tokens/search"
	blockDollar, setPolicy = "POST /api/v1/merchant/tokens/10/block", "PUT /api/v1/merchant/acceptance-policy"
)

// A merchant says which tokens it takes, and payors see no others.
func TestAcceptance(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, nil)
		token := func(id int, symbol, name, kind, address string, decimals int, stable, blocked bool) string {
			return fmt.Sprintf(`{"id":%d,"token_symbol":%q,"token_name":%q,"token_address":%s,"token_decimals":%d,"network":"ethereum","network_environment":"devnet","token_type":%q,`+
				`"requires_memo":false,"photo_uri":null,"supports_subscriptions":false,"supports_stable_settlement":%t,"is_active":true,"is_monitored":false,"is_blocked":%t,"price":null}`,
				id, symbol, name, address, decimals, kind, stable, blocked)
		}
		listed := func(policy string, dollar, ether bool) string {
			return fmt.Sprintf(`{"acceptance_policy":%q,"environment":"devnet","tokens":[%s,%s]}`, policy,
				token(10, "DUSDC", "Devnet USDC", "erc20", `"*"`, 6, true, dollar), token(11, "ETH", "Devnet Ether", "native", "null", 18, false, ether))
		}
		_, payor := d.Open(`{"amount_usd":1}`)
		offered := func(want ...string) {
			t.Helper()
			var got []string
			for _, v := range decode[[]api.AvailableToken](t, d.ask(payorTargets[1]+"?mode=all", "", payor)) {
				got = append(got, v.TokenSymbol)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("offered are %v, want %v", got, want)
			}
		}
		says(t, d.ask(tokenList, "", d.key), listed("accept_all", false, false))
		offered("DUSDC", "ETH")
		says(t, d.ask(blockDollar, "", d.key), `{"success":true,"blocked":true}`) // no body: block
		says(t, d.ask(tokenList, "", d.key), listed("selective", true, false))
		offered("ETH")
		refused(t, d.ask(payorTargets[2], dollars, payor), 400, "A", "INVALID_REQUEST_FORMAT")
		says(t, d.ask(blockDollar, `{"blocked":false}`, d.key), `{"success":true,"blocked":false}`)
		says(t, d.ask(tokenList, "", d.key), listed("selective", false, false))
		says(t, d.ask(setPolicy, `{"acceptance_policy":"accept_none"}`, d.key), `{"success":true,"acceptance_policy":"accept_none"}`)
		says(t, d.ask(tokenList, "", d.key), listed("accept_none", true, true))
		offered()
		refused(t, d.ask(payorTargets[2], `{"network":"ethereum","tokenId":11}`, payor), 400, "A", "INVALID_REQUEST_FORMAT")
		says(t, d.ask(setPolicy, `{"acceptance_policy":"accept_all"}`, d.key), `{"success":true,"acceptance_policy":"accept_all"}`)
		offered("DUSDC", "ETH")
		keyed := d.with("Idempotency-Key", "k")
		first := d.ask(blockDollar, `{"blocked":true}`, keyed)
		says(t, d.ask(blockDollar, `{"blocked":false}`, d.key), `{"success":true,"blocked":false}`)
		if again := d.ask(blockDollar, `{"blocked":true}`, keyed); again.body != first.body {
			t.Errorf("again: %s", again.body)
		}
		offered("DUSDC", "ETH") // the repetition changed nothing
		refused(t, d.ask(blockDollar, `{"blocked":false}`, keyed), 409, "A", "IDEMPOTENCY_CONFLICT")

		for query, want := range map[string]string{
			"": "10 11 of 2", "?limit=1": "10 of 2", "?limit=1&offset=1": "11 of 2", "?offset=2": " of 2", "?search=dev": "10 11 of 2", "?search=ETHER": "11 of 1", "?search=usdc": "10 of 1",
			"?search=" + contracts.TestDollar.Hex()[2:12]: "10 of 1", "?search=%25": " of 0", "?network=ethereum": "10 11 of 2", "?network=base": " of 0", "?token_type=native": "11 of 1",
			"?token_type=spl": " of 0", "?is_active=true": "10 11 of 2", "?is_active=false": " of 0", "?supports_stable_settlement=true": "10 of 1",
			"?supports_stable_settlement=false&limit=200": "11 of 1", "?blocked=true": " of 0", "?blocked=false": "10 11 of 2", "?environment=mainnet": " of 0",
		} {
			v := decode[api.FoundTokens](t, d.ask(tokenSearch+query, "", d.key))
			var ids []string
			for _, one := range v.Tokens {
				ids = append(ids, fmt.Sprint(one.ID))
			}
			if got := fmt.Sprintf("%s of %d", strings.Join(ids, " "), v.Total); got != want {
				t.Errorf("%q: %s, want %s", query, got, want)
			}
		}
		if v := decode[api.FoundTokens](t, d.ask(tokenSearch, "", d.key)); v.Limit != 50 || v.Offset != 0 {
			t.Errorf("%+v", v)
		}
		d.holds(1, 1)
	})
}

// What was paid in part can be completed in a token that is blocked meanwhile, and what
// arrives in it counts.
func TestBlockedTokenCompletesWhatItBegan(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, nil)
		made, payor := d.Open(`{"amount_usd":20}`)
		a := d.Allocate(payor, testkit.Dollar)
		says(t, d.ask(blockDollar, "", d.key), `{"success":true,"blocked":true}`)
		d.Pay(contracts.TestDollar, a.TempAddress, big.NewInt(5_000_000)) // arrives all the same
		d.MineSlowly("underpaid", func() bool { return d.Status(made.InvoiceID).Invoice.Status == "underpaid" })
		if v := decode[[]api.AvailableToken](t, d.ask(payorTargets[1], "", payor)); len(v) != 1 || v[0].ID != testkit.Dollar {
			t.Errorf("offered: %+v", v)
		}
		if b := d.Allocate(payor, testkit.Dollar); b.TempAddress != a.TempAddress || b.EstimatedTokenAmount != "15.000000" {
			t.Errorf("allocated %+v", b)
		}
		d.Pay(contracts.TestDollar, a.TempAddress, big.NewInt(15_000_000))
		d.MineSlowly("paid", func() bool { return d.Status(made.InvoiceID).Invoice.Status == "paid" })
	})
}

func TestBadTokenRequests(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, func(o *app.Options) { o.Sources = []rates.Source{&faulty{eth: "2500"}} })
		for _, id := range []string{"0", "-1", "x", "1.5", "10x", "99999999999999999999", "%00", "+"} {
			refused(t, d.ask("POST /api/v1/merchant/tokens/"+id+"/block", "", d.key), 400, "B", "VALIDATION_ERROR")
		}
		refused(t, d.ask("POST /api/v1/merchant/tokens/99/block", "", d.key), 404, "A", "NOT_FOUND")
		for _, body := range []string{`{"blocked":1}`, `{"blocked":"true"}`, `[]`, `x`, `{"blocked":true,"blocked":false}`} {
			refused(t, d.ask(blockDollar, body, d.key), 400, "B", "VALIDATION_ERROR")
		}
		for _, v := range []string{``, `{}`, `{"acceptance_policy":null}`, `{"acceptance_policy":"all"}`, `{"acceptance_policy":1}`, `{"acceptance_policy":""}`} {
			refused(t, d.ask(setPolicy, v, d.key), 400, "B", "VALIDATION_ERROR")
		}
		for _, q := range []string{
			"limit=0", "limit=201", "limit=x", "offset=-1", "offset=x", "offset=99999999999999999999", "environment=live", "network=bitcoin", "token_type=coin", "is_active=1",
			"blocked=yes", "supports_stable_settlement=no", "search=%ff", "search=%00", "search=" + strings.Repeat("x", 256), "limit=1&limit=2", "blocked=true&blocked=false", "a=%zz",
		} {
			refused(t, d.ask(tokenSearch+"?"+q, "", d.key), 400, "B", "VALIDATION_ERROR")
		}
		refused(t, d.ask(tokenList+"?environment=x", "", d.key), 400, "B", "VALIDATION_ERROR")
		const quote = "GET /api/v1/quotes?network=ethereum&token_id=11&amount_usd="
		for query, code := range map[string]string{
			quote: "VALIDATION_ERROR", quote + "x": "INVALID_AMOUNT_FORMAT", quote + "1.0001": "INVALID_AMOUNT_FORMAT", quote + "0": "INVALID_AMOUNT_RANGE", quote + "-1": "INVALID_AMOUNT_RANGE",
			quote + "1000001": "INVALID_AMOUNT_RANGE", quote + "1e400": "INVALID_AMOUNT_FORMAT", quote + "1&amount_usd=2": "VALIDATION_ERROR",
			"GET /api/v1/quotes": "VALIDATION_ERROR", "GET /api/v1/quotes?network=base&token_id=11&amount_usd=1": "NETWORK_NOT_SUPPORTED",
			"GET /api/v1/quotes?network=bitcoin&token_id=11&amount_usd=1": "NETWORK_NOT_SUPPORTED", "GET /api/v1/quotes?network=ethereum&token_id=99&amount_usd=1": "VALIDATION_ERROR",
			"GET /api/v1/quotes?network=ethereum&token_id=x&amount_usd=1": "VALIDATION_ERROR", "GET /api/v1/rates?symbol=NONE": "VALIDATION_ERROR", "GET /api/v1/rates?symbol=%00": "VALIDATION_ERROR",
		} {
			t.Run(query, func(t *testing.T) { refused(t, d.ask(query, "", d.key), 400, "B", code) })
		}
		for _, target := range []string{tokenList, tokenSearch, blockDollar, setPolicy, quote + "1", "GET /api/v1/rates"} {
			refused(t, d.ask(target, `{"acceptance_policy":"accept_all"}`, nil), 401, "B", "API_KEY_INVALID")
			refused(t, d.ask(target, `{"acceptance_policy":"accept_all"}`, testkit.Headers{"x-api-key", d.Commerce}), 403, "B", "FORBIDDEN")
		}
		if v := decode[api.MerchantTokens](t, d.ask(tokenList, "", d.key)); v.AcceptancePolicy != "accept_all" {
			t.Errorf("refused requests changed it to %s", v.AcceptancePolicy)
		}
	})
}

// The quote that is only looked at is the quote that would be given, and is not kept.
func TestPreviewQuotes(t *testing.T) {
	t.Parallel()
	f := &faulty{eth: "3000.07"}
	d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) { o.Sources = []rates.Source{f} })
	for _, amount := range []string{"1", "0.01", "25.5", "1000000"} {
		_, payor := d.Open(`{"amount_usd":` + amount + `}`)
		real := d.Allocate(payor, testkit.Ether)
		_, events := d.written()
		v := decode[api.PreviewQuote](t, d.ask("GET /api/v1/quotes?network=ethereum&token_id=11&amount_usd="+amount, "", d.key))
		if v.EstimatedTokenAmount != real.EstimatedTokenAmount || v.ExchangeRate != real.ExchangeRate || v.USDAmount != real.USDAmount || v.QuoteStatus != "available" || v.BufferBPS != 50 || v.RateUpdatedAt == nil {
			t.Errorf("%+v is not %+v", v, real)
		}
		if _, after := d.written(); after != events {
			t.Error("looking at a quote was an event")
		}
	}
	off := new(faulty)
	off.off.Store(true)
	d = newDesk(t, t.TempDir()+"/none.db", func(o *app.Options) { o.Sources = []rates.Source{off} })
	says(t, d.ask("GET /api/v1/quotes?network=ethereum&token_id=11&amount_usd=1", "", d.key), `{"object":"quote","quote_status":"unavailable","status_code":"quote_unavailable","message":"*",`+
		`"network":"ethereum","supported_token_id":11,"token_symbol":"ETH","token_decimals":18,"usd_amount":1,"estimated_token_amount":"","exchange_rate":"","buffer_bps":50,"rate_updated_at":null,"retry_after_seconds":"*"}`)
}

// Each price is shown with who said it, how old it is, and why it does not count.
func TestRates(t *testing.T) {
	t.Parallel()
	price := func(eth string, age time.Duration) *rates.Static {
		r, err := money.ParseRate(eth)
		if err != nil {
			t.Fatal(err)
		}
		return &rates.Static{Rates: map[string]money.Rate{"ETH": r}, Now: func() time.Time { return time.Now().Add(-age) }}
	}
	d := newDesk(t, t.TempDir()+"/test.db", func(o *app.Options) {
		o.Sources = []rates.Source{aliased{"a", price("2500", 0)}, aliased{"b", price("2501", 0)}, aliased{"c", price("9000", 0)}, aliased{"d", price("2502", time.Hour)}}
	})
	const source = `{"source":%q,"usd":%q,"updated_at":"*","age_seconds":"*","max_age_seconds":180,"used":%t,"rejected_reason":%s}`
	ether := fmt.Sprintf(`{"object":"rate","symbol":"ETH","status":"available","usd":"2500.50","updated_at":"*","median":"2501.00","spread_bps":25986,"reason":null,"sources":[`+
		source+","+source+","+source+","+source+`]}`, "a", "2500.00", true, "null", "b", "2501.00", true, "null", "c", "9000.00", false, `"(9000.00) is far from the median (2501.00)"`, "d", "2502.00", false, `"*"`)
	const dollar = `{"object":"rate","symbol":"USDC","status":"unavailable","usd":null,"updated_at":null,"median":null,"spread_bps":null,"reason":"nothing fresh","sources":[]}`
	says(t, d.ask("GET /api/v1/rates", "", d.key), `{"object":"list","data":[`+ether+","+dollar+`],"has_more":false}`)
	says(t, d.ask("GET /api/v1/rates?symbol=USDC", "", d.key), `{"object":"list","data":[`+dollar+`],"has_more":false}`)
	split := newDesk(t, t.TempDir()+"/split.db", func(o *app.Options) {
		o.Sources = []rates.Source{aliased{"a", price("2500", 0)}, aliased{"b", price("2600", 0)}}
	})
	v := decode[api.List[api.Rate]](t, split.ask("GET /api/v1/rates?symbol=ETH", "", split.key)).Data[0]
	if v.Status != "unavailable" || v.Reason == nil || !strings.Contains(*v.Reason, "disagree") || *v.Median != "2550.00" || v.Sources[0].Used || v.Sources[1].Used {
		t.Errorf("%+v", v)
	}
}

// aliased is a source under another name.
type aliased struct {
	name string
	*rates.Static
}

func (n aliased) Name() string { return n.name }
