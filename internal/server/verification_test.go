package server_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/testkit"
)

// verify asks for a search and waits for its end.
func (d *desk) search(id, body string, payor testkit.Headers) (v api.Verification) {
	d.t.Helper()
	if a := d.ask("POST /api/v1/invoice/"+id+"/verify", body, payor); a.status != http.StatusAccepted {
		d.t.Fatalf("%d %s", a.status, a.body)
	}
	testkit.Eventually(d.t, "the search ends", func() bool {
		v = decode[api.Wrapped[api.Verification]](d.t, d.ask("GET /api/v1/invoice/"+id+"/verify", "", payor)).Data
		return v.JobStatus == "completed" || v.JobStatus == "failed"
	})
	return v
}

// forget removes an invoice's payments, as if its watcher had missed them.
func forget(t *testing.T, url, invoice string) {
	t.Helper()
	driver := "sqlite"
	if strings.HasPrefix(url, "postgres") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // read below
	for _, q := range []string{
		`DELETE FROM payments WHERE invoice_id = $1`,
		`UPDATE invoices SET status = 'unpaid', paid = 0, paid_at = 0, last_payment_at = 0, payer_address = '', payer_network = '' WHERE id = $1`,
	} {
		testkit.Eventually(t, q, func() bool { _, err := db.ExecContext(context.Background(), q, invoice); return err == nil })
	}
}

// On a real chain: a payment that was lost is found again, and transactions are judged.
func TestVerification(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, func(o *app.Options) { o.Networks[0].Relayer = nil }) // the money stays where it is
		made, payor := d.Open(`{"amount_usd":10}`)
		path := "/api/v1/invoice/" + made.InvoiceID + "/verify"
		refused(t, d.ask("GET "+path, "", payor), 404, "A", "NOT_FOUND")
		refused(t, d.ask("POST "+path, "", payor), 400, "A", "INVALID_INVOICE_STATE")
		a := d.Allocate(payor, testkit.Dollar)
		first := d.ask("POST "+path, `{"network":"ethereum"}`, payor)
		want := fmt.Sprintf(`{"success":true,"data":{"object":"invoice_manual_verification","id":"*","invoice_id":%q,"network":"ethereum","tx_hash":null,"job_status":"pending","status":"pending",`+
			`"attempt_count":0,"max_attempts":5,"next_attempt_at":"*","created_at":"*","updated_at":"*","completed_at":null,"result":null,"error":null}}`, made.InvoiceID)
		if first.status != http.StatusAccepted {
			t.Errorf("%d", first.status)
		}
		first.status = 200
		says(t, first, want)
		testkit.Eventually(t, "nothing is found", func() bool {
			return decode[api.Wrapped[api.Verification]](t, d.ask("GET "+path, "", payor)).Data.Status == "nothing_found"
		})
		says(t, d.ask("GET "+path, "", payor), fmt.Sprintf(`{"success":true,"data":{"object":"invoice_manual_verification","id":"*","invoice_id":%q,"network":"ethereum","tx_hash":null,`+
			`"job_status":"completed","status":"nothing_found","attempt_count":1,"max_attempts":5,"next_attempt_at":null,"created_at":"*","updated_at":"*","completed_at":"*",`+
			`"result":{"outcome":"nothing_found","message":"*","payments":[]},"error":null}}`, made.InvoiceID))

		h := d.Pay(contracts.TestDollar, a.TempAddress, big.NewInt(10_000_000))
		d.Mine(1)
		testkit.Eventually(t, "seen", func() bool { return d.Status(made.InvoiceID).LatestPayment != nil })
		if p := d.Status(made.InvoiceID).LatestPayment; p.Status != "pending" || p.Confirmations != 1 || p.RequiredConfirmations != 3 || p.TokenDecimals != 6 || p.BlockTime == nil {
			t.Errorf("pending: %+v", p)
		}
		if v := d.search(made.InvoiceID, `{"tx_hash":"`+strings.ToUpper(h.Hex()[2:3])+`"}`, payor); v.Status != "tx_not_found" {
			t.Errorf("nonsense: %+v", v)
		}
		d.MineSlowly("paid", func() bool { return d.Status(made.InvoiceID).Invoice.Status == "paid" })
		forget(t, url, made.InvoiceID)
		if v := d.search(made.InvoiceID, "", payor); v.Status != "found" || len(v.Result.Payments) != 1 {
			t.Errorf("lost: %+v %+v", v, v.Result)
		}
		s := d.Status(made.InvoiceID)
		if s.Invoice.Status != "paid" || s.Invoice.AmountPaid != 10_000 || s.LatestPayment.TxHash != strings.ToLower(h.Hex()) || s.LatestPayment.Confirmations != 3 {
			t.Errorf("found: %+v %+v", s.Invoice, s.LatestPayment)
		}
		paid := 0
		for _, e := range testkit.Events(t, d.Store, d.Merchant.ID) {
			if e.Type == "invoice.updated" {
				paid++
			}
		}
		if paid != 2 { // before it was lost, and again
			t.Errorf("%d events", paid)
		}

		second, buyer := d.Open(`{"amount_usd":10}`)
		d.Allocate(buyer, testkit.Ether)
		stranger := common.HexToAddress("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
		sent := d.Pay(common.Address{}, stranger.Hex(), big.NewInt(1))
		d.Mine(4)
		testkit.Eventually(t, "read", func() bool {
			v := d.search(second.InvoiceID, `{"tx_hash":"`+strings.ToUpper(sent.Hex()[2:])+`","network":null}`, buyer)
			return v.Status == "tx_not_found" // without 0x it is no hash of this network
		})
		for hash, want := range map[string]string{h.Hex(): "other_address", "0x" + strings.Repeat("0", 64): "tx_not_found"} {
			if v := d.search(second.InvoiceID, `{"tx_hash":"`+hash+`"}`, buyer); v.Status != want || *v.TxHash != hash {
				t.Errorf("%s: %+v %+v", hash, v, v.Result)
			}
		}
		young := d.Pay(common.Address{}, stranger.Hex(), big.NewInt(2))
		if v := d.search(second.InvoiceID, `{"tx_hash":"`+young.Hex()+`"}`, buyer); v.Status != "confirming" || !strings.Contains(v.Result.Message, "0 of 3") {
			t.Errorf("not mined: %+v %+v", v, v.Result)
		}
	})
}

