package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

const invoiceColumns = `id, merchant_id, environment, type, status, amount, paid, customer_id, customer_email, description, title, footer,
	metadata, questions, return_url, receiver_override, payer_address, payer_network, order_id, session_hash,
	locked_network, locked_token_id, created_at, expires_at, paid_at, last_payment_at`

func scanInvoice(r scanner) (i pay.Invoice, err error) {
	err = r.Scan(&i.ID, &i.MerchantID, &i.Environment, &i.Type, &i.Status, &i.Amount, &i.Paid, &i.CustomerID, &i.CustomerEmail,
		&i.Description, &i.Title, &i.Footer, &i.Metadata, &i.Questions, &i.ReturnURL, &i.ReceiverOverride, &i.PayerAddress,
		&i.PayerNetwork, &i.OrderID, &i.SessionHash, &i.LockedNetwork, &i.LockedTokenID,
		instant{&i.CreatedAt}, instant{&i.ExpiresAt}, instant{&i.PaidAt}, instant{&i.LastPaymentAt})
	if errors.Is(err, sql.ErrNoRows) {
		err = pay.Errorf(pay.CodeInvoiceNotFound, "Invoice not found")
	}
	return i, err
}

// Invoice returns the invoice with that id, or an error with CodeInvoiceNotFound.
func (tx *Tx) Invoice(id string) (pay.Invoice, error) {
	return one(tx, scanInvoice, `SELECT `+invoiceColumns+` FROM invoices WHERE id = $1`, id)
}

// InvoiceForUpdate is Invoice, held until the unit ends: nobody else can credit,
// expire or cancel it meanwhile.
func (tx *Tx) InvoiceForUpdate(id string) (pay.Invoice, error) {
	return one(tx, scanInvoice, `SELECT `+invoiceColumns+` FROM invoices WHERE id = $1`+tx.s.dialect.forUpdate, id)
}

// InvoiceBySession returns the invoice whose payor session has that hash, or an
// error with CodeInvoiceNotFound.
func (tx *Tx) InvoiceBySession(hash string) (pay.Invoice, error) {
	return one(tx, scanInvoice, `SELECT `+invoiceColumns+` FROM invoices WHERE session_hash = $1`, hash)
}

// AddInvoice stores a new invoice.
func (tx *Tx) AddInvoice(i pay.Invoice) {
	tx.rows = append(tx.rows, row{table: "invoices", columns: invoiceColumns, key: i.ID, args: []any{
		i.ID, i.MerchantID, string(i.Environment), string(i.Type), string(i.Status), int64(i.Amount), int64(i.Paid), i.CustomerID,
		i.CustomerEmail, i.Description, i.Title, i.Footer, i.Metadata, i.Questions, i.ReturnURL, i.ReceiverOverride, i.PayerAddress,
		string(i.PayerNetwork), i.OrderID, i.SessionHash, string(i.LockedNetwork), i.LockedTokenID,
		millis(i.CreatedAt), millis(i.ExpiresAt), millis(i.PaidAt), millis(i.LastPaymentAt),
	}})
}

// SaveInvoice stores what can change of an invoice.
func (tx *Tx) SaveInvoice(i pay.Invoice) error {
	_, err := tx.exec(`UPDATE invoices SET status = $2, paid = $3, customer_email = $4, payer_address = $5, payer_network = $6,
		locked_network = $7, locked_token_id = $8, paid_at = $9, last_payment_at = $10 WHERE id = $1`,
		i.ID, string(i.Status), int64(i.Paid), i.CustomerEmail, i.PayerAddress, string(i.PayerNetwork),
		string(i.LockedNetwork), i.LockedTokenID, millis(i.PaidAt), millis(i.LastPaymentAt))
	return err
}

// InvoiceFilter selects invoices of one merchant; zero fields match all.
type InvoiceFilter struct {
	MerchantID  int64
	Statuses    []string
	Types       []string
	CustomerID  string
	Environment pay.Environment
	From, To    time.Time // creation, inclusive
	PayerAddr   string
	PayerNet    pay.NetworkName
	Older       pay.Invoice // only those before it
	Newer       pay.Invoice // only those after it, the nearest of them
	Limit       int
}

// query is the condition of what is asked for, and of nothing else: that would hide the
// indexes.
func (f InvoiceFilter) query() question {
	q := question{text: `merchant_id = $1`, args: []any{f.MerchantID}}
	q.of("status", f.Statuses)
	q.of("type", f.Types)
	for _, by := range []struct{ column, value string }{
		{"customer_id", f.CustomerID}, {"environment", string(f.Environment)}, {"payer_network", string(f.PayerNet)},
	} {
		if by.value != "" {
			q.and(by.column+` = ?`, by.value)
		}
	}
	if f.PayerAddr != "" {
		q.and(`payer_address = ? AND payer_address <> ''`, f.PayerAddr) // the second is what the index says
	}
	if !f.From.IsZero() {
		q.and(`created_at >= ?`, millis(f.From))
	}
	if !f.To.IsZero() {
		q.and(`created_at <= ?`, millis(f.To))
	}
	return q
}

// page asks for a page of them, from the cursor on.
func (f InvoiceFilter) page() (string, []any) {
	order, edge, cursor := "DESC", "<", f.Older
	if f.Newer.ID != "" {
		order, edge, cursor = "ASC", ">", f.Newer
	}
	q := f.query()
	if cursor.ID != "" {
		q.args = append(q.args, millis(cursor.CreatedAt))
		q.and(fmt.Sprintf(`(created_at, id) %s ($%d, ?)`, edge, len(q.args)), cursor.ID)
	}
	q.args = append(q.args, f.Limit)
	return fmt.Sprintf(`SELECT %s FROM invoices WHERE %s ORDER BY created_at %s, id %[3]s LIMIT $%d`,
		invoiceColumns, q.text, order, len(q.args)), q.args
}

// Invoices returns the matching invoices, newest first.
func (tx *Tx) Invoices(f InvoiceFilter) ([]pay.Invoice, error) {
	q, args := f.page()
	all, err := many(tx, scanInvoice, q, args...)
	if f.Newer.ID != "" {
		for a, b := 0, len(all)-1; a < b; a, b = a+1, b-1 {
			all[a], all[b] = all[b], all[a]
		}
	}
	return all, err
}

// InvoiceTotals sums up the matching invoices by state; cursors and limit do not
// apply. States without an invoice are absent.
func (tx *Tx) InvoiceTotals(f InvoiceFilter) ([]pay.InvoiceTotal, error) {
	q := f.query()
	return many(tx, func(r scanner) (t pay.InvoiceTotal, err error) { return t, r.Scan(&t.Status, &t.Amount, &t.Count) },
		`SELECT status, CAST(sum(amount) AS bigint), count(*) FROM invoices WHERE `+q.text+` GROUP BY status`, q.args...)
}

// commas returns ",a,b," for LIKE to look in, "" for an empty list.
func commas(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return "," + strings.Join(list, ",") + ","
}
