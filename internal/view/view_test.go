package view_test

import (
	"encoding/json"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

var (
	at       = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC) // 1767323045
	registry = &pay.Registry{
		Networks: []pay.Network{{Name: "bsc", Confirmations: 15}},
		Tokens:   []pay.Token{{ID: 3, Network: "bsc", Symbol: "USDT", Decimals: 6, Address: "0xt"}},
	}
	invoice = pay.Invoice{
		ID: "inv", MerchantID: 123, Environment: pay.Devnet, Type: pay.Standard, Status: pay.Unpaid, Amount: 49_990, Metadata: `{"order_id":"ORD-123","n":12345678901234567890}`,
		CustomerEmail: "secret@example.com", Description: "d", Title: "t", SessionHash: "hash", ReceiverOverride: "0xr", ReturnURL: "https://x", Questions: "{}",
		CreatedAt: at, ExpiresAt: at.Add(time.Hour),
	}
	payment = pay.Payment{
		Deposit: pay.Deposit{Network: "bsc", TxHash: "0xabc", Block: pay.Block{Height: 9}, Address: "0xd", Token: "0xt", Units: money.NewUnits(big.NewInt(20_000_000)), From: "0xp"},
		ID:      "p", InvoiceID: "inv", MerchantID: 123, Environment: pay.Devnet, TokenID: 3, AskedID: 3, Receiver: "0xm", Sight: pay.Final, Amount: 20_000,
		Status: pay.PaymentUnderpaid, SeenAt: at, ConfirmedAt: at.Add(time.Minute),
		Settlement: pay.Settlement{ID: 30, Status: pay.SettlementSettled, TxHash: "0xs"},
	}
)

