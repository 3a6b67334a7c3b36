package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pepay/pepay/api"
)

// Subscription is what a stream gives. Its zero value is everything from now on.
type Subscription struct {
	Since         string   // the id of an event: begin with what came after it; "" for what comes from now on
	Types         []string // such as invoice.updated, or invoice.* for a family
	InvoiceType   string   // standard, commerce
	InvoiceID     string
	CustomerID    string
	OrderID       string
	WalletAddress string // of who paid
	WalletNetwork string // the network that WalletAddress is on
	Environment   string // devnet, mainnet
	// Notice, when not nil, is told what the stream recovers from by itself: why a
	// connection ended, or ErrForgotten.
	Notice func(error)
}

func (s Subscription) filter() EventFilter {
	return EventFilter{
		Types: s.Types, InvoiceType: s.InvoiceType, InvoiceID: s.InvoiceID, CustomerID: s.CustomerID, OrderID: s.OrderID,
		WalletAddress: s.WalletAddress, WalletNetwork: s.WalletNetwork, Environment: s.Environment,
	}
}

// ErrForgotten is the notice that the server does not know the event that the stream
// was to go on from, mostly because it is too old. The stream goes on with what is
// kept and is later; what was dropped in between cannot be had any more.
var ErrForgotten = errors.New("pepay: the event to go on from is not known to the server; what is later goes on")

// Stream returns what happens, as it happens: every event once, and in order. It
// reconnects by itself, for ever, and fills in what it missed. To go on after a
// restart of your own program, store the id of each event with what you did about
// it, and give the last one as Since.
//
// The sequence ends when ctx does, without an error. An error comes last and is one
// that waiting does not help against, such as a refused key. While the loop's body
// runs nothing is read: a slow one makes the stream late, but loses nothing.
func (s Events) Stream(ctx context.Context, sub Subscription) iter.Seq2[api.Event, error] {
	return follow(ctx, follower{c: s.c, path: "/ws/merchant/events", sub: sub})
}

// CommerceStream is Stream for a client with an API key of scope commerce: orders, and
// what belongs to invoices that have one, in the key's environment.
func (s Events) CommerceStream(ctx context.Context, sub Subscription) iter.Seq2[api.Event, error] {
	return follow(ctx, follower{c: s.c, path: "/ws/commerce/events", sub: sub})
}

