package store

import (
	"database/sql"
	"errors"
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

const invoiceWhere = ` FROM invoices WHERE merchant_id = $1 AND ($2 = '' OR $2 LIKE '%,' || status || ',%')
	AND ($3 = '' OR $3 LIKE '%,' || type || ',%') AND ($4 = '' OR customer_id = $4) AND ($5 = '' OR environment = $5)
	AND created_at >= $6 AND (CAST($7 AS bigint) = 0 OR created_at <= $7) AND ($8 = '' OR payer_address = $8) AND ($9 = '' OR payer_network = $9)`

func (f InvoiceFilter) args() []any {
	return []any{
		f.MerchantID, commas(f.Statuses), commas(f.Types), f.CustomerID, string(f.Environment),
		millis(f.From), millis(f.To), f.PayerAddr, string(f.PayerNet),
	}
}

// Invoices returns the matching invoices, newest first.
func (tx *Tx) Invoices(f InvoiceFilter) ([]pay.Invoice, error) {
	order, edge, cursor := "DESC", "<", f.Older
	if f.Newer.ID != "" {
		order, edge, cursor = "ASC", ">", f.Newer
	}
	all, err := many(tx, scanInvoice, `SELECT `+invoiceColumns+invoiceWhere+` AND ($11 = '' OR (created_at, id) `+edge+` ($10, $11))
		ORDER BY created_at `+order+`, id `+order+` LIMIT $12`, append(f.args(), millis(cursor.CreatedAt), cursor.ID, f.Limit)...)
	if order == "ASC" {
		for a, b := 0, len(all)-1; a < b; a, b = a+1, b-1 {
			all[a], all[b] = all[b], all[a]
		}
	}
	return all, err
}

// InvoiceTotals sums up the matching invoices by state; cursors and limit do not
// apply. States without an invoice are absent.
func (tx *Tx) InvoiceTotals(f InvoiceFilter) ([]pay.InvoiceTotal, error) {
	return many(tx, func(r scanner) (t pay.InvoiceTotal, err error) { return t, r.Scan(&t.Status, &t.Amount, &t.Count) },
		`SELECT status, CAST(sum(amount) AS bigint), count(*)`+invoiceWhere+` GROUP BY status`, f.args()...)
}

// commas returns ",a,b," for LIKE to look in, "" for an empty list.
func commas(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return "," + strings.Join(list, ",") + ","
}
