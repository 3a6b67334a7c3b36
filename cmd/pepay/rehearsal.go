package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/devchain"
)

// refuser is a contract that takes no native coin: the play dollar.
var refuser = contracts.TestDollar

// rehearsal is one run of a trigger: an invoice, and what happens to it.
type rehearsal struct {
	ctx   context.Context
	pepay *client.Client
	shop  *client.Client // with a key of scope commerce; nil without one
	base  string
	dev   *devFile
	out   screen

	invoice api.CreatedInvoice
	next    func() (api.Event, error, bool) // of the invoice's events
	stop    func()
	wallet  *devchain.Wallet
}

// outcome is what a trigger looks at in the object of an event.
type outcome struct {
	Status           string `json:"status"`
	StatusReason     string `json:"status_reason"`
	SettlementStatus string `json:"settlement_status"`
	Substatus        string `json:"substatus"`    // of orders
	RefundStatus     string `json:"refundStatus"` // NONE mostly
}

func (r *rehearsal) say(format string, args ...any) {
	fmt.Fprintln(r.out, r.out.dim("· ")+fmt.Sprintf(format, args...))
}

// open makes the invoice and begins to follow it.
func (r *rehearsal) open(in api.CreateInvoiceRequest) (err error) {
	in.AmountUSD, in.Description = new(amount), new("pepay trigger")
	if r.invoice, err = r.pepay.Invoices.Create(r.ctx, in); err != nil {
		return err
	}
	r.say("invoice %s for $%s", r.invoice.InvoiceID, amount)
	r.follow(r.invoice.InvoiceID)
	return nil
}

// follow begins to follow an invoice, and the order that it is for.
func (r *rehearsal) follow(invoice string) {
	// After an event that never was comes all that is kept.
	events := r.pepay.Events.Stream(r.ctx, client.Subscription{Since: "evt_0-0", InvoiceID: invoice})
	r.close()
	r.next, r.stop = iter.Pull2(events)
}

// close ends following the invoice.
func (r *rehearsal) close() {
	if r.stop != nil {
		r.stop()
	}
}

// until shows the invoice's events up to one of a type that ok accepts.
func (r *rehearsal) until(kind string, ok func(outcome) bool) error {
	for {
		e, err, more := r.next()
		if err != nil || !more {
			return errors.Join(err, r.ctx.Err())
		}
		var v outcome
		_ = json.Unmarshal(e.Data.Object, &v) // what does not fit stays empty
		words := v.Status
		for _, more := range []string{v.StatusReason, v.SettlementStatus, v.Substatus} {
			if more != "" {
				words += ", " + more
			}
		}
		if v.RefundStatus != "" && v.RefundStatus != "NONE" {
			words += ", refund " + v.RefundStatus
		}
		fmt.Fprintf(r.out, "%s  %s  %s\n", r.out.paint("32", e.ID), e.Type, words)
		if e.Type == kind && ok(v) {
			return nil
		}
	}
}

// address asks for the address to pay to in the first token of a type.
func (r *rehearsal) address(kind string) (payment, error) {
	payor := client.NewPayor(r.base, r.invoice.PaymentSessionHeaders)
	tokens, err := payor.Tokens(r.ctx, "")
	if err != nil {
		return payment{}, err
	}
	for _, t := range tokens {
		if t.TokenType != kind {
			continue
		}
		at, err := payor.Address(r.ctx, t.Network, t.ID)
		if err == nil && at.QuoteStatus != "available" {
			err = fmt.Errorf("there is no price for %s right now", t.TokenSymbol)
		}
		return payment{t, at}, err
	}
	return payment{}, fmt.Errorf("the deployment takes no token of type %s", kind)
}

// payment is what can be paid with, and where to.
type payment struct {
	token api.AvailableToken
	at    api.PaymentAddress
}

// pay pays so many times a part of what is due.
func (r *rehearsal) pay(kind string, times, parts int64) (common.Hash, error) {
	p, err := r.address(kind)
	if err != nil {
		return common.Hash{}, err
	}
	return r.send(p, times, parts)
}

func (r *rehearsal) send(p payment, times, parts int64) (common.Hash, error) {
	units, ok := new(big.Int).SetString(strings.ReplaceAll(p.at.EstimatedTokenAmount, ".", ""), 10)
	if !ok {
		return common.Hash{}, fmt.Errorf("%.64q is no amount", p.at.EstimatedTokenAmount)
	}
	if r.wallet == nil {
		var err error
		if r.wallet, err = r.payer(p.token.Network); err != nil {
			return common.Hash{}, err
		}
	}
	token := common.Address{}
	if p.token.TokenAddress != nil {
		token = common.HexToAddress(*p.token.TokenAddress)
	}
	units.Quo(units.Mul(units, big.NewInt(times)), big.NewInt(parts))
	hash, err := r.wallet.Pay(r.ctx, token, common.HexToAddress(p.at.TempAddress), units)
	if err == nil {
		share := map[[2]int64]string{{1, 2}: "half of ", {2, 1}: "twice "}[[2]int64{times, parts}]
		r.say("paying %s%s %s to %s", share, p.at.EstimatedTokenAmount, p.token.TokenSymbol, p.at.TempAddress)
	}
	return hash, err
}

// payer is the wallet of dev.json on a network.
func (r *rehearsal) payer(network string) (*devchain.Wallet, error) {
	for _, c := range r.dev.Chains {
		if c.Network != network {
			continue
		}
		raw, err := hexutil.Decode(c.PayerPrivateKey)
		if err != nil {
			return nil, errors.New("dev.json: payer_private_key is not a private key")
		}
		key, err := crypto.ToECDSA(raw)
		if err != nil {
			return nil, errors.New("dev.json: payer_private_key is not a private key")
		}
		node, err := ethclient.DialContext(r.ctx, c.RPCURL)
		return &devchain.Wallet{Client: node, Key: key}, err
	}
	return nil, fmt.Errorf("there is no dev.json with a wallet on %s: --data-dir names the directory of pepay dev", network)
}

// drop has the chain drop a transaction. again is true when that came too late.
func (r *rehearsal) drop(tx common.Hash) (again bool, err error) {
	r.say("dropping %s from the chain", tx)
	err = r.wallet.Client.Client().CallContext(r.ctx, nil, "dev_dropTransaction", tx)
	var coded interface{ ErrorCode() int }
	switch {
	case err == nil:
		return false, nil
	case errors.As(err, &coded) && coded.ErrorCode() == -32601:
		return false, errors.New("this chain cannot be made to fork: that takes the chain of pepay dev or pepay devchain")
	case r.ctx.Err() != nil:
		return false, err
	}
	r.say("too late: %v; once more", err)
	return true, nil
}
