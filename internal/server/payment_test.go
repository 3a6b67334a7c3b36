package server_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// newPair is a desk of a deployment on two chains, whose money stays where it is.
func newPair(t *testing.T, database string, change func(*app.Options)) (*desk, *testkit.App) {
	t.Helper()
	a, other := testkit.StartPair(t, database, func(o *app.Options) {
		o.Networks[0].Relayer, o.Networks[1].Relayer = nil, nil
		if change != nil {
			change(o)
		}
	})
	return &desk{a, t, &http.Client{Transport: testkit.OpenAPI(t).Transport(t, http.DefaultTransport), Timeout: 30 * time.Second}, testkit.Headers{"x-api-key", a.Key}}, other
}

// rescued pays dollars to an address of ethereum on the other chain, and waits until the
// payment is final there.
func (d *desk) rescued(other *testkit.App, invoice, address string, n int64) (p api.Payment) {
	d.t.Helper()
	hash := other.Pay(contracts.TestDollar, address, big.NewInt(n*1e6)).Hex()
	other.MineSlowly("it waits for its merchant", func() bool {
		for _, p = range d.Payments(invoice) {
			if p.TxHash == hash && p.Network == "bsc" && p.Status == "manual_retry" {
				return true
			}
		}
		return false
	})
	return p
}

// decision is the target of what a merchant decides about a payment.
func decision(p api.Payment, verb string) string {
	return "POST /api/v1/invoices/" + p.InvoiceID + "/payments/" + p.ID + "/" + verb
}

// story is what happened to an invoice and its payments from the nth event on.
func (d *desk) story(invoice string, n int) (told []string) {
	d.t.Helper()
	for _, e := range testkit.Events(d.t, d.Store, d.Merchant.ID) {
		if e.InvoiceID != invoice || e.Type == pay.QuoteUpdated {
			continue
		}
		if n--; n >= 0 {
			continue
		}
		var o struct {
			Status, Settlement string
			Reason             *string `json:"status_reason"`
			Paid               int64   `json:"amount_paid"`
		}
		var all map[string]any
		_, _ = json.Unmarshal(e.Object, &o), json.Unmarshal(e.Object, &all)
		s := fmt.Sprint(e.Type, " ", o.Status)
		if strings.HasPrefix(string(e.Type), "invoice_payment") {
			s += fmt.Sprint(" ", all["status_reason"], " ", all["settlement_status"])
		}
		told = append(told, strings.ReplaceAll(s, "<nil>", "-"))
	}
	return told
}

