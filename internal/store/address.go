package store

import (
	"slices"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
)

const addressColumns = `network, address, invoice_id, merchant_id, token_id, receiver, salt, created_at`

func scanAddress(r scanner) (a pay.Address, err error) {
	return a, r.Scan(&a.Network, &a.Address, &a.InvoiceID, &a.MerchantID, &a.TokenID, &a.Receiver, &a.Salt, instant{&a.CreatedAt})
}

// AddAddress stores a new deposit address. When probed, its native balance is
// compared with its deposits from now on.
func (tx *Tx) AddAddress(a pay.Address, probed bool) error {
	var probe time.Time
	if probed {
		probe = a.CreatedAt
	}
	_, err := tx.exec(`INSERT INTO addresses (`+addressColumns+`, probe_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)`,
		string(a.Network), a.Address, a.InvoiceID, a.MerchantID, a.TokenID, a.Receiver, a.Salt, millis(a.CreatedAt), millis(probe))
	return err
}

// AddressFor returns the address an invoice has for a token, and false when it
// has none yet.
func (tx *Tx) AddressFor(invoice string, token int64) (pay.Address, bool, error) {
	return maybe(tx, scanAddress, `SELECT `+addressColumns+` FROM addresses WHERE invoice_id = $1 AND token_id = $2`, invoice, token)
}

// AddressesOf returns every address given out for an invoice, oldest first.
func (tx *Tx) AddressesOf(invoice string) ([]pay.Address, error) {
	return many(tx, scanAddress, `SELECT `+addressColumns+` FROM addresses WHERE invoice_id = $1 ORDER BY created_at, address`, invoice)
}

// AddressAt returns the address of that name, and false when it is not ours on a network.
// It may have been given out on another, on which it is the same.
func (tx *Tx) AddressAt(n pay.NetworkName, address string) (pay.Address, bool, error) {
	a, ok, err := maybe(tx, scanAddress, `SELECT `+addressColumns+` FROM addresses WHERE address = $2
		ORDER BY CASE WHEN network = $1 THEN 0 ELSE 1 END LIMIT 1`, string(n), address)
	if !ok || !n.Shares(a.Network) {
		return pay.Address{}, false, err
	}
	return a, true, err
}

// maxIn bounds the parameters of one statement. It is a power of two: lists are
// filled up to one, so that few different statements have to be prepared.
const maxIn = 512

// Ours returns which of the addresses are deposit addresses of a network, or of one on
// which they are the same, by themselves.
func (tx *Tx) Ours(n pay.NetworkName, addresses []string) (map[string]string, error) {
	ours := map[string]string{}
	if n.Family().Shared() { // no other family has addresses of this form
		return ours, tx.among(nil, addresses, ours, oursAnywhere)
	}
	return ours, tx.among([]any{string(n)}, addresses, ours, `SELECT address, address FROM addresses WHERE network = $1 AND address IN `)
}

const oursAnywhere = `SELECT address, address FROM addresses WHERE address IN `

// OurAccounts adds which of the accounts belong to deposit addresses of a network, by
// account.
func (tx *Tx) OurAccounts(n pay.NetworkName, accounts []string, ours map[string]string) error {
	return tx.among([]any{string(n)}, accounts, ours, `SELECT account, address FROM accounts WHERE network = $1 AND account IN `)
}

// among adds the pairs that a query, with its first arguments, finds for some of many names.
func (tx *Tx) among(first []any, names []string, found map[string]string, q string) error {
	for part := range slices.Chunk(names, maxIn) {
		size := 1
		for size < len(part) {
			size *= 2
		}
		args := slices.Clone(first)
		for i := range size {
			args = append(args, part[min(i, len(part)-1)])
		}
		list := placeholders(1, len(args))
		if len(first) > 0 {
			list = "(" + strings.TrimPrefix(list, "($1,")
		}
		pairs, err := many(tx, func(r scanner) (p [2]string, err error) { return p, r.Scan(&p[0], &p[1]) }, q+list, args...)
		if err != nil {
			return err
		}
		for _, p := range pairs {
			found[p[0]] = p[1]
		}
	}
	return nil
}

// ProbeAddresses returns up to n addresses of a network whose balance is due to be
// compared.
func (tx *Tx) ProbeAddresses(n pay.NetworkName, limit int) ([]pay.Address, error) {
	return many(tx, scanAddress, `SELECT `+addressColumns+` FROM addresses WHERE network = $1 AND probe_at > 0 AND probe_at <= $2
		ORDER BY probe_at LIMIT $3`, string(n), millis(tx.now), limit)
}

// ProbeAgain says when an address's balance is next compared.
func (tx *Tx) ProbeAgain(a pay.Address, at time.Time) error {
	_, err := tx.exec(`UPDATE addresses SET probe_at = $3 WHERE network = $1 AND address = $2`, string(a.Network), a.Address, millis(at))
	return err
}

const quoteColumns = `id, invoice_id, network, address, token_id, units, rate, due, created_at, valid_until`

func scanQuote(r scanner) (q pay.Quote, err error) {
	var rate string
	if err = r.Scan(&q.ID, &q.InvoiceID, &q.Network, &q.Address, &q.TokenID, units{&q.Units}, &rate, &q.Due,
		instant{&q.CreatedAt}, instant{&q.ValidUntil}); err != nil {
		return q, err
	}
	q.Rate, err = money.ParseRate(rate)
	return q, err
}

// AddQuote stores a quote.
func (tx *Tx) AddQuote(q pay.Quote) error {
	_, err := tx.exec(`INSERT INTO quotes (`+quoteColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`,
		q.ID, q.InvoiceID, string(q.Network), q.Address, q.TokenID, q.Units.String(), q.Rate.String(), int64(q.Due), millis(q.CreatedAt), millis(q.ValidUntil))
	return err
}

// QuoteFor returns the quote that a deposit was made under: given by a time and
// good until after another; the one that asked for just this amount if there is
// one, else the newest. It returns false when there is none.
func (tx *Tx) QuoteFor(d pay.Deposit, by, goodUntil time.Time) (pay.Quote, bool, error) {
	return maybe(tx, scanQuote, `SELECT `+quoteColumns+` FROM quotes WHERE network = $1 AND address = $2 AND created_at <= $3 AND valid_until >= $4
		ORDER BY CASE WHEN units = $5 THEN 0 ELSE 1 END, created_at DESC, id DESC LIMIT 1`,
		string(d.Network), d.Address, millis(by), millis(goodUntil), d.Units.String())
}

// QuotedAt returns when an address was last given out with a quote; the zero time
// when it never was.
func (tx *Tx) QuotedAt(n pay.NetworkName, address string) (t time.Time, err error) {
	return t, tx.conn.QueryRowContext(tx.ctx, `SELECT COALESCE(max(created_at), 0) FROM quotes WHERE network = $1 AND address = $2`,
		string(n), address).Scan(instant{&t})
}