// alike fails the test unless two JSON texts have exactly the same fields and values.
func alike(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if g, w := tree(t, string(got)), tree(t, want); !reflect.DeepEqual(g, w) {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

func tree(t *testing.T, text string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

const newInvoice = `{"object":"invoice","id":"inv","merchant_id":123,"status":"unpaid","invoice_type":"standard","currency":"usd",
	"amount":49990,"amount_decimal":"49.990","amount_paid":0,"amount_paid_decimal":"0.000","amount_remaining":49990,"amount_remaining_decimal":"49.990",
	"amount_unit":"usd_millis","customer_id":null,"payer_wallet_address":null,"payer_wallet_network":null,"commerce_order_id":null,"environment":"devnet",
	"expires_at":1767326645,"created_at":1767323045,"paid_at":null,"last_payment_at":null,"metadata":{"order_id":"ORD-123","n":12345678901234567890}}`

const settledPayment = `{"object":"invoice_payment","id":"p","invoice_id":"inv","merchant_id":123,"status":"underpaid","status_reason":null,
	"settlement_status":"settled","settlement":{"summary_status":"settled","stage":"final","merchant_settlement_id":30,"settlement_tx_hash":"0xs",
	"settlement_address":"0xm","network":"bsc","status":"settled","reason":null},"environment":"devnet","currency":"usd","amount":20000,"amount_decimal":"20.000",
	"amount_unit":"usd_millis","network":"bsc","expected_network":null,"supported_token_id":3,"token_symbol":"USDT","token_address":"0xt","token_decimals":6,"token_amount":"20.000000",
	"payment_address":"0xd","payer_wallet_address":"0xp","tx_hash":"0xabc","block_number":9,"block_time":null,"confirmations":15,"required_confirmations":15,
	"created_at":1767323045,"confirmed_at":1767323105}`

func TestInvoice(t *testing.T) {
	t.Parallel()
	alike(t, "a new invoice", view.JSON(view.Invoice(invoice)), newInvoice)
	i := invoice
	i.Status, i.Type, i.Environment, i.Paid, i.PaidAt, i.LastPaymentAt = pay.Paid, pay.Commerce, pay.Mainnet, 49_986, at, at.Add(time.Second)
	i.CustomerID, i.PayerAddress, i.PayerNetwork, i.OrderID, i.Metadata = "c", "0xp", "bsc", "ord", "{}"
	alike(t, "a paid invoice", view.JSON(view.Invoice(i)), `{"object":"invoice","id":"inv","merchant_id":123,"status":"paid","invoice_type":"commerce","currency":"usd",
		"amount":49990,"amount_decimal":"49.990","amount_paid":49986,"amount_paid_decimal":"49.986","amount_remaining":0,"amount_remaining_decimal":"0.000",
		"amount_unit":"usd_millis","customer_id":"c","payer_wallet_address":"0xp","payer_wallet_network":"bsc","commerce_order_id":"ord","environment":"mainnet",
		"expires_at":1767326645,"created_at":1767323045,"paid_at":1767323045,"last_payment_at":1767323046,"metadata":{}}`)
	ps := view.Payment(payment, registry)
	newer := ps
	newer.ID = "newer"
	for _, c := range []struct {
		e    view.Expand
		want string // the ids shown: latest; payments
	}{
		{view.Expand{}, "-;-"},
		{view.Expand{Latest: true}, "newer;-"},
		{view.Expand{Payments: 1}, "-;newer more"},
		{view.Expand{Payments: 2}, "-;newer p"},
		{view.Expand{Latest: true, Payments: 9}, "newer;newer p"},
	} {
		var got struct {
			Latest   *struct{ ID string } `json:"latest_payment"`
			Payments *struct {
				Object  string
				Data    []struct{ ID string }
				HasMore bool `json:"has_more"`
			}
		}
		v := view.Expanded(invoice, append(alone(ps), newer), c.e)
		if err := json.Unmarshal(view.JSON(v), &got); err != nil {
			t.Fatal(err)
		}
		shown := "-;"
		if got.Latest != nil {
			shown = got.Latest.ID + ";"
		}
		if got.Payments == nil {
			shown += "-"
		} else {
			for n, p := range got.Payments.Data {
				shown += []string{"", " "}[min(n, 1)] + p.ID
			}
			if got.Payments.HasMore {
				shown += " more"
			}
		}
		if shown != c.want {
			t.Errorf("%+v shows %q, want %q", c.e, shown, c.want)
		}
	}
	none := tree(t, string(view.JSON(view.Expanded(invoice, nil, view.Expand{Latest: true, Payments: 3})))).(map[string]any)
	if latest, there := none["latest_payment"]; !there || latest != nil {
		t.Errorf("no latest payment is %v", latest)
	}
	alike(t, "no payments", view.JSON(none["payments"]), `{"object":"list","data":[],"has_more":false}`)
	alike(t, "status without payments", view.JSON(view.InvoiceStatus(invoice, nil)), `{"object":"invoice_status","invoice":`+newInvoice+`,"latest_payment":null}`)
	alike(t, "status", view.JSON(view.InvoiceStatus(invoice, alone(ps))), `{"object":"invoice_status","invoice":`+newInvoice+`,"latest_payment":`+settledPayment+`}`)
}

// alone is a list of one.
func alone[T any](v T) []T { return []T{v} }

func TestPayment(t *testing.T) {
	t.Parallel()
	alike(t, "a settled payment", view.JSON(view.Payment(payment, registry)), settledPayment)
	p := payment
	p.Settlement, p.Status, p.Reason, p.Token, p.From, p.ConfirmedAt, p.TokenID = pay.Settlement{}, pay.PaymentManualRetry, pay.ReasonWrongToken, "", "", time.Time{}, 99
	alike(t, "a payment in a token no longer served", view.JSON(view.Payment(p, registry)), `{"object":"invoice_payment","id":"p","invoice_id":"inv","merchant_id":123,
		"status":"manual_retry","status_reason":"wrong_token","settlement_status":"pending","settlement":null,"environment":"devnet","currency":"usd",
		"amount":20000,"amount_decimal":"20.000","amount_unit":"usd_millis","network":"bsc","expected_network":null,"supported_token_id":99,"token_symbol":"","token_address":null,"token_decimals":0,
		"token_amount":"20000000","payment_address":"0xd","payer_wallet_address":null,"tx_hash":"0xabc","block_number":9,"block_time":null,"confirmations":15,"required_confirmations":15,
		"created_at":1767323045,"confirmed_at":null}`)
}

func TestTotals(t *testing.T) {
	t.Parallel()
	alike(t, "totals", view.JSON(view.InvoiceTotals([]pay.InvoiceTotal{{Status: pay.Paid, Amount: 49_990, Count: 2}, {Status: pay.Expired, Amount: 10, Count: 1}})),
		`{"object":"invoice_totals","currency":"usd","amount_unit":"usd_millis","totals":{
		"all":{"amount":50000,"amount_decimal":"50.000","count":3},"paid":{"amount":49990,"amount_decimal":"49.990","count":2},
		"unpaid":{"amount":0,"amount_decimal":"0.000","count":0},"underpaid":{"amount":0,"amount_decimal":"0.000","count":0},
		"expired":{"amount":10,"amount_decimal":"0.010","count":1},"canceled":{"amount":0,"amount_decimal":"0.000","count":0}}}`)
}

func TestEvent(t *testing.T) {
	t.Parallel()
	i := invoice
	i.Status, i.Paid, i.CustomerID = pay.Underpaid, 20_000, "cust_123"
	e := pay.Event{
		ID: "evt_1767323045678-5", MerchantID: 123, Seq: 5, Type: pay.InvoiceUpdated, Environment: pay.Mainnet, InvoiceID: "inv", CustomerID: "cust_123",
		Object: view.JSON(view.Invoice(i)), Previous: []byte(`{"status":"unpaid","customer_id":null,"metadata":{"a":1}}`), RequestID: "req", RequestKey: "key", CreatedAt: at,
	}
	alike(t, "an event", view.JSON(view.Event(e)), `{"id":"evt_1767323045678-5","object":"event","api_version":"2025-12-16","created":1767323045,"type":"invoice.updated",
		"livemode":true,"pending_webhooks":0,"request":{"id":"req","idempotency_key":"key"},
		"data":{"object":`+string(e.Object)+`,"previous_attributes":{"status":"unpaid","customer_id":null,"metadata":{"a":1}}}}`)
	e.RequestID, e.RequestKey, e.Environment, e.Previous = "", "", pay.Devnet, []byte("{}")
	v := view.Event(e)
	alike(t, "an event nobody asked for", view.JSON(v.Request), `{"id":null,"idempotency_key":null}`)
	if v.Livemode || string(view.JSON(v)) != string(view.JSON(view.Event(e))) {
		t.Error("devnet is live, or the same event has two forms")
	}
}

// What is between the merchant and us is in no field of a payor's event, nor in
// what it says has changed.
func TestPayorEvent(t *testing.T) {
	t.Parallel()
	private := []string{"metadata", "customer_id", "merchant_id", "commerce_order_id", "settlement", "settlement_status"}
	i := invoice
	i.CustomerID, i.OrderID, i.Metadata = "LEAK", "LEAK", `{"status":"LEAK"}`
	p := payment
	p.MerchantID, p.Receiver, p.Settlement.TxHash, p.Settlement.Reason = 0, "LEAK", "LEAK", "LEAK"
	pending := p
	pending.Settlement = pay.Settlement{}
	for what, e := range map[string]pay.Event{
		"invoice": {Object: view.JSON(view.Invoice(i)), Previous: view.Changed(view.Invoice(i), view.Invoice(invoice)), RequestID: "LEAK", RequestKey: "LEAK"},
		"payment": {Object: view.JSON(view.Payment(p, registry)), Previous: view.Changed(view.Payment(p, registry), view.Payment(pending, registry))},
		"garbage": {Object: []byte("LEAK"), Previous: []byte(`["LEAK"]`)},
		"nothing": {},
	} {
		b := view.JSON(view.PayorEvent(e))
		if strings.Contains(string(b), "LEAK") {
			t.Errorf("%s leaks: %s", what, b)
		}
		data := tree(t, string(b)).(map[string]any)["data"].(map[string]any)
		for _, part := range []string{"object", "previous_attributes"} {
			fields, ok := data[part].(map[string]any)
			if !ok {
				t.Errorf("%s: %s is %v", what, part, data[part])
			}
			for _, f := range private {
				if _, there := fields[f]; there {
					t.Errorf("%s: %s has %s", what, part, f)
				}
			}
		}
		// The rest is as the merchant's.
		var whole map[string]any
		if json.Unmarshal(e.Object, &whole) == nil && len(whole) > 0 {
			maps.DeleteFunc(whole, func(k string, _ any) bool { return slices.Contains(private, k) })
			if got, want := slices.Sorted(maps.Keys(data["object"].(map[string]any))), slices.Sorted(maps.Keys(whole)); !slices.Equal(got, want) {
				t.Errorf("%s shows %q, want %q", what, got, want)
			}
		}
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	after := invoice
	if got := view.Changed(view.Invoice(invoice), view.Invoice(after)); string(got) != "{}" {
		t.Errorf("nothing changed: %s", got)
	}
	after.Status, after.Paid, after.LastPaymentAt, after.CustomerEmail = pay.Underpaid, 20_000, at, "other"
	alike(t, "a part is paid", view.Changed(view.Invoice(invoice), view.Invoice(after)), `{"status":"unpaid","amount_paid":0,"amount_paid_decimal":"0.000",
		"amount_remaining":49990,"amount_remaining_decimal":"49.990","last_payment_at":null}`)
	before := payment
	before.Settlement = pay.Settlement{}
	alike(t, "settled", view.Changed(view.Payment(before, registry), view.Payment(payment, registry)), `{"settlement_status":"pending","settlement":null}`)
}

func TestQuote(t *testing.T) {
	t.Parallel()
	rate, _ := money.ParseRate("0.9950")
	q := pay.Quote{
		ID: "q", InvoiceID: "inv", Network: "bsc", Address: "0xd", TokenID: 3, Units: money.NewUnits(big.NewInt(49_990_000)), Rate: rate, Due: 49_990,
		CreatedAt: at, ValidUntil: at.Add(pay.QuoteLife),
	}
	alike(t, "a quote", view.JSON(view.Quote(q, registry.Tokens[0])), `{"object":"payment_quote","invoice_id":"inv","network":"bsc","currency":"usd",
		"amount_remaining":49990,"amount_remaining_decimal":"49.990","amount_unit":"usd_millis","supported_token_id":3,"temp_address":"0xd",
		"estimated_token_amount":"49.990000","exchange_rate":"0.995","quote_last_updated_at":1767323045,"quote_valid_until":1767323345}`)
}

// A link can be copied from an answer as it stands.
func TestLinksAreWhole(t *testing.T) {
	t.Parallel()
	if got := string(view.JSON(map[string]any{"payment_url": "https://x/pay?a=<1>&b=2", "text": json.RawMessage(`"\u0026"`)})); got != `{"payment_url":"https://x/pay?a=<1>&b=2","text":"\u0026"}` {
		t.Error(got)
	}
}