func (d *desk) tells(invoice string, n int, want ...string) {
	d.t.Helper()
	if got := d.story(invoice, n); strings.Join(got, "\n") != strings.Join(want, "\n") {
		d.t.Errorf("from event %d on it was told\n\t%s\nwant\n\t%s", n, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// A payment on another network is told as it is at every step, and accepted, counts.
func TestAcceptPayment(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, other := newPair(t, url, nil)
		made, payor := d.Open(`{"amount_usd":10,"customer_id":"c"}`)
		to := d.Allocate(payor, testkit.Dollar).TempAddress
		hash := other.Pay(contracts.TestDollar, to, big.NewInt(10e6)).Hex()
		other.Mine(1)
		testkit.Eventually(t, "it is seen", func() bool { return len(d.Payments(made.InvoiceID)) == 1 })
		p := d.Payments(made.InvoiceID)[0]
		refused(t, d.ask(decision(p, "accept"), "", d.key), 409, "A", "INVALID_PAYMENT_STATE")
		refused(t, d.ask(decision(p, "sweep"), "", d.key), 409, "A", "INVALID_PAYMENT_STATE")
		other.MineSlowly("it is final", func() bool { return d.Payments(made.InvoiceID)[0].Status == "manual_retry" })
		shape := func(status, reason, settlement string) string {
			return fmt.Sprintf(`{"object":"invoice_payment","id":%q,"invoice_id":%q,"merchant_id":%d,"status":%q,"status_reason":%s,"settlement_status":%q,"settlement":null,
				"environment":"devnet","currency":"usd","amount":10000,"amount_decimal":"10.000","amount_unit":"usd_millis","network":"bsc","expected_network":"ethereum",
				"supported_token_id":20,"token_symbol":"DUSDC","token_address":%q,"token_decimals":6,"token_amount":"10.000000","payment_address":%q,"payer_wallet_address":%q,
				"tx_hash":%q,"block_number":"*","block_time":"*","confirmations":"*","required_confirmations":3,"created_at":"*","confirmed_at":"*"}`,
				p.ID, made.InvoiceID, d.Merchant.ID, status, reason, settlement, contracts.TestDollar.Hex(), to, crypto.PubkeyToAddress(d.Wallet.Key.PublicKey).Hex(), hash)
		}
		got, _ := json.Marshal(d.Payments(made.InvoiceID)[0])
		says(t, answer{status: 200, body: string(got)}, shape("manual_retry", `"wrong_network"`, "pending"))
		if s := d.Status(made.InvoiceID).Invoice; s.Status != "unpaid" || s.AmountPaid != 0 || s.PayerWalletAddress != nil {
			t.Errorf("%+v", s)
		}
		if s := decode[api.SessionDetails](t, d.ask("GET /api/v1/payments/session-details", "", payor)); s.InvoiceStatus != "unpaid" || s.LockedNetwork != nil {
			t.Errorf("%+v", s)
		}
		says(t, d.ask("GET /api/v1/payments/payment-status", "", payor), `{"status":"unpaid","paid_at":null}`)
		if page := d.ask("GET /pay/state", "", payor); !strings.Contains(page.body, `"network_name":"BSC","expected_network_name":"Ethereum"`) {
			t.Errorf("the page is told %s", page.body)
		}
		d.tells(made.InvoiceID, 0, "invoice.created unpaid", "invoice_payment.created pending - pending", "invoice_payment.updated manual_retry wrong_network pending")
		es := testkit.Events(t, d.Store, d.Merchant.ID)
		var before map[string]any
		if last := es[len(es)-1]; json.Unmarshal(last.Previous, &before) != nil || before["status"] != "pending" || before["status_reason"] != nil || last.WalletNetwork != "bsc" || last.CustomerID != "c" {
			t.Errorf("it was %s", last.Previous)
		}

		h := d.with("Idempotency-Key", "k")
		first := d.ask(decision(p, "accept"), "", h)
		says(t, first, shape("confirmed", `"wrong_network"`, "pending"))
		if again := d.ask(decision(p, "accept"), "", h); again.status != 200 || again.body != first.body {
			t.Errorf("repeated: %d %s", again.status, again.body)
		}
		refused(t, d.ask(strings.Replace(decision(p, "accept"), p.InvoiceID, testkit.UUID(), 1), "", h), 409, "A", "IDEMPOTENCY_CONFLICT")
		if v := decode[api.Payment](t, d.ask(decision(p, "accept"), "", d.key)); v.Status != "confirmed" || v.ID != p.ID {
			t.Errorf("accepted again: %+v", v)
		}
		refused(t, d.ask(decision(p, "sweep"), "", d.key), 409, "A", "INVALID_PAYMENT_STATE")
		if page := d.ask("GET /pay/state", "", payor); !strings.Contains(page.body, `"expected_network_name":""`) {
			t.Errorf("the page is told %s", page.body)
		}
		if s := d.Status(made.InvoiceID).Invoice; s.Status != "paid" || s.AmountPaid != 10_000 || *s.PayerWalletNetwork != "bsc" {
			t.Errorf("%+v", s)
		}
		testkit.Eventually(t, "nobody moves its proceeds", func() bool { return d.Payments(made.InvoiceID)[0].SettlementStatus == "manual" })
		d.tells(made.InvoiceID, 3, "invoice_payment.updated confirmed wrong_network pending", "invoice.updated paid", "invoice_payment.updated confirmed wrong_network manual")
	})
}

// An accepted part locks the invoice like any other, and the rest completes it. One that
// comes after the expiry, however late or in whatever token, brings the invoice back.
func TestAcceptLatePayments(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, other := newPair(t, url, nil)
		made, payor := d.Open(`{"amount_usd":10}`)
		to := d.Allocate(payor, testkit.Dollar).TempAddress
		part := d.rescued(other, made.InvoiceID, to, 4)
		decode[api.Payment](t, d.ask(decision(part, "accept"), "", d.key))
		s := decode[api.SessionDetails](t, d.ask("GET /api/v1/payments/session-details", "", payor))
		if s.InvoiceStatus != "underpaid" || s.LockedNetwork == nil || *s.LockedNetwork != "bsc" || *s.LockedTokenID != 20 || s.LockedPaymentAddress != nil || s.AmountRemainingUSD != "6" {
			t.Errorf("%+v", s)
		}
		rest := decode[api.PaymentAddress](t, d.ask("POST /api/v1/payments/payment-addresses", `{"network":"bsc","tokenId":20}`, payor))
		other.Pay(contracts.TestDollar, rest.TempAddress, big.NewInt(6e6))
		other.MineSlowly("the rest pays it", func() bool { return d.Status(made.InvoiceID).Invoice.Status == "paid" })
		if ps := d.Payments(made.InvoiceID); len(ps) != 2 || rest.TempAddress == to {
			t.Errorf("%d payments", len(ps))
		}

		short, buyer := d.Open(`{"amount_usd":10,"expires_in":2000}`)
		to = d.Allocate(buyer, testkit.Dollar).TempAddress
		d.MineSlowly("it expires", func() bool { return d.Status(short.InvoiceID).Invoice.Status == "expired" })
		stray := d.rescued(other, short.InvoiceID, to, 4)
		d.Pay(contracts.TestDollar, to, big.NewInt(1e6))
		d.Pay(common.Address{}, to, big.NewInt(2e15)) // worth $5
		d.MineSlowly("all have come", func() bool {
			ps := d.Payments(short.InvoiceID)
			return len(ps) == 3 && ps[0].Status == "manual_retry" && ps[1].Status == "manual_retry" && ps[2].Status == "manual_retry"
		})
		if v := decode[api.Payment](t, d.ask(decision(stray, "accept"), "", d.key)); v.Status != "underpaid" || v.Amount != 4_000 {
			t.Errorf("%+v", v)
		}
		if i := d.Status(short.InvoiceID).Invoice; i.Status != "expired" || i.AmountPaid != 4_000 {
			t.Errorf("%+v", i)
		}
		uncounted := func(m pay.Merchant, limit, want int, wantMore bool) {
			t.Helper()
			if list, more, err := d.Billing.Uncounted(t.Context(), billing.Caller{Merchant: m}, limit); err != nil || len(list) != want || more != wantMore || want > 0 && list[0].Invoice.ID != short.InvoiceID {
				t.Errorf("of %d: %d payments, more %v, %v", limit, len(list), more, err)
			}
		}
		uncounted(d.Merchant, 2, 2, false) // one was accepted
		uncounted(d.Merchant, 1, 1, true)
		uncounted(pay.Merchant{ID: d.Merchant.ID + 1}, 2, 0, false)
		reasons := map[string]bool{}
		for _, p := range d.Payments(short.InvoiceID) {
			reasons[*p.StatusReason] = true
			decode[api.Payment](t, d.ask(decision(p, "accept"), "", d.key))
		}
		if i := d.Status(short.InvoiceID).Invoice; i.Status != "paid" || i.AmountPaid != 10_000 || !reasons["late"] || !reasons["wrong_token"] || !reasons["wrong_network"] {
			t.Errorf("%+v, %v", i, reasons)
		}
		uncounted(d.Merchant, 2, 0, false)
		told := 0
		for _, s := range d.story(short.InvoiceID, 0) {
			if s == "invoice.updated paid" {
				told++
			}
		}
		if told != 1 {
			t.Errorf("it was told %d times that it is paid", told)
		}
		refused(t, d.ask("POST /api/v1/invoices/"+short.InvoiceID+"/cancel", "", d.key), 400, "B", "INVALID_INVOICE_STATE")
	})
}

