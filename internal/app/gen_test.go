package app_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/view"
)

//go:generate go test -count=1 -run=^TestDocuments$ . -update

var update = flag.Bool("update", false, "write the generated documents anew")

// TestDocuments compares docs/config.md, docs/events.md and the table of docs/networks.md
// with what the code says.
func TestDocuments(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"config": configDocument(), "events": eventsDocument(t), "networks": networksDocument(t)} {
		path := "../../docs/" + name + ".md"
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%s is out of date (%v); run: make generate", path, err)
		}
	}
}

const generated = "<!-- Written by make generate. Do not edit. -->\n\n"

func configDocument() string {
	var b strings.Builder
	b.WriteString("# Configuration\n\n" + generated + `A TOML file, ` + "`pepay serve --config pepay.toml`" + `, and environment variables, which win. In a variable a list is separated by
commas. A key that does not exist, or a value that is not what is expected, ends the start with an error that names the key.
Secrets are best kept in files of their own.

`)
	table := func(prefix string, t reflect.Type) {
		b.WriteString("| Key | Environment variable | Default | Meaning | Expected |\n|---|---|---|---|---|\n")
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Type.Kind() == reflect.Map {
				continue
			}
			key, value := prefix+f.Tag.Get("key"), f.Tag.Get("default")
			if value != "" {
				value = "`" + value + "`"
			}
			want := f.Tag.Get("want")
			if f.Type.Kind() == reflect.Int {
				want = "a whole number from " + map[bool]string{true: "0", false: f.Tag.Get("least")}[f.Tag.Get("least") == ""]
			}
			fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", key, variable(key), value, f.Tag.Get("doc"), want)
		}
	}
	table("", reflect.TypeFor[app.Config]())
	b.WriteString("\n## Networks\n\nOne section for each network that is served. Those that come with Pepay, and how to add one of your own, are in [networks.md](networks.md).\n\n")
	table("networks.ethereum.", reflect.TypeFor[app.NetworkConfig]())
	b.WriteString("\n## Prices\n\nWhat a token is worth is the median of what these sources say, of which `rates.quorum` must agree. None needs a key. Chainlink is read from\nEthereum, so it is asked only where `[networks.ethereum]` is served on mainnet, through all of its nodes.\n\n| Symbol | Known to |\n|---|---|\n")
	every := app.Sources(app.Config{Networks: map[string]app.NetworkConfig{"ethereum": {Chain: "mainnet", RPC: []string{"http://127.0.0.1:1"}}}})
	for _, symbol := range rates.Quotable() {
		fmt.Fprintf(&b, "| %s | %s |\n", symbol, strings.Join(knowing(every, symbol), ", "))
	}
	return b.String()
}

const tableBegins = "<!-- Written by make generate. Do not edit below. -->\n"

