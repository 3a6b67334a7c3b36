package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
)

type triggerCommand struct {
	target
	CommerceKey string `help:"An API key of scope commerce, for orders; by default the one in dev.json." env:"PEPAY_COMMERCE_KEY" placeholder:"KEY"`

	Event string        `arg:"" optional:"" help:"What is to happen; --list shows what can."`
	List  bool          `help:"Show what can be made to happen."`
	Wait  time.Duration `help:"How long to wait for it." default:"90s"`
}

// Help is shown below the summary by --help.
func (triggerCommand) Help() string {
	var b strings.Builder
	b.WriteString("Nothing is made up: an invoice is made, a wallet pays it on the development chain, and the events are those of the\nserver. It takes a few seconds, for blocks to come. Orders go by the simulator of devnet, at once.\n\n")
	for _, t := range triggers {
		fmt.Fprintf(&b, "  %-20s %s\n", t.name, t.what)
	}
	return b.String()
}

// trigger is one thing that can be made to happen.
type trigger struct {
	name, what string
	run        func(*rehearsal) error
}

var triggers = append([]trigger{
	{"invoice.created", "an invoice is made", (*rehearsal).created},
	{"invoice.paid", "… and paid exactly", func(r *rehearsal) error { return r.paid(1, 1, "paid") }},
	{"invoice.underpaid", "… half of it is paid", func(r *rehearsal) error { return r.paid(1, 2, "underpaid") }},
	{"invoice.overpaid", "… and paid twice over; its status is paid", func(r *rehearsal) error { return r.paid(2, 1, "paid") }},
	{"invoice.late", "… and paid after it has expired: the payment waits for you as manual_retry", (*rehearsal).late},
	{"invoice.expired", "… and nobody pays it in time", (*rehearsal).expired},
	{"invoice.canceled", "… and canceled", (*rehearsal).canceled},
	{"payment.reorged", "a payment is dropped by the chain; needs the chain of pepay dev or pepay devchain (dev_dropTransaction)", (*rehearsal).reorged},
	{"settlement.settled", "an invoice is paid, and the money reaches the merchant's address", (*rehearsal).settled},
	{"settlement.failed", "an invoice is paid in ETH whose receiver, a contract, takes none; tried again every ten minutes", (*rehearsal).unsettled},
	{"test.ping", "each of your webhook endpoints is sent a test.ping", (*rehearsal).pinged},
}, orderTriggers...)

// Run makes it happen.
func (c triggerCommand) Run(ctx context.Context) error {
	if c.List {
		for _, t := range triggers {
			fmt.Printf("%-20s %s\n", t.name, t.what)
		}
		return nil
	}
	i := slices.IndexFunc(triggers, func(t trigger) bool { return t.name == c.Event })
	if i < 0 && c.Event != "" {
		return fmt.Errorf("there is no event %q to be made to happen; pepay trigger --list shows what can", c.Event)
	}
	if i < 0 {
		return errors.New("name what is to happen; pepay trigger --list shows what can")
	}
	pepay, dev, err := c.open()
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	r := &rehearsal{ctx: waiting, pepay: pepay, base: c.BaseURL, dev: dev, out: newScreen(os.Stdout)}
	if r.base == "" {
		r.base = dev.BaseURL
	}
	r.shop = sells(r.base, cmp.Or(c.CommerceKey, dev.CommerceAPIKey))
	defer r.close()
	err = triggers[i].run(r)
	if err != nil && ctx.Err() == nil && waiting.Err() != nil {
		err = fmt.Errorf("it did not happen within %s; does pepay dev still run, and make blocks? --wait waits longer", c.Wait)
	}
	return explain(err)
}

// amount is what every invoice here asks for.
const amount = api.Number("25.50")

func (r *rehearsal) created() error {
	if err := r.open(api.CreateInvoiceRequest{}); err != nil {
		return err
	}
	return r.until("invoice.created", func(v outcome) bool { return true })
}

// paid pays a part of what is due.
func (r *rehearsal) paid(times, parts int64, status string) error {
	if err := r.open(api.CreateInvoiceRequest{}); err != nil {
		return err
	}
	if _, err := r.pay("erc20", times, parts); err != nil {
		return err
	}
	return r.becomes(status)
}