// Asked to be swept, the proceeds are to move though the invoice is open; it stays so.
func TestSweepPayment(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, other := newPair(t, url, nil)
		made, payor := d.Open(`{"amount_usd":10}`)
		p := d.rescued(other, made.InvoiceID, d.Allocate(payor, testkit.Ether).TempAddress, 10)
		h := d.with("Idempotency-Key", "k")
		first := d.ask(decision(p, "sweep"), "", h)
		if v := decode[api.Payment](t, first); v.Status != "manual_retry" || *v.StatusReason != "wrong_network" || v.SettlementStatus != "pending" {
			t.Errorf("%+v", v)
		}
		if again := d.ask(decision(p, "sweep"), "", h); again.body != first.body {
			t.Errorf("again: %s", again.body)
		}
		testkit.Eventually(t, "there is no relayer", func() bool { return d.Payments(made.InvoiceID)[0].SettlementStatus == "manual" })
		decode[api.Payment](t, d.ask(decision(p, "sweep"), "", d.key)) // tried again
		want := []string{"invoice_payment.updated manual_retry wrong_network manual", "invoice_payment.updated manual_retry wrong_network pending", "invoice_payment.updated manual_retry wrong_network manual"}
		testkit.Eventually(t, "nor is there now", func() bool { return len(d.story(made.InvoiceID, 3)) == len(want) })
		d.tells(made.InvoiceID, 3, want...)
		if i := d.Status(made.InvoiceID).Invoice; i.Status != "unpaid" || i.AmountPaid != 0 {
			t.Errorf("%+v", i)
		}
		if v := decode[api.Payment](t, d.ask(decision(p, "accept"), "", d.key)); v.Status != "confirmed" { // it still can be
			t.Errorf("%+v", v)
		}
	})
}