// networksDocument is docs/networks.md with its table of what comes with Pepay.
func networksDocument(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/networks.md")
	prose, _, found := strings.Cut(string(text), tableBegins)
	if err != nil || !found {
		t.Fatalf("docs/networks.md has no %q: %v", tableBegins, err)
	}
	var b strings.Builder
	b.WriteString(prose + tableBegins + `
| Name | ` + "`chain`" + ` | Chain id | Final when | Usually | Tokens: id, symbol, decimals, contract |
|---|---|---|---|---|---|
`)
	for _, l := range pay.Listings {
		chain, final := "mainnet", fmt.Sprintf("confirmations: %d", l.Confirmations)
		if l.Environment == pay.Devnet {
			chain = "testnet"
		}
		if l.Finality != pay.Deep {
			final = fmt.Sprintf("the nodes say `%s`", l.Finality)
		}
		var tokens []string
		for _, t := range l.Tokens {
			line := fmt.Sprintf("%d %s %d", t.ID, t.Symbol, t.Decimals)
			if t.Type == pay.Asset { // explorers of Cardano have other pages for assets
				line += fmt.Sprintf(" `%s`", t.Address)
			} else if t.Address != "" {
				line += fmt.Sprintf(" [%s…](%s)", t.Address[:10], l.Explorer.AddressURL(t.Address))
			}
			tokens = append(tokens, line)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %d | %s | %s | %s |\n", l.Name, chain, l.ChainID, final, time.Duration(l.Confirmations)*l.BlockTime, strings.Join(tokens, "<br>"))
	}
	return b.String()
}

// told is when each event type is emitted, in the order of a payment's life.
var told = []struct {
	pay.EventType
	object, when string
}{
	{pay.InvoiceCreated, "invoice", "an invoice was made"},
	{pay.QuoteUpdated, "payment_quote", "the payor was given an amount to pay, at first or anew; only on the payor's websocket"},
	{pay.PaymentCreated, "invoice_payment", "a transfer to one of the invoice's addresses was mined"},
	{pay.PaymentUpdated, "invoice_payment", "its status, its worth or its settlement changed"},
	{pay.InvoiceUpdated, "invoice", "its status or what is paid of it changed: underpaid, paid, expired, canceled"},
	{pay.TestPing, "ping", "you asked for a test; only in webhooks, to the endpoint that is tested"},
	{pay.PayoutUpdated, "payout_address", "where proceeds go was changed, or will be: `pending` says to what and when. Webhooks that ask for all events get it. Not of the original API"},
	{pay.EndpointDisabled, "webhook_endpoint", "an endpoint answered 410 or took nothing for five days; on the merchant's websocket and in the list, not in webhooks. Not of the original API"},
}

func eventsDocument(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("# Events\n\n" + generated + `An event is one fact about an invoice, written in the same transaction as the fact. The same bytes come by webhook, by the
merchant's websocket and by ` + "`GET /api/v1/events`" + `, in one order for each merchant and without gaps to a reader that follows the ids.
Webhooks may come twice or out of order: take each ` + "`id`" + ` once, and trust the newest ` + "`data.object`" + `.

| Type | Object | When |
|---|---|---|
`)
	for _, e := range told {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", e.EventType, e.object, e.when)
	}
	b.WriteString("\nThe events of orders, `commerce.order.created` and `commerce.order.updated`, are in [commerce.md](commerce.md). How webhooks work is in [webhooks.md](webhooks.md), the states are in [states.md](states.md).\n")
	b.WriteString("\n`previous_attributes` has the fields that changed, with their values before. `request` names the API request that caused the event, if one did.\n")
	made := time.Unix(1_770_000_000, 0).UTC()
	before := pay.Invoice{
		ID: "0d7a0c52-9f3e-4c1a-9d2b-6f1f0a4c7e11", MerchantID: 1, Environment: pay.Mainnet, Type: pay.Standard, Status: pay.Unpaid, Amount: 25_50 * money.Cent,
		Metadata: `{"order":"A-1001"}`, CreatedAt: made, ExpiresAt: made.Add(pay.DefaultExpiry),
	}
	ethereum, _ := pay.Listed("ethereum", pay.Mainnet)
	p := pay.Payment{
		Deposit: pay.Deposit{
			Network: "ethereum", TxHash: "0x" + strings.Repeat("7c", 32), Index: 4, Block: pay.Block{Height: 24_000_000, Time: made.Add(4 * time.Minute)},
			Address: "0x8F2cD1A0c7f1E5b4a9C3d2E1f0A9b8C7d6E5f4A3", Token: ethereum.Tokens[1].Address, Units: money.NewUnits(big.NewInt(25_500_000)),
			From: "0x1f9840a85d5aF5bf1D1762F925BDADdC4201F984",
		},
		ID: "5b0e9b1e-3c64-4f0b-8f43-0c9a7d1e2b3f", InvoiceID: before.ID, MerchantID: 1, Environment: pay.Mainnet, TokenID: 2, AskedID: 2,
		Receiver: "0x52908400098527886E0F7030069857D2E4169EE7", Amount: before.Amount, Status: pay.PaymentConfirmed, SeenAt: made.Add(250 * time.Second),
		ConfirmedAt: made.Add(400 * time.Second), Settlement: pay.Settlement{ID: 1, Status: pay.SettlementPending},
	}
	pending, after := p, before
	pending.Status, pending.ConfirmedAt, pending.Settlement = pay.PaymentPending, time.Time{}, pay.Settlement{}
	after.Status, after.Paid, after.PaidAt, after.LastPaymentAt = pay.Paid, before.Amount, p.ConfirmedAt, p.ConfirmedAt
	after.PayerAddress, after.PayerNetwork = p.From, p.Network
	registry := &pay.Registry{Networks: []pay.Network{pay.Ethereum}, Tokens: ethereum.Tokens}
	for n, e := range []pay.Event{
		{Type: pay.PaymentUpdated, Object: view.JSON(view.Payment(p, registry)), Previous: view.Changed(view.Payment(pending, registry), view.Payment(p, registry))},
		{Type: pay.InvoiceUpdated, Object: view.JSON(view.Invoice(after)), Previous: view.Changed(view.Invoice(before), view.Invoice(after))},
	} {
		e.ID, e.Environment, e.CreatedAt = fmt.Sprintf("evt_%d-%d", p.ConfirmedAt.UnixMilli(), n+3), pay.Mainnet, p.ConfirmedAt
		fmt.Fprintf(&b, "\n## An example: %s\n\n```json\n", e.Type)
		if err := json.Indent(&b, view.JSON(view.Event(e)), "", "  "); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n```\n")
	}
	return b.String()
}
