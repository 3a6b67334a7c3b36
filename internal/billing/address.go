package billing

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// ticketLife is how long the websocket ticket of an allocation is good for: longer
// than its quote, so that a page that reconnects need not ask for a new one at once.
const ticketLife = 15 * time.Minute

// Allocation is an address a payor may pay to.
type Allocation struct {
	Invoice pay.Invoice
	Address pay.Address
	Token   pay.Token
	Quote   pay.Quote // zero when there is no price, or no address yet: Retry says when to ask again
	Retry   time.Duration
	Ticket  string
	Now     time.Time
}

// Allocate gives out the invoice's address for a token, with a fresh quote. Asked
// again for the same token it keeps the address. An underpaid invoice keeps to its
// network and token.
func (b *Billing) Allocate(ctx context.Context, s Session, n pay.NetworkName, tokenID int64) (a Allocation, err error) {
	t, err := b.payable(s, n, tokenID)
	if err != nil {
		return a, err
	}
	a.Token = t
	rate, retry, priced := b.price(ctx, t)
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		a.Quote, a.Retry, a.Now = pay.Quote{}, retry, tx.Now()
		if a.Invoice, err = tx.InvoiceForUpdate(s.Invoice.ID); err != nil {
			return err
		}
		if err := payableNow(a.Invoice, n, tokenID, tx.Now()); err != nil {
			return err
		}
		taken, err := tx.Acceptance(s.Merchant.ID)
		if err != nil {
			return err
		}
		if !taken.Offers(a.Invoice, tokenID) || a.Invoice.Status != pay.Underpaid && !s.Merchant.Settlement.Offers(t) {
			return pay.Errorf(pay.CodeInvalidRequest, "The merchant does not take token %d; choose one from available-tokens", tokenID)
		}
		a.Address, err = b.addressFor(tx, Session{a.Invoice, s.Merchant}, t)
		if errors.Is(err, errNoAddress) { // there are soon some again: they are made in the background
			a.Retry = poolRetry
			return nil
		}
		if err != nil || a.Address.Receiver == "" || !priced {
			return err
		}
		a.Quote = pay.NewQuote(tx.NewID(), a.Invoice, a.Address, t, rate, tx.Now())
		tx.AppendEvent(pay.EventOf(a.Invoice, pay.QuoteUpdated, view.JSON(view.Quote(a.Quote, t)), []byte("{}")))
		return tx.AddQuote(a.Quote)
	})
	if err != nil {
		return a, err
	}
	a.Ticket, err = b.Auth.NewTicket(auth.Ticket{Stream: auth.StreamPayment, MerchantID: a.Invoice.MerchantID, InvoiceID: a.Invoice.ID}, a.Now.Add(ticketLife))
	return a, err
}

// payable returns the token a payor asks for, if the deployment takes it.
func (b *Billing) payable(s Session, n pay.NetworkName, tokenID int64) (pay.Token, error) {
	if err := payableNow(s.Invoice, n, tokenID, time.Time{}); err != nil {
		return pay.Token{}, err
	}
	if net, ok := b.Registry.Network(n); !ok || net.Environment != s.Invoice.Environment {
		return pay.Token{}, pay.Errorf(pay.CodeNetworkUnsupported, "Network %.32q is not available for this invoice; choose one from available-tokens", n)
	}
	t, ok := b.Registry.Token(tokenID)
	if !ok || t.Network != n {
		return t, pay.Errorf(pay.CodeInvalidRequest, "tokenId %d is not a token of %s; choose one from available-tokens", tokenID, n)
	}
	return t, nil
}

// payableNow reports why an invoice cannot be paid with a token at now. A zero now
// leaves out what depends on time.
func payableNow(i pay.Invoice, n pay.NetworkName, tokenID int64, now time.Time) error {
	switch {
	case i.Status == pay.Expired, i.Status.Open() && i.Closed(now):
		return pay.Errorf(pay.CodeInvoiceExpired, "Invoice has expired")
	case !i.Status.Open():
		return pay.Errorf(pay.CodeInvoiceState, "Invoice is already %s", i.Status)
	case i.LockedNetwork != "" && n != i.LockedNetwork:
		return pay.Errorf(pay.CodeWrongNetwork, "Must complete payment using the same network")
	case i.LockedTokenID != 0 && tokenID != i.LockedTokenID:
		return pay.Errorf(pay.CodeWrongToken, "Must complete payment using the same token")
	}
	return nil
}

// addressFor returns the invoice's address for a token, made when there is none
// yet; its zero value when the merchant has nowhere to be paid.
func (b *Billing) addressFor(tx *store.Tx, s Session, t pay.Token) (pay.Address, error) {
	a, ok, err := tx.AddressFor(s.Invoice.ID, t.ID)
	if err != nil {
		return a, err
	}
	if ok {
		if t.Type == pay.Native {
			err = tx.ProbeAgain(a, tx.Now())
		}
		return a, err
	}
	to, err := b.receiver(tx, s.Invoice, t.Network.Family())
	if err != nil || to == "" {
		return pay.Address{Network: t.Network}, err
	}
	a = pay.Address{
		Network: t.Network, InvoiceID: s.Invoice.ID, MerchantID: s.Invoice.MerchantID, TokenID: t.ID, Receiver: to, CreatedAt: tx.Now(),
	}
	if err := b.derive(tx, &a); err != nil {
		return a, fmt.Errorf("make an address for invoice %s: %w", s.Invoice.ID, err)
	}
	return a, tx.AddAddress(a, t.Type == pay.Native && t.Network.Family() == pay.EVM)
}