func TestBadDecisions(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, other := newPair(t, url, nil)
		made, payor := d.Open(`{"amount_usd":10}`)
		to := d.Allocate(payor, testkit.Dollar).TempAddress
		p := d.rescued(other, made.InvoiceID, to, 3)
		second, _ := d.Open(`{"amount_usd":10}`)
		_, theirs, _ := testkit.AddMerchant(t, d.App.App)
		_, viewer := d.member(d.Merchant.ID, pay.RoleViewer)
		_, owner := d.member(d.Merchant.ID, pay.RoleOwner)
		d.Pay(contracts.TestDollar, to, big.NewInt(1e6))
		d.MineSlowly("one counts", func() bool { return d.Status(made.InvoiceID).Invoice.Status == "underpaid" })
		var counts api.Payment
		for _, v := range d.Payments(made.InvoiceID) {
			if v.Status == "underpaid" {
				counts = v
			}
		}
		_, events := d.written()
		for _, verb := range []string{"accept", "sweep"} {
			path := decision(p, verb)
			elsewhere, unknown := p, p
			elsewhere.InvoiceID, unknown.ID = second.InvoiceID, testkit.UUID()
			refused(t, d.ask(path, "", testkit.Headers{}), 401, "B", "API_KEY_INVALID")
			refused(t, d.ask(path, "", testkit.Headers{"x-api-key", d.Commerce}), 403, "B", "FORBIDDEN")
			refused(t, d.ask(path, "", viewer), 403, "B", "FORBIDDEN")
			refused(t, d.ask(path, "", testkit.Headers{"x-api-key", theirs}), 404, "A", "INVOICE_NOT_FOUND")
			refused(t, d.ask(decision(elsewhere, verb), "", d.key), 404, "A", "NOT_FOUND")
			refused(t, d.ask(decision(unknown, verb), "", d.key), 404, "A", "NOT_FOUND")
			refused(t, d.stray("POST /api/v1/invoices/x/payments/"+p.ID+"/"+verb, "", d.key), 400, "B", "VALIDATION_ERROR")
			refused(t, d.stray("POST /api/v1/invoices/"+p.InvoiceID+"/payments/x/"+verb, "", d.key), 400, "B", "VALIDATION_ERROR")
			refused(t, d.stray(path, "", d.with("Idempotency-Key", strings.Repeat("x", 129))), 400, "B", "VALIDATION_ERROR")
			refused(t, d.stray(strings.Replace(path, "POST", "GET", 1), "", d.key), 405, "A", "METHOD_NOT_ALLOWED")
			refused(t, d.ask(decision(counts, verb), "", d.key), 409, "A", "INVALID_PAYMENT_STATE")
		}
		d.holds(2, events)
		if v := decode[api.Payment](t, d.ask(decision(p, "accept"), "", owner)); v.Status != "underpaid" {
			t.Errorf("%+v", v)
		}
		if i := d.Status(made.InvoiceID).Invoice; i.Status != "underpaid" || i.AmountPaid != 4_000 {
			t.Errorf("%+v", i)
		}
	})
}

