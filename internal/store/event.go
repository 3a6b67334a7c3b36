package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// AppendEvent records a fact at the end of its merchant's stream and promises its
// deliveries. The event gets its id when the unit commits: the stream's row is
// then held, so sequence order is commit order, times never run backwards, and a
// reader that follows a cursor misses nothing.
func (tx *Tx) AppendEvent(e pay.Event) {
	cause := pay.CauseOf(tx.ctx)
	e.CreatedAt, e.RequestID, e.RequestKey, e.Trace = tx.now, cause.RequestID, cause.IdempotencyKey, cause.Trace
	if e.Type == pay.OrderCreated || e.Type == pay.OrderUpdated {
		e.InvoiceType = pay.Commerce // whoever may see commerce alone sees every order
	}
	tx.events = append(tx.events, e)
}

// Flush appends the unit's events now and returns them with their ids. It takes the
// rows that everybody wants last, so it is only for the end of a unit of WriteAlone.
func (tx *Tx) Flush() ([]pay.Event, error) {
	f := tx.conn.(*fence) //nolint:forcetypeassert // every unit of Write has one
	if err := f.enter(tx.ctx); err != nil {
		return nil, err
	}
	es, last, err := tx.s.finish(tx.ctx, f.prepared, []*unit{{promised: tx.promised}})
	if err == nil {
		err = f.run(tx.ctx, last)
	}
	tx.promised = promised{flushed: append(tx.flushed, es...)}
	return es, err
}

// finish writes what the units of a group left for the end, rows and jobs, and returns
// their events and what writes them, the last statements before the commit. These are
// what many want at once, so they are held last and shortest, and taken in one order by
// everybody: two groups never wait for each other.
func (s *Store) finish(ctx context.Context, c *prepared, group []*unit) (all []pay.Event, last []statement, err error) {
	var jobs []promise
	var rows []row
	for _, u := range group {
		if u.err == nil {
			all, jobs, rows = append(all, u.events...), append(jobs, u.jobs...), append(rows, u.rows...)
		}
	}
	slices.SortStableFunc(all, func(a, b pay.Event) int { return cmp.Compare(a.MerchantID, b.MerchantID) })
	tx, heard := &Tx{ctx: ctx, s: s, conn: c, now: s.moment()}, map[int64]bool{}
	for n, e := range all {
		if n > 0 && e.MerchantID == all[n-1].MerchantID {
			continue
		}
		ids, err := tx.listening(e.MerchantID)
		if err != nil {
			return nil, nil, err
		}
		for _, id := range ids {
			jobs = append(jobs, promise{JobDeliver, id, millis(tx.now), e.Trace})
		}
		heard[e.MerchantID] = len(ids) > 0
	}
	if err := c.run(ctx, append(inserts(rows), promises(jobs)...)); err != nil {
		return nil, nil, fmt.Errorf("add rows and jobs: %w", err)
	}
	for from := 0; from < len(all); {
		to := from
		for to < len(all) && to-from < maxGroup && all[to].MerchantID == all[from].MerchantID {
			to++
		}
		ss, err := tx.appendStream(all[from:to], heard[all[from].MerchantID])
		if err != nil {
			return nil, nil, fmt.Errorf("append events: %w", err)
		}
		last, from = append(last, ss...), to
	}
	return all, last, nil
}

// appendStream gives events of one merchant their places in its stream, and returns
// what writes them and, when it has endpoints, a delivery for each that asked for one.
func (tx *Tx) appendStream(es []pay.Event, heard bool) ([]statement, error) {
	merchant, at := es[0].MerchantID, es[0].CreatedAt
	for _, e := range es {
		if e.CreatedAt.After(at) {
			at = e.CreatedAt
		}
	}
	var last int64
	if err := tx.conn.QueryRowContext(tx.ctx, `INSERT INTO streams (merchant_id, seq, at) VALUES ($1, $2, $3)
		ON CONFLICT (merchant_id) DO UPDATE SET seq = streams.seq + excluded.seq,
			at = CASE WHEN streams.at > excluded.at THEN streams.at ELSE excluded.at END
		RETURNING seq, at`, merchant, len(es), millis(at)).Scan(&last, instant{&at}); err != nil {
		return nil, err
	}
	first := last - int64(len(es)) + 1
	args := make([]any, 0, len(es)*17)
	for i := range es {
		e := &es[i]
		e.Seq, e.CreatedAt = first+int64(i), at
		e.ID = EventID(e.Seq, at)
		args = append(args, merchant, e.Seq, millis(at), string(e.Type), string(e.Environment), e.InvoiceID, e.CustomerID,
			e.Object, e.Previous, e.RequestID, e.RequestKey, e.EndpointID,
			string(e.InvoiceType), e.OrderID, pay.WalletKey(e.WalletAddress), string(e.WalletNetwork), e.Trace)
	}
	ss := []statement{{query: `INSERT INTO events (` + eventColumns + `) VALUES ` + placeholders(len(es), 17), args: args}}
	if heard {
		ss = append(ss, deliveriesOf(merchant, first, last, tx.now))
	}
	return ss, nil
}

