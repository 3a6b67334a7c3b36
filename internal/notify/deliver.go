// Package notify tells the world what happened: webhook deliveries and websocket
// frames. Both carry the events of the store, in its order.
package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/trace"
	"github.com/pepay/pepay/internal/view"
)

// WebhookTimeout is how long a receiver may take to answer.
const WebhookTimeout = 15 * time.Second

// How many deliveries of an endpoint are taken at a time, how many of them are under
// way at once, and how long a receiver may make us wait for the rest of its answer
// once its status is known.
const (
	deliveriesPerRound = 64
	sendersPerEndpoint = 8
	drainTimeout       = time.Second
)

// Deliverer sends webhooks. It must not be copied.
type Deliverer struct {
	Store  *store.Store
	Auth   *auth.Auth
	Client *http.Client // from Guard.Client; its timeout is that of an attempt
	Now    func() time.Time
	Log    *slog.Logger
	Meter  *meter.Meter  // may be nil
	Trace  *trace.Tracer // may be nil
	hangs  hangs
}

// Deliver sends what is due for one endpoint and says when more will be. It works
// until nothing is due, the endpoint hangs, or ctx leaves no time for an attempt.
func (d *Deliverer) Deliver(ctx context.Context, endpoint string) (again time.Time, err error) {
	for first := true; first || d.timely(ctx); first = false {
		if until := d.hangs.until(endpoint); d.Now().Before(until) {
			return until, nil
		}
		var e pay.Endpoint
		var due []pay.Delivery
		var next time.Time
		var known bool
		if err := d.Store.Read(ctx, func(tx *store.Tx) (err error) {
			if e, known, err = tx.Endpoint(endpoint); err != nil || !known {
				return err
			}
			if due, err = tx.DueDeliveries(endpoint, deliveriesPerRound); err == nil && len(due) == 0 {
				next, _, err = tx.NextDelivery(endpoint)
			}
			return err
		}); err != nil {
			return again, err
		}
		if !known {
			d.hangs.forget(endpoint)
			return again, nil
		}
		switch {
		case !e.Enabled(): // enabling it comes back here
			return again, nil
		case len(due) == 0:
			return next, nil
		case d.Now().Before(e.PausedUntil):
			return e.PausedUntil, nil
		}
		keys, err := d.keys(e)
		if err != nil {
			return again, fmt.Errorf("endpoint %s: %w", e.ID, err)
		}
		if err := d.round(ctx, e, keys, d.hangs.ration(endpoint, due)); err != nil {
			return again, err
		}
	}
	return d.Now(), nil
}

// timely reports whether ctx leaves time for another attempt.
func (d *Deliverer) timely(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(end) > d.Client.Timeout)
}

// keys are the secrets that an endpoint's deliveries are signed with.
type keys struct {
	secret   []byte
	previous []byte // nil outside a rotation
}

func (d *Deliverer) keys(e pay.Endpoint) (k keys, err error) {
	if k.secret, err = d.Auth.Open(e.Secret, "webhook "+e.ID); err == nil && e.Rotating(d.Now()) {
		k.previous, err = d.Auth.Open(e.Previous, "webhook "+e.ID)
	}
	return k, err
}

// round sends deliveries, a few at a time, and records the attempts together. It
// leaves the rest for later once the endpoint made an attempt in vain and slowly, or
// asked us to stop, or when time is short. An attempt not recorded is made again: the
// receiver sees the same event id.
func (d *Deliverer) round(ctx context.Context, e pay.Endpoint, k keys, due []pay.Delivery) error {
	attempts := make([]pay.Attempt, len(due))
	var wg sync.WaitGroup
	var taken atomic.Int32
	var slow, quick, stop atomic.Bool
	for range min(sendersPerEndpoint, len(due)) {
		wg.Go(func() {
			for first := true; first || d.timely(ctx) && !stop.Load(); first = false {
				n := int(taken.Add(1)) - 1
				if n >= len(due) {
					return
				}
				a := d.send(ctx, e, k, due[n])
				if errors.Is(ctx.Err(), context.Canceled) && a.Status == 0 {
					return // we are stopping: that is no failure of the receiver's
				}
				attempts[n] = a
				if !a.Taken() && a.Latency > d.Client.Timeout/10 {
					slow.Store(true)
				} else {
					quick.Store(true)
				}
				if slow.Load() || a.Wait > 0 || a.Status == http.StatusGone {
					stop.Store(true)
				}
			}
		})
	}
	wg.Wait()
	if slow.Load() || quick.Load() {
		d.hangs.saw(e.ID, quick.Load(), d.Now())
	}
	after := make([]pay.Delivery, len(due))
	err := d.Store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return d.record(tx, e, due, attempts, after) })
	for n, a := range attempts {
		if err == nil && a.Number > 0 {
			d.Meter.Delivery(string(after[n].State))
		}
	}
	if err == nil && errors.Is(ctx.Err(), context.Canceled) {
		err = ctx.Err()
	}
	return err
}

