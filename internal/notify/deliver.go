// Package notify tells the world what happened: webhook deliveries and websocket
// frames. Both carry the events of the store, in its order.
package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/meter"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
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
	Meter  *meter.Meter // may be nil
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
		if len(due) == 0 {
			return next, nil
		}
		secret, err := d.Auth.Open(e.Secret, "webhook "+e.ID)
		if err != nil {
			return again, fmt.Errorf("endpoint %s: %w", e.ID, err)
		}
		if err := d.round(ctx, e, string(secret), d.hangs.ration(endpoint, due)); err != nil {
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

// round sends deliveries, a few at a time, and records the attempts together. It
// leaves the rest for later once the endpoint made an attempt in vain and slowly, or
// when time is short. An attempt not recorded is made again: the receiver sees the
// same event id.
func (d *Deliverer) round(ctx context.Context, e pay.Endpoint, secret string, due []pay.Delivery) error {
	attempts := make([]pay.Attempt, len(due))
	var wg sync.WaitGroup
	var taken atomic.Int32
	var slow, quick atomic.Bool
	for range min(sendersPerEndpoint, len(due)) {
		wg.Go(func() {
			for first := true; first || d.timely(ctx) && !slow.Load(); first = false {
				n := int(taken.Add(1)) - 1
				if n >= len(due) {
					return
				}
				a := d.send(ctx, e, secret, due[n])
				if errors.Is(ctx.Err(), context.Canceled) && a.Status == 0 {
					return // we are stopping: that is no failure of the receiver's
				}
				attempts[n] = a
				if a.Status/100 != 2 && a.Took > d.Client.Timeout/10 {
					slow.Store(true)
				} else {
					quick.Store(true)
				}
			}
		})
	}
	wg.Wait()
	if slow.Load() || quick.Load() {
		d.hangs.saw(e.ID, quick.Load(), d.Now())
	}
	outcomes := make([]pay.DeliveryState, len(due))
	err := d.Store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		for n, a := range attempts {
			if a.Number == 0 {
				continue // not made
			}
			after := outcome(due[n], a, rand.Float32())
			outcomes[n] = after.State
			if err := tx.SaveDelivery(after, a); err != nil {
				return err
			}
		}
		return nil
	})
	for _, o := range outcomes {
		if err == nil && o != "" {
			d.Meter.Delivery(string(o))
		}
	}
	if err == nil && errors.Is(ctx.Err(), context.Canceled) {
		err = ctx.Err()
	}
	return err
}

// outcome is what becomes of a delivery after an attempt.
func outcome(d pay.Delivery, a pay.Attempt, jitter float32) pay.Delivery {
	d.Attempts = a.Number
	if a.Status/100 == 2 {
		d.State = pay.DeliveryDone
		return d
	}
	wait, more := pay.NextAttempt(a.Number, jitter)
	if d.Due = a.At.Add(wait); !more {
		d.State = pay.DeliveryDead
	}
	return d
}

// send makes one attempt.
func (d *Deliverer) send(ctx context.Context, e pay.Endpoint, secret string, v pay.Delivery) pay.Attempt {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body := view.JSON(view.Event(v.Event))
	a := pay.Attempt{EndpointID: e.ID, EventID: v.Event.ID, Number: v.Attempts + 1, At: d.Now()}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		a.Error = "the URL cannot be requested"
		return a
	}
	timestamp, signature := auth.SignWebhook(secret, a.At, body)
	h := r.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Pepay-Webhook/1")
	h.Set(api.HeaderEvent, string(v.Event.Type))
	h.Set(api.HeaderEventID, v.Event.ID)
	h.Set(api.HeaderTimestamp, timestamp)
	h.Set(api.HeaderSignature, signature)
	h.Set(api.HeaderEnvironment, string(v.Event.Environment))
	start := time.Now()
	resp, err := d.Client.Do(r)
	if a.Took = time.Since(start); err != nil {
		a.Error = cause(err)
	} else {
		defer time.AfterFunc(drainTimeout, cancel).Stop()
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
		_ = resp.Body.Close()
		a.Status = resp.StatusCode
	}
	d.Log.DebugContext(ctx, "webhook", "endpoint", e.ID, "event", v.Event.ID, "type", v.Event.Type, "attempt", a.Number, "status", a.Status, "err", a.Error)
	return a
}

// cause names what went wrong without the URL, which may hold a secret.
func cause(err error) string {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // http.Client.Do returns it bare
		err = u.Err
	}
	return fmt.Sprintf("%.200s", err.Error())
}