// EventID is the public name of the event at a place in a stream.
func EventID(seq int64, at time.Time) string { return fmt.Sprintf("evt_%d-%d", at.UnixMilli(), seq) }

const eventColumns = `merchant_id, seq, at, type, environment, invoice_id, customer_id, object, previous, request_id, request_key, endpoint_id, ` +
	`invoice_type, order_id, wallet_address, wallet_network, trace`

func eventInto(e *pay.Event) []any {
	return []any{
		&e.MerchantID, &e.Seq,
		instant{&e.CreatedAt},
		&e.Type, &e.Environment, &e.InvoiceID, &e.CustomerID, &e.Object, &e.Previous,
		&e.RequestID, &e.RequestKey, &e.EndpointID, &e.InvoiceType, &e.OrderID, &e.WalletAddress, &e.WalletNetwork, &e.Trace,
	}
}

func scanEvent(r scanner) (e pay.Event, err error) {
	err = r.Scan(eventInto(&e)...)
	e.ID = EventID(e.Seq, e.CreatedAt)
	return e, err
}

// Event returns a merchant's event by its id, and false when there is none.
func (tx *Tx) Event(merchant int64, id string) (pay.Event, bool, error) {
	seq, ok := eventSeq(id)
	if !ok {
		return pay.Event{}, false, nil
	}
	e, ok, err := maybe(tx, scanEvent, `SELECT `+eventColumns+` FROM events WHERE merchant_id = $1 AND seq = $2`, merchant, seq)
	return e, ok && e.ID == id, err
}

func eventSeq(id string) (int64, bool) {
	rest, ok := strings.CutPrefix(id, "evt_")
	_, s, dash := strings.Cut(rest, "-")
	seq, err := strconv.ParseInt(s, 10, 64)
	return seq, ok && dash && err == nil && seq > 0
}

// StreamEnd returns the sequence number and the id of a merchant's newest event, 0
// and "" when it never had one.
func (tx *Tx) StreamEnd(merchant int64) (seq int64, id string, err error) {
	var at time.Time
	_, ok, err := maybe(tx, func(r scanner) (n int64, err error) { return n, r.Scan(&seq, instant{&at}) }, `SELECT seq, at FROM streams WHERE merchant_id = $1`, merchant)
	if ok {
		id = EventID(seq, at)
	}
	return seq, id, err
}

// Forgotten reports whether an id is of an event that has been dropped for its age:
// it is well formed and stands before everything that is kept.
func (tx *Tx) Forgotten(merchant int64, id string) (bool, error) {
	seq, ok := eventSeq(id)
	first, kept, err := maybe(tx, number, `SELECT seq FROM events WHERE merchant_id = $1 ORDER BY seq LIMIT 1`, merchant)
	return ok && kept && seq < first, err
}

// FirstEventAt returns the sequence number of a merchant's first event at or after a
// time, or the one after its last: times never run backwards along a stream.
func (tx *Tx) FirstEventAt(merchant int64, t time.Time) (int64, error) {
	end, _, err := tx.StreamEnd(merchant)
	low, high := int64(1), end+1
	for err == nil && low < high {
		var e pay.Event
		var ok bool
		middle := low + (high-low)/2
		e, ok, err = maybe(tx, scanEvent, `SELECT `+eventColumns+` FROM events WHERE merchant_id = $1 AND seq >= $2 ORDER BY seq LIMIT 1`, merchant, middle)
		if ok && e.CreatedAt.Before(t) {
			low = e.Seq + 1
		} else {
			high = middle
		}
	}
	return low, err
}
