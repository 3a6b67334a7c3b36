package billing

import (
	"context"
	"strconv"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// JobReplay is the kind of the job that carries on the replay of an endpoint.
const JobReplay = "webhook.replay"

// How many events a piece of a replay looks at, how many deliveries may be due before
// it waits, and how long it then does: what happens meanwhile must not queue behind
// all of the past.
const (
	replayPiece   = 500
	replayBacklog = 100
	replayPause   = time.Second
)

// StartReplay begins to deliver events of the past to an endpoint of the merchant once
// more. Asked again for the range that is under way, it answers how that goes.
func (b *Billing) StartReplay(ctx context.Context, c Caller, id string, r api.ReplayRequest, o Once) ([]byte, error) {
	var first, last, total int64
	if err := b.Store.Read(ctx, func(tx *store.Tx) error {
		e, err := ownEndpoint(tx.Endpoint(id))(c)
		if err != nil {
			return err
		}
		if first, last, err = replayRange(tx, c.Merchant.ID, r); err != nil {
			return err
		}
		total, err = tx.CountAsked(e, first, last)
		return err
	}); err != nil {
		return nil, err
	}
	return b.onEndpoint(ctx, c, id, "webhook.replay", o, func(tx *store.Tx, e pay.Endpoint) (any, error) {
		if err := mustBeEnabled(e); err != nil {
			return nil, err
		}
		was, ok, err := tx.Replay(id)
		if err != nil {
			return nil, err
		}
		if ok && was.Running() {
			if was.First != first || was.Last != last {
				return nil, pay.Errorf(pay.CodeEndpointState, "Another replay to this endpoint is under way; wait until it is done")
			}
			return view.Replay(was), nil
		}
		p := pay.Replay{ID: tx.NewID(), EndpointID: id, First: first, Last: last, Position: first - 1, Total: total, CreatedAt: tx.Now()}
		if total == 0 {
			p = p.After(last, 0, tx.Now())
		}
		tx.AddJob(JobReplay, id, tx.Now())
		return view.Replay(p), tx.AddReplay(p)
	})
}

// replayRange returns the sequence numbers that a request names, both inclusive.
func replayRange(tx *store.Tx, merchant int64, r api.ReplayRequest) (first, last int64, err error) {
	byTime, byEvent := r.From != nil || r.To != nil, r.After != nil || r.Until != nil
	if byTime == byEvent {
		return 0, 0, pay.Errorf(pay.CodeValidation, "Give a range either of time, with from and to, or of events, with after and until")
	}
	if last, _, err = tx.StreamEnd(merchant); err != nil {
		return 0, 0, err
	}
	if byEvent {
		return eventRange(tx, merchant, r, last)
	}
	from, err := epoch("from", r.From)
	if err != nil {
		return 0, 0, err
	}
	to, err := epoch("to", r.To)
	if err != nil {
		return 0, 0, err
	}
	if r.To != nil && from.After(to) {
		return 0, 0, pay.Errorf(pay.CodeValidation, "from must not be after to")
	}
	if first, err = tx.FirstEventAt(merchant, from); r.To != nil && err == nil {
		last, err = tx.FirstEventAt(merchant, to.Add(time.Second))
		last--
	}
	return first, last, err
}

// epoch reads epoch seconds, the beginning of time when there are none.
func epoch(name string, n *api.Number) (time.Time, error) {
	if n == nil {
		return time.Unix(0, 0), nil
	}
	s, err := strconv.ParseInt(string(*n), 10, 64)
	if err != nil || s < 0 || s >= 1<<40 {
		return time.Time{}, pay.Errorf(pay.CodeValidation, "%s must be whole epoch seconds", name)
	}
	return time.Unix(s, 0), nil
}

func eventRange(tx *store.Tx, merchant int64, r api.ReplayRequest, end int64) (first, last int64, err error) {
	for name, to := range map[string]*int64{"after": &first, "until": &last} {
		id := map[string]*string{"after": r.After, "until": r.Until}[name]
		if id == nil {
			continue
		}
		e, ok, err := tx.Event(merchant, *id)
		if err != nil || !ok || e.Type.Private() {
			return 0, 0, orElse(err, pay.Errorf(pay.CodeValidation, "%s names no event of yours", name))
		}
		*to = e.Seq
	}
	if r.Until == nil {
		last = end
	}
	if first > last {
		return 0, 0, pay.Errorf(pay.CodeValidation, "after must not be later than until")
	}
	return first + 1, last, nil
}

// Replay returns the newest replay to an endpoint of the merchant.
func (b *Billing) Replay(ctx context.Context, c Caller, id string) (p pay.Replay, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		if _, err := ownEndpoint(tx.Endpoint(id))(c); err != nil {
			return err
		}
		var ok bool
		if p, ok, err = tx.Replay(id); err == nil && !ok {
			err = pay.Errorf(pay.CodeNotFound, "Nothing was ever replayed to this endpoint")
		}
		return err
	})
	return p, err
}

// ContinueReplay carries out a piece of the replay under way to an endpoint, and says
// when to do the next. Piece and progress are one unit, so no crash repeats a piece.
func (b *Billing) ContinueReplay(ctx context.Context, endpoint string) (again time.Time, err error) {
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		again = time.Time{}
		e, ok, err := tx.EndpointForUpdate(endpoint)
		if err != nil || !ok || !e.Enabled() { // enabling it comes back here
			return err
		}
		p, ok, err := tx.Replay(endpoint)
		if err != nil || !ok || !p.Running() {
			return err
		}
		waiting, err := tx.Backlog(endpoint, replayBacklog)
		if err != nil {
			return err
		}
		if waiting >= replayBacklog {
			again = tx.Now().Add(replayPause)
			return nil
		}
		end := p.Next(replayPiece)
		promised, err := tx.DeliverAgain(e, p.Position+1, end)
		if err != nil {
			return err
		}
		if p = p.After(end, promised, tx.Now()); p.Running() {
			again = tx.Now()
		}
		tx.AddJob(store.JobDeliver, endpoint, tx.Now())
		return tx.SaveReplay(p)
	})
	return again, err
}
