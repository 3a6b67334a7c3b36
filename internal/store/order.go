package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

const orderColumns = `id, invoice_id, estimate_id, merchant_id, environment, customer_id, customer_addr, customer_net, wallet_key, wallet_network,
	retailer, status, substatus, cancellation, request, simulated, body, created_at, updated_at`

// orderBody is what of an order is only read with the whole of it.
type orderBody struct {
	Lines     []pay.OrderLine
	ShipTo    pay.ShippingAddress
	Pricing   pay.Pricing
	Payment   pay.OrderPayment
	Shipments []pay.Shipment
	Timeline  []pay.Moment
	Refund    pay.Refund
}

func scanOrder(r scanner) (o pay.Order, err error) {
	var body string
	err = r.Scan(&o.ID, &o.InvoiceID, &o.EstimateID, &o.MerchantID, &o.Environment, &o.Customer.ID, &o.Customer.Wallet, &o.Customer.Network,
		new(string), new(string), &o.Retailer, &o.Status, &o.Substatus, &o.Cancellation, &o.Request, &o.Simulated, &body,
		instant{&o.CreatedAt}, instant{&o.UpdatedAt})
	if errors.Is(err, sql.ErrNoRows) {
		return o, pay.Errorf(pay.CodeOrderNotFound, "Order not found")
	}
	var b orderBody
	if err == nil {
		err = json.Unmarshal([]byte(body), &b)
	}
	o.Lines, o.ShipTo, o.Pricing, o.Payment, o.Shipments, o.Timeline, o.Refund = b.Lines, b.ShipTo, b.Pricing, b.Payment, b.Shipments, b.Timeline, b.Refund
	return o, err
}

func bodyOf(o pay.Order) (string, error) {
	b, err := json.Marshal(orderBody{o.Lines, o.ShipTo, o.Pricing, o.Payment, o.Shipments, o.Timeline, o.Refund})
	return string(b), err
}

// AddOrder stores a new order.
func (tx *Tx) AddOrder(o pay.Order) error {
	body, err := bodyOf(o)
	wallet, network := o.Wallet()
	tx.rows = append(tx.rows, row{table: "orders", columns: orderColumns, key: o.ID, args: []any{
		o.ID, o.InvoiceID, o.EstimateID, o.MerchantID, string(o.Environment), o.Customer.ID, o.Customer.Wallet, string(o.Customer.Network),
		pay.WalletKey(wallet), string(network), o.Retailer, string(o.Status), o.Substatus, string(o.Cancellation), o.Request, o.Simulated, body,
		millis(o.CreatedAt), millis(o.UpdatedAt),
	}})
	return err
}

// SaveOrder stores what can change of an order.
func (tx *Tx) SaveOrder(o pay.Order) error {
	body, err := bodyOf(o)
	if err != nil {
		return err
	}
	wallet, network := o.Wallet()
	_, err = tx.exec(`UPDATE orders SET wallet_key = $2, wallet_network = $3, status = $4, substatus = $5, cancellation = $6, request = $7,
		simulated = $8, body = $9, updated_at = $10 WHERE id = $1`, o.ID, pay.WalletKey(wallet), string(network), string(o.Status), o.Substatus,
		string(o.Cancellation), o.Request, o.Simulated, body, millis(o.UpdatedAt))
	return err
}

// Order returns the order with that id, or an error with CodeOrderNotFound.
func (tx *Tx) Order(id string) (pay.Order, error) {
	return one(tx, scanOrder, `SELECT `+orderColumns+` FROM orders WHERE id = $1`, id)
}

// OrderForUpdate is Order, held until the unit ends. Who needs the order's invoice too
// takes it after the order.
func (tx *Tx) OrderForUpdate(id string) (pay.Order, error) {
	return one(tx, scanOrder, `SELECT `+orderColumns+` FROM orders WHERE id = $1`+tx.s.dialect.forUpdate, id)
}

// OrderByInvoice returns the order that an invoice is for, or an error with
// CodeOrderNotFound.
func (tx *Tx) OrderByInvoice(id string) (pay.Order, error) {
	return one(tx, scanOrder, `SELECT `+orderColumns+` FROM orders WHERE invoice_id = $1`, id)
}

// OrderByRequest returns the order that a provider knows by a name, or an error with
// CodeOrderNotFound.
func (tx *Tx) OrderByRequest(request string) (pay.Order, error) {
	return one(tx, scanOrder, `SELECT `+orderColumns+` FROM orders WHERE request = $1 AND request <> ''`, request)
}

// OrderFilter selects orders of one merchant in one environment; zero fields match all.
type OrderFilter struct {
	MerchantID  int64
	Environment pay.Environment
	CustomerID  string
	Wallet      string // with WalletNet
	WalletNet   pay.NetworkName
	Status      pay.OrderStatus
	Retailer    string
	From, To    time.Time // creation, inclusive
	Limit       int
	Offset      int
}

// Orders returns the matching orders, newest first.
func (tx *Tx) Orders(f OrderFilter) ([]pay.Order, error) {
	return many(tx, scanOrder, `SELECT `+orderColumns+` FROM orders WHERE merchant_id = $1 AND environment = $2
		AND ($3 = '' OR customer_id = $3) AND ($4 = '' OR wallet_key = $4 AND wallet_network = $5) AND ($6 = '' OR status = $6)
		AND ($7 = '' OR retailer = $7) AND created_at >= $8 AND (CAST($9 AS bigint) = 0 OR created_at <= $9)
		ORDER BY created_at DESC, id DESC LIMIT $10 OFFSET $11`,
		f.MerchantID, string(f.Environment), f.CustomerID, pay.WalletKey(f.Wallet), string(f.WalletNet), string(f.Status), f.Retailer,
		millis(f.From), millis(f.To), f.Limit, f.Offset)
}