// follow runs a stream, anew each time that it is ranged over.
func follow(ctx context.Context, begin follower) iter.Seq2[api.Event, error] {
	return func(yield func(api.Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		f := begin
		f.yield, f.cursor = yield, f.sub.Since
		if err := f.run(ctx); err != nil && !f.ended && ctx.Err() == nil {
			yield(api.Event{}, err)
		}
	}
}

// follower is one run of a stream.
type follower struct {
	c      *Client
	path   string // of the websocket
	ticket string // opens it instead of the credential; of a payor
	// renew gets another ticket. Only a payor has one, and then nothing can be read but
	// by the socket: what it replays is given.
	renew  func(context.Context) (string, error)
	sub    Subscription
	yield  func(api.Event, error) bool
	cursor string // the id of the last event that was given; "" before the first one of the account
	ended  bool   // the loop was left
	fails  int    // connections in a row that came to nothing

	forgotten string // the cursor that was noticed not to be known
}

// errEnded ends a run because the loop was left.
var errEnded = errors.New("pepay: the loop was left")

// The waits between two connections.
const (
	firstReconnect = time.Second
	lastReconnect  = 30 * time.Second
)

// run connects again and again. What is kept is read before a connection, so that
// the socket need not replay much, and after it, so that nothing is missed between.
func (f *follower) run(ctx context.Context) error {
	begun := f.cursor != ""
	for {
		err := f.begin(ctx, &begun)
		if err == nil {
			err = f.catchUp(ctx)
		}
		if err == nil {
			err = f.connection(ctx)
		}
		if ctx.Err() != nil || f.ended || fatal(err) {
			return err
		}
		f.notice(err)
		if err := wait(ctx, jittered(min(firstReconnect<<min(f.fails, 10), lastReconnect))); err != nil {
			return err
		}
		f.fails++
	}
}

// begin finds, for a stream from now on, the newest event there is.
func (f *follower) begin(ctx context.Context, begun *bool) error {
	if *begun || f.renew != nil {
		return nil
	}
	for e, err := range f.c.Events.List(ctx, EventFilter{Cursor: Cursor{Limit: 1}}) {
		if err != nil {
			return err
		}
		f.cursor = e.ID
	}
	*begun = true
	return nil
}

// fatal reports whether an error stays when the request is repeated.
func fatal(err error) bool {
	if errors.Is(err, errEnded) {
		return true
	}
	if _, bad := errors.AsType[*badRequest](err); bad {
		return true
	}
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status/100 == 4 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout
}

func (f *follower) notice(err error) {
	if f.sub.Notice != nil {
		f.sub.Notice(err)
	}
}

// catchUp gives everything that is kept and later than the cursor.
func (f *follower) catchUp(ctx context.Context) error {
	if f.renew != nil {
		return nil
	}
	if f.cursor == "" {
		return f.rebuild(ctx)
	}
	for e, err := range f.c.Events.RecoverSince(ctx, f.cursor, f.sub.filter()) {
		if refused, ok := errors.AsType[*Error](err); ok && refused.Status == http.StatusBadRequest {
			// Either the filter is bad, which shows again, or the cursor is not known.
			unknown := f.cursor
			if err := f.rebuild(ctx); err != nil || unknown == f.forgotten {
				return err
			}
			f.forgotten = unknown
			f.notice(ErrForgotten)
			return nil
		}
		if err != nil {
			return err
		}
		if err := f.give(e); err != nil {
			return err
		}
	}
	return nil
}

// rebuild is catchUp where there is no cursor that the server knows: it begins with
// the newest event and goes back to the place where the cursor was.
func (f *follower) rebuild(ctx context.Context) error {
	filter, last := f.sub.filter(), place{}
	if f.cursor != "" {
		var err error
		if last, err = placeOf(f.cursor); err != nil {
			return err
		}
		filter.From = time.UnixMilli(last.ms)
	}
	var missed []api.Event
	for e, err := range f.c.Events.List(ctx, filter) {
		if err != nil {
			return err
		}
		missed = append(missed, e)
	}
	slices.Reverse(missed)
	for _, e := range missed {
		if err := f.give(e); err != nil {
			return err
		}
	}
	return nil
}

// give passes an event on, unless it was passed on before.
func (f *follower) give(e api.Event) error {
	at, err := placeOf(e.ID)
	if err != nil {
		return err
	}
	if last, err := placeOf(f.cursor); f.cursor != "" && (err != nil || !last.before(at)) {
		return err
	}
	if f.cursor = e.ID; !f.yield(e, nil) {
		f.ended = true
		return errEnded
	}
	return nil
}

// place is where an event stands among its account's: by time, then by number.
type place struct{ ms, seq int64 }

func (p place) before(q place) bool { return p.ms < q.ms || p.ms == q.ms && p.seq < q.seq }

// placeOf reads an event id: evt_<milliseconds>-<number>.
func placeOf(id string) (p place, err error) {
	ms, seq, ok := strings.Cut(strings.TrimPrefix(id, "evt_"), "-")
	if p.ms, err = strconv.ParseInt(ms, 10, 64); err == nil {
		p.seq, err = strconv.ParseInt(seq, 10, 64)
	}
	if err != nil || !ok || !strings.HasPrefix(id, "evt_") {
		return p, &badRequest{fmt.Errorf("pepay: %.64q is not the id of an event: evt_<milliseconds>-<number>", id)}
	}
	return p, nil
}

// address is where the stream's websocket is. A cursor is always named, if need be
// one of no event, because the answer to it tells from when on the socket is live.
func (f *follower) address() (string, error) {
	u, err := url.Parse(f.c.base)
	if err != nil {
		return "", &badRequest{fmt.Errorf("pepay: %w", err)}
	}
	switch u.Scheme {
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	}
	q := f.sub.filter().query("types")
	if q.Set("since", f.cursor); f.cursor == "" {
		q.Set("since", "evt_0-0")
	}
	set(q, "token", f.ticket)
	u.Path, u.RawQuery = strings.TrimRight(u.Path, "/")+f.path, q.Encode()
	return u.String(), nil
}