// A network of another environment has nothing to do with an address, and a search of the
// chain finds what a watcher missed on one of its own.
func TestStrangersNetworks(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, other := newPair(t, url, func(o *app.Options) {
			o.Networks[1].Environment = pay.Mainnet
			for n := range o.Networks[1].Tokens {
				o.Networks[1].Tokens[n].Environment = pay.Mainnet
			}
		})
		made, payor := d.Open(`{"amount_usd":10}`)
		to := d.Allocate(payor, testkit.Dollar).TempAddress
		other.Pay(contracts.TestDollar, to, big.NewInt(10e6))
		other.Mine(4)
		d.Pay(contracts.TestDollar, to, big.NewInt(10e6))
		d.MineSlowly("the right one is paid", func() bool { return d.Status(made.InvoiceID).Invoice.Status == "paid" })
		testkit.Eventually(t, "the other is read", func() bool {
			at := pay.Block{}
			err := d.Store.Look(t.Context(), func(tx *store.Tx) (err error) { at, _, _, err = tx.Position("bsc"); return err })
			return err == nil && at.Height >= 4
		})
		if ps := d.Payments(made.InvoiceID); len(ps) != 1 || ps[0].Network != "ethereum" {
			t.Errorf("%+v", ps)
		}
		refused(t, d.ask("POST /api/v1/invoice/"+made.InvoiceID+"/verify", `{"network":"bsc"}`, payor), 400, "A", "INVALID_PAYMENT_NETWORK")
	})
}

// What a watcher missed on another network is found by a search of it.
func TestRescueBySearch(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d, other := newPair(t, url, nil)
		made, payor := d.Open(`{"amount_usd":10}`)
		p := d.rescued(other, made.InvoiceID, d.Allocate(payor, testkit.Dollar).TempAddress, 10)
		forget(t, url, made.InvoiceID)
		if v := d.search(made.InvoiceID, "", payor); v.Status != "nothing_found" { // it looks where it was to be paid
			t.Errorf("%+v", v)
		}
		if v := d.search(made.InvoiceID, `{"network":"bsc","tx_hash":"`+p.TxHash+`"}`, payor); v.Status != "found" || len(v.Result.Payments) != 1 {
			t.Errorf("%+v %+v", v, v.Result)
		}
		if ps := d.Payments(made.InvoiceID); len(ps) != 1 || ps[0].Status != "manual_retry" || *ps[0].ExpectedNetwork != "ethereum" {
			t.Errorf("%+v", ps)
		}
	})
}