// life is how long the invoices live that are to expire: long enough to ask for an
// address.
const life = api.Number("3000")

func (r *rehearsal) expired() error {
	if err := r.open(api.CreateInvoiceRequest{ExpiresIn: new(life)}); err != nil {
		return err
	}
	return r.becomes("expired")
}

func (r *rehearsal) late() error {
	if err := r.open(api.CreateInvoiceRequest{ExpiresIn: new(life)}); err != nil {
		return err
	}
	at, err := r.address("erc20")
	if err != nil {
		return err
	}
	if err := r.becomes("expired"); err != nil {
		return err
	}
	if _, err := r.send(at, 1, 1); err != nil {
		return err
	}
	return r.until("invoice_payment.updated", func(v outcome) bool { return v.StatusReason == "late" })
}

func (r *rehearsal) canceled() error {
	if err := r.open(api.CreateInvoiceRequest{}); err != nil {
		return err
	}
	r.say("canceling it")
	if _, err := r.pepay.Invoices.Cancel(r.ctx, r.invoice.InvoiceID); err != nil {
		return err
	}
	return r.becomes("canceled")
}

// reorged may come too late, when the payment's block is too deep already.
func (r *rehearsal) reorged() error {
	for {
		if err := r.open(api.CreateInvoiceRequest{}); err != nil {
			return err
		}
		tx, err := r.pay("erc20", 1, 1)
		if err != nil {
			return err
		}
		if err := r.until("invoice_payment.created", func(v outcome) bool { return true }); err != nil {
			return err
		}
		again, err := r.drop(tx)
		if err != nil {
			return err
		}
		if !again {
			return r.until("invoice_payment.updated", func(v outcome) bool { return v.StatusReason == "reorged" })
		}
	}
}

func (r *rehearsal) settled() error {
	if err := r.paid(1, 1, "paid"); err != nil {
		return err
	}
	return r.until("invoice_payment.updated", func(v outcome) bool { return v.SettlementStatus == "settled" })
}

func (r *rehearsal) unsettled() error {
	if err := r.open(api.CreateInvoiceRequest{ReceiverOverrideEnable: new(true), ReceiverOverrideAddress: new(refuser.Hex())}); err != nil {
		return err
	}
	if _, err := r.pay("native", 1, 1); err != nil {
		return err
	}
	return r.until("invoice_payment.updated", func(v outcome) bool { return v.SettlementStatus == "failed" })
}

// pinged waits until every endpoint was tried; what they answered is printed.
func (r *rehearsal) pinged() error {
	none := true
	for endpoint, err := range r.pepay.Webhooks.List(r.ctx, client.Cursor{}) {
		if err != nil {
			return err
		}
		none = false
		test, err := r.pepay.Webhooks.Test(r.ctx, endpoint.ID)
		if err != nil {
			return err
		}
		r.say("%s is sent to %s", test.EventID, endpoint.URL)
		if err := r.tried(endpoint.ID, test.DeliveryID); err != nil {
			return err
		}
	}
	if none {
		return errors.New("you have no webhook endpoint; add one with POST /api/v1/webhooks")
	}
	return nil
}

// tried waits for the first attempt of a delivery.
func (r *rehearsal) tried(endpoint, delivery string) error {
	for {
		for d, err := range r.pepay.Webhooks.Deliveries(r.ctx, endpoint, client.Cursor{Limit: 20}) {
			if err != nil {
				return err
			}
			if d.ID != delivery || len(d.Attempts) == 0 {
				continue
			}
			if a := d.Attempts[0]; a.HTTPStatus != nil {
				r.say("it answered %s after %d ms", r.out.status(*a.HTTPStatus), a.LatencyMS)
			} else {
				r.say("it did not answer: %s", *a.Error)
			}
			return nil
		}
		select {
		case <-r.ctx.Done():
			return r.ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// becomes waits until the invoice has a status.
func (r *rehearsal) becomes(status string) error {
	return r.until("invoice.updated", func(v outcome) bool { return v.Status == status })
}
