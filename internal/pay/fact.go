package pay

import (
	"slices"
	"time"
)

// FactKind is what kind of thing became true of an order.
type FactKind string

// The facts that move an order.
const (
	FactPaid          FactKind = "paid"           // its invoice is paid
	FactExpired       FactKind = "expired"        // its invoice has expired
	FactUnwanted      FactKind = "unwanted"       // its invoice was canceled
	FactSettled       FactKind = "settled"        // the money has reached the merchant
	FactPlaced        FactKind = "placed"         // the retailer has the order
	FactTracked       FactKind = "tracked"        // there are parcels, or news of them
	FactDelivered     FactKind = "delivered"      // everything has arrived
	FactFailed        FactKind = "failed"         // nothing was bought
	FactCancelAsked   FactKind = "cancel_asked"   // the merchant wants it cancelled
	FactCancelRefused FactKind = "cancel_refused" // the retailer does not cancel it
	FactCancelled     FactKind = "cancelled"      // the retailer has cancelled it
	FactDestination   FactKind = "destination"    // where its refund goes
	FactRefundSent    FactKind = "refund_sent"
	FactRefunded      FactKind = "refunded"
	FactRefundFailed  FactKind = "refund_failed"
)

// Facts are all of them.
var Facts = []FactKind{
	FactPaid, FactExpired, FactUnwanted, FactSettled, FactPlaced, FactTracked, FactDelivered, FactFailed,
	FactCancelAsked, FactCancelRefused, FactCancelled, FactDestination, FactRefundSent, FactRefunded, FactRefundFailed,
}

// Fact is something that became true of an order, and what is known of it.
type Fact struct {
	Kind      FactKind
	TxHash    string      // of a payment, a settlement or a refund
	Wallet    string      // of the payor; for FactCancelAsked and FactDestination, where a refund goes
	Network   NetworkName // of the payor's wallet, or of the settlement
	Shipments []Shipment
	Reason    string
}

// Next is the one rule of orders: what an order becomes by a fact. The error has
// CodeTransition, or the code that the contract has for a cancellation, when the fact
// does not fit the order's state; the order is then unchanged. A fact that is true
// already does not fit: nothing happens twice.
func (o Order) Next(f Fact, now time.Time) (Order, error) {
	was := o
	o.Timeline, o.Shipments = slices.Clone(o.Timeline), slices.Clone(o.Shipments)
	misfit := Errorf(CodeTransition, "An order that is %s cannot become %s", o.words(), f.Kind)
	switch f.Kind {
	case FactPaid:
		if o.Status != OrderPending {
			return was, misfit
		}
		o.Payment = OrderPayment{Paid: true, TxHash: f.TxHash, Payer: f.Wallet, PayerNetwork: f.Network, PaidAt: now}
		if o.Refund.Destination == "" && f.Network == RefundNetwork {
			o.Refund.Destination = f.Wallet
		}
		o.turn(OrderProcessing, "", "Payment received, processing order", now)
	case FactExpired, FactUnwanted:
		if o.Status != OrderPending {
			return was, misfit
		}
		o.Cancellation = CancelDone
		if f.Kind == FactExpired {
			o.turn(OrderCancelled, SubExpired, "Order cancelled: it was not paid in time", now)
		} else {
			o.turn(OrderCancelled, "", "Order cancelled", now)
		}
	case FactSettled:
		if o.Status != OrderProcessing || o.Payment.Settled {
			return was, misfit
		}
		o.Payment.Settled, o.Payment.SettleTx, o.Payment.SettleOn, o.Substatus = true, f.TxHash, f.Network, SubSubmitted
	case FactPlaced:
		if o.Status != OrderProcessing || !o.Payment.Settled {
			return was, misfit
		}
		o.turn(OrderPlaced, SubTracking, "Order placed with retailer", now)
	case FactTracked:
		changed := o.merge(f.Shipments, now)
		if o.Status != OrderPlaced && (o.Status != OrderShipped || !changed) || len(o.Shipments) == 0 {
			return was, misfit
		}
		if o.Cancellation == CancelRequested {
			o.Cancellation = CancelRejected
		}
		o.turn(OrderShipped, "", "Order shipped", now)
	case FactDelivered:
		if o.Status != OrderShipped {
			return was, misfit
		}
		o.merge(f.Shipments, now)
		o.Shipments[len(o.Shipments)-1].DeliveryStatus = "Delivered"
		o.turn(OrderDelivered, "", "Order delivered", now)
	case FactFailed:
		if o.Status != OrderProcessing {
			return was, misfit
		}
		o.turn(OrderFailed, "", sentence("Order failed", f.Reason), now)
		o.owe()
	case FactCancelAsked:
		return o.cancel(was, f, now)
	case FactCancelRefused:
		if o.Status != OrderPlaced || o.Cancellation != CancelRequested {
			return was, misfit
		}
		o.Cancellation = CancelRejected
	case FactCancelled:
		if o.Status != OrderPlaced {
			return was, misfit
		}
		o.Cancellation = CancelDone
		o.turn(OrderCancelled, "", "Order cancelled", now)
		o.owe()
	case FactDestination, FactRefundSent, FactRefunded, FactRefundFailed:
		if !o.refund(f) {
			return was, misfit
		}
	default:
		return was, misfit
	}
	o.UpdatedAt = now
	return o, nil
}

