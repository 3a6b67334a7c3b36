// Package notify tells the world what happened: webhook deliveries and websocket
// frames. Both carry the events of the store, in its order.
package notify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// WebhookTimeout is how long a receiver may take to answer.
const WebhookTimeout = 15 * time.Second

// How many deliveries of an endpoint are taken at a time, and how many of them are
// under way at once.
const (
	deliveriesPerRound = 64
	sendersPerEndpoint = 8
)

// Deliverer sends webhooks.
type Deliverer struct {
	Store  *store.Store
	Auth   *auth.Auth
	Client *http.Client // from Guard.Client
	Now    func() time.Time
	Log    *slog.Logger
}

// Deliver sends what is due for one endpoint and says when more will be. It works
// until nothing is due or ctx nears its end.
func (d *Deliverer) Deliver(ctx context.Context, endpoint string) (again time.Time, err error) {
	for {
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
		if !known || len(due) == 0 {
			return next, nil
		}
		secret, err := d.Auth.Open(e.Secret, "webhook "+e.ID)
		if err != nil {
			return again, fmt.Errorf("endpoint %s: %w", e.ID, err)
		}
		if err := d.round(ctx, e, string(secret), due); err != nil {
			return again, err
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) < 2*WebhookTimeout {
			return d.Now(), nil
		}
	}
}

// round sends deliveries, a few at a time, and records them together. An attempt
// not recorded is made again: the receiver sees the same event id.
func (d *Deliverer) round(ctx context.Context, e pay.Endpoint, secret string, due []pay.Delivery) error {
	attempts := make([]pay.Attempt, len(due))
	var wg sync.WaitGroup
	slots := make(chan struct{}, sendersPerEndpoint)
	for n := range due {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			attempts[n] = d.send(ctx, e, secret, due[n])
		})
	}
	wg.Wait()
	if ctx.Err() != nil { // we are stopping: what was cut short is no failure of the receiver's
		return ctx.Err()
	}
	return d.Store.Write(ctx, func(tx *store.Tx) error {
		for n, a := range attempts {
			if err := tx.SaveDelivery(outcome(due[n], a, rand.Float32()), a); err != nil {
				return err
			}
		}
		return nil
	})
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
	ctx, cancel := context.WithTimeout(ctx, WebhookTimeout)
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
	start := d.Now()
	resp, err := d.Client.Do(r)
	a.Took = d.Now().Sub(start)
	if err != nil {
		a.Error = cause(err)
	} else {
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