// derive fills in a new deposit address and the salt, or the index, that it is made from.
func (b *Billing) derive(tx *store.Tx, a *pay.Address) (err error) {
	w := b.Wallets[a.Network.Family()]
	switch {
	case w.Deposit != nil:
		// The salt follows from the invoice and the token alone: whoever knows an invoice's
		// id can find its addresses again, whatever happened to our database.
		salt := sha256.Sum256(fmt.Appendf(nil, "pepay deposit %s %d", a.InvoiceID, a.TokenID))
		a.Salt = hex.EncodeToString(salt[:])
		a.Address, err = w.Deposit(a.Receiver, salt)
		return err
	case w.Index != nil:
		n, err := tx.Next("address " + string(a.Network))
		if err != nil {
			return err
		}
		a.Salt = strconv.FormatInt(n, 10)
		a.Address, err = w.Index(uint32(n)) //nolint:gosec // a deployment does not live to make 2³¹
		if err != nil {
			return err
		}
	default:
		p, ok, err := tx.TakePooled(a.Network)
		if err != nil || !ok {
			return cmp.Or(err, errNoAddress)
		}
		a.Address, a.Salt = p.Address, strconv.FormatUint(uint64(p.Index), 10)
	}
	if w.Accounts == nil {
		return nil
	}
	accounts, err := w.Accounts(a.Address)
	for _, account := range accounts {
		err = cmp.Or(err, tx.AddAccount(a.Network, account, a.Address))
	}
	return err
}

// AddPooled adds addresses to the pool of a network and returns how many of them were new.
func (b *Billing) AddPooled(ctx context.Context, n pay.NetworkName, ps []store.Pooled) (added int, err error) {
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		added = 0
		for _, p := range ps {
			fresh, err := tx.AddPooled(n, p)
			if err != nil {
				return err
			}
			if fresh {
				added++
			}
		}
		return nil
	})
	return added, err
}

// SkipAddresses leaves out the next places of the seed, on every network whose addresses are
// counted, and empties the pools: for a database that does not know which places were given
// out, since an address given out twice could pay another merchant. It returns the last place
// that is left out on each.
func (b *Billing) SkipAddresses(ctx context.Context, places uint32) (last map[pay.NetworkName]int64, err error) {
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		last = map[pay.NetworkName]int64{}
		for _, f := range pay.Families {
			if f == pay.EVM { // whose addresses follow from the invoice
				continue
			}
			n := pay.NetworkName(f)
			for _, counter := range []string{"address ", "pool "} { // in numbers, and as they are put into the pool
				at, err := tx.Skip(counter+string(n), int64(places))
				if err != nil {
					return err
				}
				last[n] = max(last[n], at)
			}
			if _, err := tx.EmptyPool(n); err != nil { // only now: whoever was filling it is done
				return err
			}
		}
		return nil
	})
	return last, err
}

// poolRetry is when to ask again for an address of a pool that is empty.
const poolRetry = 5 * time.Second

// errNoAddress means that the pool of a network is empty: no payor is given an address on
// it until whoever holds the keys has filled it.
var errNoAddress = errors.New("the pool of addresses is empty")

// receiver is where the proceeds of an invoice go on the networks of a family, "" when
// the merchant has not said. An invoice that settles elsewhere does so on the networks
// that know such addresses, and on no other.
func (b *Billing) receiver(tx *store.Tx, i pay.Invoice, f pay.Family) (string, error) {
	if i.ReceiverOverride != "" {
		if b.familyOf(i.ReceiverOverride) == f {
			return i.ReceiverOverride, nil
		}
		return "", nil
	}
	p, err := tx.Payout(i.MerchantID, f)
	return p.Address, err
}

// familyOf returns the family whose canonical form an address has, "" for none.
func (b *Billing) familyOf(address string) pay.Family {
	for _, f := range pay.Families {
		if w, ok := b.Wallets[f]; ok {
			if is, err := w.Canonical(address); err == nil && is == address {
				return f
			}
		}
	}
	return ""
}

// Canonical returns an address of any family in its canonical form. The error says what
// is wrong with it: in the words of the family it looks like.
func (b *Billing) Canonical(address string) (string, error) {
	if strings.HasPrefix(address, "0x") && len(address) != suiLength {
		return b.Wallets[pay.EVM].Canonical(address)
	}
	for _, f := range pay.Families {
		if w, ok := b.Wallets[f]; ok {
			if is, err := w.Canonical(address); err == nil {
				return is, nil
			}
		}
	}
	return b.Wallets[pay.EVM].Canonical(address)
}

// suiLength is how long an address of Sui is, which begins like one of Ethereum.
const suiLength = 2 + 64
