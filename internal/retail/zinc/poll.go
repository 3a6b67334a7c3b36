package zinc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/pepay/pepay/internal/retail"
)

// Poll implements retail.Provider. Of a cancellation it knows what was asked for by
// Cancel of the same Zinc.
func (z *Zinc) Poll(ctx context.Context, request string) (retail.Progress, error) {
	p, _, err := z.order(ctx, request)
	if err != nil || p.Stage != retail.Placed {
		return p, err
	}
	z.mu.Lock()
	asked := z.cancels[request]
	z.mu.Unlock()
	switch {
	case len(asked) > 0:
		p.Stage, p.CancelRefused, err = z.cancellation(ctx, request, asked)
	case len(p.Shipments) == 0 && z.undone(ctx, request):
		p.Stage = retail.Cancelled
	}
	return p, err
}

// order asks what has become of an order, and by what names the retailer knows it.
func (z *Zinc) order(ctx context.Context, request string) (retail.Progress, []string, error) {
	if p, ok := refused(request); ok {
		return p, nil, nil
	}
	if !tokenish(request) {
		return retail.Progress{}, nil, retail.ErrNotFound
	}
	r, err := z.ask(ctx, http.MethodGet, []string{"orders", request}, nil, nil)
	switch {
	case err != nil:
		return retail.Progress{}, nil, fmt.Errorf("poll %s: %w", request, err)
	case r.code == missing, r.code == "invalid_request_id":
		return retail.Progress{}, nil, retail.ErrNotFound
	case r.code != "":
		o := meaning(r.code)
		z.note(ctx, request, r.code, o)
		return retail.Progress{Stage: o.stage, Reason: o.reason}, nil, nil
	}
	p, ids, err := decodeOrder(r.body, request, z.opt.Now())
	if err != nil {
		return retail.Progress{}, nil, fmt.Errorf("poll %s: %w", request, err)
	}
	return p, ids, nil
}

// decodeOrder reads the answer to a question about an order that was placed.
func decodeOrder(b []byte, request string, now time.Time) (retail.Progress, []string, error) {
	var in struct {
		Type   lax[string] `json:"_type"`
		ID     lax[string] `json:"request_id"`
		Orders []lax[struct {
			ID lax[string] `json:"merchant_order_id"`
		}] `json:"merchant_order_ids"`
		Tracking lax[[]lax[parcel]] `json:"tracking"`
		Request  lax[struct {
			Products lax[[]lax[struct {
				Quantity lax[int64] `json:"quantity"`
			}]] `json:"products"`
		}] `json:"request"`
	}
	switch err := json.Unmarshal(b, &in); {
	case err != nil:
		return retail.Progress{}, nil, unavailable("order: %w", err)
	case in.Type.v != "order_response":
		return retail.Progress{}, nil, unavailable("the answer is about something else")
	case in.ID.v != "" && in.ID.v != request:
		return retail.Progress{}, nil, unavailable("the answer is about another request")
	}
	var ids []string
	for _, o := range in.Orders {
		if id := o.v.ID.v; tokenish(id) && len(ids) < maxList {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return retail.Progress{}, nil, unavailable("the order has no name at the retailer")
	}
	wanted := 0
	for _, p := range in.Request.v.Products.v {
		wanted += count(p.v.Quantity)
	}
	p := retail.Progress{Stage: retail.Placed}
	p.Shipments, p.Delivered = parcels(in.Tracking.v, ids, wanted, now)
	return p, ids, nil
}

// Cancel implements retail.Provider. Each of the orders that a request has become at the
// retailer is called off under a key of its own, so that asking again finds what the
// first time began: on another node or after a restart, too.
func (z *Zinc) Cancel(ctx context.Context, request string) error {
	p, ids, err := z.order(ctx, request)
	switch {
	case err != nil:
		return err
	case p.Stage == retail.Working:
		return fmt.Errorf("cancel %s: %w", request, unavailable("the order is not placed yet"))
	}
	var asked []string
	for _, id := range ids {
		sum := sha256.Sum256([]byte("cancel " + request + " " + id))
		r, err := z.ask(ctx, http.MethodPost, []string{"orders", request, "cancel"}, nil, map[string]string{
			"merchant_order_id": id, "idempotency_key": hex.EncodeToString(sum[:16]),
		})
		if err != nil {
			return fmt.Errorf("cancel %s: %w", request, err)
		}
		name := requestOf(r.body)
		switch {
		case name != "" && name != request:
		case r.code == "" || outcomes[r.code].stage == retail.Working:
			return fmt.Errorf("cancel %s: %w", request, unavailable("no answer that counts: %q", r.code))
		default:
			name = refusal + r.code
		}
		asked = append(asked, name)
	}
	if len(asked) > 0 {
		z.mu.Lock()
		defer z.mu.Unlock()
		if len(z.cancels) >= maxTold {
			clear(z.cancels)
		}
		z.cancels[request] = asked
	}
	return nil
}

// cancellation says how far a cancellation has come: an order whose parts are not all
// called off is not cancelled.
func (z *Zinc) cancellation(ctx context.Context, request string, asked []string) (stage retail.Stage, refused bool, err error) {
	done, declined := 0, 0
	for _, name := range asked {
		if !tokenish(name) {
			declined++
			continue
		}
		r, err := z.ask(ctx, http.MethodGet, []string{"cancellations", name}, nil, nil)
		var in struct {
			Type lax[string] `json:"_type"`
		}
		switch {
		case err != nil:
			return retail.Placed, false, fmt.Errorf("poll the cancellation of %s: %w", request, err)
		case r.code == "" && json.Unmarshal(r.body, &in) == nil && in.Type.v == "cancellation_response":
			done++
		case r.code == "":
			return retail.Placed, false, fmt.Errorf("poll the cancellation of %s: %w", request, unavailable("the answer is about something else"))
		case outcomes[r.code].stage == retail.Working: // known, and not the end
		default:
			declined++
		}
	}
	switch {
	case done == len(asked):
		return retail.Cancelled, false, nil
	case done+declined < len(asked):
		return retail.Placed, false, nil
	case done > 0:
		z.warn(ctx, true, "part "+request, "zinc: a part of an order is cancelled and a part is not: a person must decide", "request", request)
	}
	return retail.Placed, true, nil
}

// undone reports whether the retailer itself has called off an order that nothing was
// shipped of: then the account was given back the whole price. No answer is no.
func (z *Zinc) undone(ctx context.Context, request string) bool {
	r, err := z.ask(ctx, http.MethodGet, []string{"orders", request, "case"}, nil, nil)
	if err != nil || r.code != "" {
		return false
	}
	return decodeCase(r.body)
}

func decodeCase(b []byte) bool {
	var in struct {
		Messages lax[[]lax[struct {
			Type lax[string] `json:"type"`
		}]] `json:"messages"`
	}
	if json.Unmarshal(b, &in) != nil {
		return false
	}
	forced, refunded := false, false
	for _, m := range in.Messages.v {
		forced = forced || m.v.Type.v == "case.opened.cancel.forced_cancellation"
		refunded = refunded || m.v.Type.v == "case.refund.full"
	}
	return forced && refunded
}