// record writes down the attempts that were made, and what they mean for their
// deliveries, which it puts in after, and for the endpoint.
func (d *Deliverer) record(tx *store.Tx, e pay.Endpoint, due []pay.Delivery, attempts []pay.Attempt, after []pay.Delivery) error {
	var made []pay.Attempt
	var oldest pay.Delivery
	for n, a := range attempts {
		if a.Number == 0 {
			continue // not made
		}
		if made = append(made, a); len(made) == 1 || due[n].CreatedAt.Before(oldest.CreatedAt) {
			oldest = due[n]
		}
	}
	if err := judge(tx, e, made, oldest); err != nil {
		return err
	}
	for n, a := range attempts {
		if a.Number == 0 {
			continue
		}
		after[n] = due[n].After(a, rand.Float32())
		if err := tx.SaveDelivery(after[n], due[n].Due, a); err != nil {
			return err
		}
	}
	return nil
}

// judge saves what attempts mean for their endpoint, unless that is nothing, or the
// merchant has it at another address by now.
func judge(tx *store.Tx, e pay.Endpoint, made []pay.Attempt, oldest pay.Delivery) error {
	same := func(a, b pay.Endpoint) bool {
		return a.FailingSince.Equal(b.FailingSince) && a.PausedUntil.Equal(b.PausedUntil) && a.Enabled() == b.Enabled()
	}
	if same(e, e.After(made, oldest.CreatedAt, tx.Now())) {
		return nil
	}
	before, ok, err := tx.EndpointForUpdate(e.ID)
	if err != nil || !ok || before.URL != e.URL || !before.Enabled() {
		return err
	}
	after := before.After(made, oldest.CreatedAt, tx.Now())
	if !after.Enabled() {
		tx.AppendEvent(pay.Event{
			MerchantID: e.MerchantID, Type: pay.EndpointDisabled, Environment: oldest.Event.Environment,
			Object: view.JSON(view.Endpoint(after, "")), Previous: view.Changed(view.Endpoint(before, ""), view.Endpoint(after, "")),
		})
	}
	return tx.SaveEndpoint(after)
}

// send makes one attempt.
func (d *Deliverer) send(ctx context.Context, e pay.Endpoint, k keys, v pay.Delivery) pay.Attempt {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body := view.JSON(view.Event(v.Event))
	a := pay.Attempt{EndpointID: e.ID, EventID: v.Event.ID, Number: v.Attempts + 1, At: d.Now()}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		a.Error = "the URL cannot be requested"
		return a
	}
	h := r.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Pepay-Webhook/1")
	h.Set(api.HeaderEvent, string(v.Event.Type))
	h.Set(api.HeaderEventID, v.Event.ID)
	h.Set(api.HeaderEnvironment, string(v.Event.Environment))
	timestamp, signature := auth.SignWebhook(string(k.secret), a.At, body)
	h.Set(api.HeaderTimestamp, timestamp)
	h.Set(api.HeaderSignature, signature)
	if k.previous != nil && e.Rotating(a.At) {
		_, signature = auth.SignWebhook(string(k.previous), a.At, body)
		h.Set(api.HeaderSignaturePrevious, signature)
	}
	ctx, span := d.Trace.Delivery(ctx, v.Event.Trace, e.ID, v.Event.ID, string(v.Event.Type), a.Number)
	defer func() { span.Delivered(a.Status) }()
	if parent := span.Traceparent(); parent != "" {
		h.Set(api.HeaderTraceparent, parent)
	}
	start := time.Now()
	resp, err := d.Client.Do(r)
	if a.Latency = time.Since(start); err != nil {
		a.Error = cause(err)
	} else {
		defer time.AfterFunc(drainTimeout, cancel).Stop()
		a.Status, a.Body, a.Wait = resp.StatusCode, opening(resp.Body), retryAfter(resp, a.At)
		_ = resp.Body.Close()
	}
	d.Log.DebugContext(ctx, "webhook", "endpoint", e.ID, "event", v.Event.ID, "type", v.Event.Type, "attempt", a.Number, "status", a.Status, "err", a.Error)
	return a
}