// turn moves an order to a status; only a new one is told in the timeline.
func (o *Order) turn(to OrderStatus, sub, message string, now time.Time) {
	if o.Substatus = sub; o.Status != to {
		o.Status, o.Timeline = to, append(o.Timeline, Moment{to, now, message})
	}
}

// merge takes over what is new of parcels and reports whether anything is.
func (o *Order) merge(ss []Shipment, now time.Time) (changed bool) {
	were := slices.Clone(o.Shipments)
	for _, s := range ss {
		if s.ObtainedAt.IsZero() {
			s.ObtainedAt = now
		}
		n := slices.IndexFunc(o.Shipments, func(old Shipment) bool { return old.ID == s.ID })
		if n < 0 {
			o.Shipments = append(o.Shipments, s)
			continue
		}
		s.ObtainedAt = o.Shipments[n].ObtainedAt
		o.Shipments[n] = s
	}
	return !slices.Equal(were, o.Shipments) // one that is named twice changes nothing the second time
}

// cancel is the rule of a request to cancel.
func (o Order) cancel(was Order, f Fact, now time.Time) (Order, error) {
	if f.Wallet != "" {
		o.Refund.Destination = f.Wallet
	}
	switch {
	case o.Status == OrderPending:
		o.Cancellation = CancelDone
		o.turn(OrderCancelled, "", "Order cancelled", now)
	case !o.CanCancel():
		return was, Errorf(CodeCancellation, "An order that is %s cannot be cancelled", o.words())
	case o.Refund.Destination == "":
		return was, Errorf(CodeRefundMissing, "Name refundDestinationWalletAddressBsc, an address on BSC: the order is paid and nobody has said where its money goes")
	default:
		o.Cancellation = CancelRequested
	}
	o.UpdatedAt = now
	return o, nil
}

// RefundNetwork is where refunds are paid.
const RefundNetwork NetworkName = "bsc"

// owe makes the refund due of an order that was paid.
func (o *Order) owe() {
	if o.Payment.Paid {
		o.Refund.Status, o.Refund.Amount = RefundPending, o.Pricing.Total
	}
}

// refund is the rule of refunds; it reports whether the fact fits.
func (o *Order) refund(f Fact) bool {
	due := o.Refund.Status == RefundPending || o.Refund.Status == RefundFailed
	switch f.Kind { //nolint:exhaustive // the facts of refunds
	case FactDestination:
		if !due || f.Wallet == o.Refund.Destination && o.Refund.Status == RefundPending { // one that failed may be tried again
			return false
		}
		o.Refund.Destination, o.Refund.Status, o.Refund.Reason = f.Wallet, RefundPending, ""
	case FactRefundSent:
		if !due || o.Refund.Destination == "" {
			return false
		}
		o.Refund.Status, o.Refund.TxHash, o.Refund.Reason = RefundProcessing, f.TxHash, ""
	case FactRefunded:
		if !due && o.Refund.Status != RefundProcessing || o.Refund.Destination == "" {
			return false
		}
		o.Refund.Status, o.Refund.TxHash, o.Refund.Reason = RefundCompleted, f.TxHash, ""
	case FactRefundFailed:
		if o.Refund.Status != RefundPending && o.Refund.Status != RefundProcessing {
			return false
		}
		o.Refund.Status, o.Refund.Reason = RefundFailed, f.Reason
	}
	return true
}

// words says in what state an order is.
func (o Order) words() string {
	switch {
	case o.Status == OrderPlaced && o.Cancellation == CancelRequested:
		return "placed and being cancelled"
	case o.Status == OrderProcessing && o.Payment.Settled:
		return "processing and settled"
	case o.Refund.Status != RefundNone && o.Refund.Status != "":
		return string(o.Status) + " with refund " + string(o.Refund.Status)
	}
	return string(o.Status)
}

func sentence(begin, reason string) string {
	if reason == "" {
		return begin
	}
	return begin + ": " + reason
}

// MoneyFacts says in facts what has become of an order's invoice and of the payments to
// it, in the order in which they came true.
func MoneyFacts(i Invoice, ps []Payment) (fs []Fact) {
	switch i.Status {
	case Paid:
	case Expired:
		return []Fact{{Kind: FactExpired}}
	case Canceled:
		return []Fact{{Kind: FactUnwanted}}
	case Unpaid, Underpaid:
		return nil
	}
	by, _ := i.CompletedBy(ps, Payment.Counts)
	fs = append(fs, Fact{Kind: FactPaid, TxHash: by.TxHash, Wallet: by.From, Network: by.Network})
	if last, ok := i.CompletedBy(ps, Payment.arrived); ok {
		fs = append(fs, Fact{Kind: FactSettled, TxHash: last.Settlement.TxHash, Network: last.Network})
	}
	return fs
}
