package pay

import (
	"context"
	"slices"
	"strings"
	"time"
)

// EventType names something that happened (contract 4.2).
type EventType string

// The event types of the contract, and two of ours.
const (
	InvoiceCreated EventType = "invoice.created"
	InvoiceUpdated EventType = "invoice.updated"
	PaymentCreated EventType = "invoice_payment.created"
	PaymentUpdated EventType = "invoice_payment.updated"
	OrderCreated   EventType = "commerce.order.created"
	OrderUpdated   EventType = "commerce.order.updated"
	QuoteUpdated   EventType = "payment_quote.updated" // payor streams only
	TestPing       EventType = "test.ping"             // webhooks only

	EndpointDisabled EventType = "webhook_endpoint.disabled" // not in webhooks, which it is about
	PayoutUpdated    EventType = "payout_address.updated"    // to webhooks that ask for all
)

// Subscribable are the event types and wildcards that an endpoint may ask for.
var Subscribable = []string{
	"invoice.*", string(InvoiceCreated), string(InvoiceUpdated),
	"invoice_payment.*", string(PaymentCreated), string(PaymentUpdated),
	"commerce.order.*", string(OrderCreated), string(OrderUpdated), string(TestPing),
}

// PayorTypes are the event types that payors are told of. Orders are between a merchant
// and its customer: a link to pay may be passed on to somebody else.
var PayorTypes = []string{InvoiceCreated.Wildcard(), PaymentCreated.Wildcard(), QuoteUpdated.Wildcard()}

// Filterable are the event types and wildcards that lists and streams may be limited to.
var Filterable = append(slices.Clone(Subscribable), "webhook_endpoint.*", string(EndpointDisabled), "payout_address.*", string(PayoutUpdated))

// Wildcard is the pattern that every event of t's family matches: "invoice.*".
func (t EventType) Wildcard() string {
	return string(t[:strings.LastIndexByte(string(t), '.')+1]) + "*"
}

// In reports whether t is named by a list of types and wildcards. An empty list
// names everything.
func (t EventType) In(list []string) bool {
	return len(list) == 0 || slices.Contains(list, string(t)) || slices.Contains(list, t.Wildcard())
}

// Distinct returns the types and wildcards of a list, each once: every commit looks
// through what endpoints ask for.
func Distinct(list []string) (once []string) {
	for _, t := range list {
		if !slices.Contains(once, t) {
			once = append(once, t)
		}
	}
	return once
}

// Named returns the types that a list of types and wildcards names, each once; none for
// an empty list.
func Named(list []string) (named []EventType) {
	for _, t := range append(slices.Clone(Filterable), string(QuoteUpdated)) {
		if len(list) > 0 && !strings.HasSuffix(t, "*") && EventType(t).In(list) {
			named = append(named, EventType(t))
		}
	}
	return named
}

// Private reports whether only the payor's own stream may carry the event.
func (t EventType) Private() bool { return t == QuoteUpdated }

// Unlisted reports whether the event is in no list and no merchant's stream, though it
// may be asked for by its id.
func (t EventType) Unlisted() bool { return t.Private() || t == TestPing }

// Event is one fact. Its object was rendered when it happened and never changes.
type Event struct {
	ID          string // evt_<milliseconds>-<sequence>
	MerchantID  int64
	Seq         int64 // counts up per merchant, in the order of commits
	Type        EventType
	Environment Environment
	InvoiceID   string
	CustomerID  string
	EndpointID  string // the only webhook endpoint it is for, "" for all that ask
	Object      []byte // JSON, as the matching GET answers
	Previous    []byte // JSON object of attributes that changed, "{}" for none
	RequestID   string // of the request that caused it, "" for none
	RequestKey  string // that request's Idempotency-Key, "" for none
	Trace       string // the W3C traceparent of what caused it, "" for none
	CreatedAt   time.Time
	// Turns are the states that the fact brought about, for those who count them
	// after its commit. They are not stored.
	Turns []Turn

	// What it can be found by, "" where it has none.
	InvoiceType   InvoiceType
	OrderID       string
	WalletAddress string // of who paid, or who the order is for
	WalletNetwork NetworkName
}

// WalletKey is the form in which wallet addresses are compared: the case of a
// hexadecimal one is only a checksum, that of any other matters.
func WalletKey(address string) string {
	if rest, hex := strings.CutPrefix(address, "0x"); hex {
		return "0x" + strings.ToLower(rest)
	}
	return address
}

// EventOf begins an event about an invoice, or about something that belongs to it.
func EventOf(i Invoice, t EventType, object, previous []byte) Event {
	return Event{
		MerchantID: i.MerchantID, Type: t, Environment: i.Environment, InvoiceID: i.ID, CustomerID: i.CustomerID, Object: object, Previous: previous,
		InvoiceType: i.Type, OrderID: i.OrderID, WalletAddress: i.PayerAddress, WalletNetwork: i.PayerNetwork,
	}
}

// Turn is something that came into a state. Its fields have few values: it can be a
// label of a metric.
type Turn struct {
	Noun    Noun
	Network NetworkName // "" of an invoice
	State   string
}

// Noun is what a Turn is about.
type Noun string

// The nouns whose states are counted.
const (
	NounInvoice    Noun = "invoice"
	NounPayment    Noun = "payment"
	NounSettlement Noun = "settlement"
)

// Cause is the request that a unit of work is done for, and the W3C traceparent of the
// work; each "" for none.
type Cause struct{ RequestID, IdempotencyKey, Trace string }

type causeKey struct{}

// WithCause returns a context whose events name c as their cause.
func WithCause(ctx context.Context, c Cause) context.Context {
	return context.WithValue(ctx, causeKey{}, c)
}

// WithTrace returns a context whose events and promises belong to a trace, ctx itself
// for none.
func WithTrace(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" {
		return ctx
	}
	c := CauseOf(ctx)
	c.Trace = traceparent
	return WithCause(ctx, c)
}

// CauseOf returns the cause in ctx; its zero value when there is none.
func CauseOf(ctx context.Context) Cause {
	c, _ := ctx.Value(causeKey{}).(Cause)
	return c
}