func TestBadVerifications(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		clock := new(moved)
		d := newDesk(t, url, func(o *app.Options) { o.Now = clock.Now })
		made, payor := d.Open(`{"amount_usd":10}`)
		d.Allocate(payor, testkit.Dollar)
		other, _ := d.Open(`{"amount_usd":10}`)
		path := "POST /api/v1/invoice/" + made.InvoiceID + "/verify"
		for body, code := range map[string]string{
			`[]`: "INVALID_REQUEST_FORMAT", `x`: "INVALID_REQUEST_FORMAT", `{"network":1}`: "INVALID_REQUEST_FORMAT", `{"tx_hash":1}`: "INVALID_REQUEST_FORMAT", `{"tx_hash":""}`: "INVALID_REQUEST_FORMAT",
			`{"tx_hash":" "}`: "INVALID_REQUEST_FORMAT", `{"tx_hash":"a b"}`: "INVALID_REQUEST_FORMAT", `{"tx_hash":"` + strings.Repeat("x", 129) + `"}`: "INVALID_REQUEST_FORMAT",
			`{"tx_hash":"é"}`: "INVALID_REQUEST_FORMAT", `{"network":"bitcoin"}`: "NETWORK_NOT_SUPPORTED", `{"network":""}`: "NETWORK_NOT_SUPPORTED", `{"network":"base"}`: "INVALID_PAYMENT_NETWORK",
			`{"network":"ethereum","network":"base"}`: "INVALID_REQUEST_FORMAT",
		} {
			clock.Add(time.Minute)
			t.Run(fmt.Sprintf("%.60s", body), func(t *testing.T) { refused(t, d.ask(path, body, payor), 400, "A", code) })
		}
		for _, method := range []string{"GET", "POST"} {
			clock.Add(time.Minute)
			for _, id := range []string{other.InvoiceID, testkit.UUID()} {
				refused(t, d.ask(method+" /api/v1/invoice/"+id+"/verify", "", payor), 404, "A", "INVOICE_NOT_FOUND")
			}
			refused(t, d.stray(method+" /api/v1/invoice/x/verify", "", payor), 404, "A", "INVOICE_NOT_FOUND")
			refused(t, d.ask(method+" /api/v1/invoice/"+made.InvoiceID+"/verify", "", d.key), 401, "A", "INVALID_SIGNATURE")
		}
		refused(t, d.ask("GET /api/v1/invoice/"+made.InvoiceID+"/verify", "", payor), 404, "A", "NOT_FOUND")
		clock.Add(time.Minute)
		keyed := append(append(testkit.Headers{}, payor...), "Idempotency-Key", "k")
		first := d.ask(path, `{}`, keyed)
		testkit.Eventually(t, "it ends", func() bool {
			return decode[api.Wrapped[api.Verification]](t, d.ask("GET /api/v1/invoice/"+made.InvoiceID+"/verify", "", payor)).Data.JobStatus == "completed"
		})
		if again := d.ask(path, `{}`, keyed); again.status != http.StatusAccepted || again.body != first.body {
			t.Errorf("again: %d %s", again.status, again.body)
		}
		refused(t, d.ask(path, `{"network":"ethereum"}`, keyed), 409, "A", "IDEMPOTENCY_CONFLICT")
		for range 3 {
			d.ask(path, "", payor)
		}
		refused(t, d.ask(path, "", payor), 429, "C", "PAYMENT_SESSION_RATE_LIMIT")
	})
}
