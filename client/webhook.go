package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/pepay/pepay/api"
)

// Webhooks are the endpoints of yours that events are posted to.
type Webhooks struct{ c *Client }

// Create adds an endpoint. Its Secret is not to be had again.
func (s Webhooks) Create(ctx context.Context, in api.CreateEndpointRequest) (api.Endpoint, error) {
	return call[api.Endpoint](ctx, s.c, http.MethodPost, "/api/v1/webhooks", nil, in)
}

// List returns the endpoints, newest first, without their secrets.
func (s Webhooks) List(ctx context.Context, at Cursor) iter.Seq2[api.Endpoint, error] {
	return list(ctx, at, url.Values{}, func(e api.Endpoint) string { return e.ID }, bare[api.Endpoint](s.c, "/api/v1/webhooks"))
}

func webhookPath(id string) string { return "/api/v1/webhooks/" + url.PathEscape(id) }

// Get returns an endpoint, without its secret.
func (s Webhooks) Get(ctx context.Context, id string) (api.Endpoint, error) {
	return call[api.Endpoint](ctx, s.c, http.MethodGet, webhookPath(id), nil, nil)
}

// Change changes what the request names of an endpoint. One that is enabled again gets
// what it missed.
func (s Webhooks) Change(ctx context.Context, id string, in api.ChangeEndpointRequest) (api.Endpoint, error) {
	return call[api.Endpoint](ctx, s.c, http.MethodPatch, webhookPath(id), nil, in)
}

// Delete removes an endpoint. Nothing more is posted to it.
func (s Webhooks) Delete(ctx context.Context, id string) error {
	_, err := call[api.Deleted](ctx, s.c, http.MethodDelete, webhookPath(id), nil, nil)
	return err
}

// RotateSecret gives an endpoint a new Secret, not to be had again. For a day the old
// one signs as well.
func (s Webhooks) RotateSecret(ctx context.Context, id string) (api.Endpoint, error) {
	return call[api.Endpoint](ctx, s.c, http.MethodPost, webhookPath(id)+"/rotate-secret", nil, nil)
}

// Test sends a test.ping to one endpoint.
func (s Webhooks) Test(ctx context.Context, id string) (api.EndpointTest, error) {
	return call[api.EndpointTest](ctx, s.c, http.MethodPost, webhookPath(id)+"/test", nil, nil)
}

// Deliveries returns what was posted to an endpoint and what became of it, newest first.
func (s Webhooks) Deliveries(ctx context.Context, id string, at Cursor) iter.Seq2[api.Delivery, error] {
	return list(ctx, at, url.Values{}, func(d api.Delivery) string { return d.ID }, bare[api.Delivery](s.c, webhookPath(id)+"/deliveries"))
}

// Retry posts a delivery again now, whatever became of it.
func (s Webhooks) Retry(ctx context.Context, id, delivery string) (api.Delivery, error) {
	return call[api.Delivery](ctx, s.c, http.MethodPost, webhookPath(id)+"/deliveries/"+url.PathEscape(delivery)+"/retry", nil, nil)
}

// ReplayTime posts again what happened from one time to another, to the second.
func (s Webhooks) ReplayTime(ctx context.Context, id string, from, to time.Time) (api.Replay, error) {
	return s.replay(ctx, id, api.ReplayRequest{From: new(api.Number(seconds(from))), To: new(api.Number(seconds(to)))})
}

// ReplayEvents posts again what happened after an event, up to and including another.
func (s Webhooks) ReplayEvents(ctx context.Context, id, after, until string) (api.Replay, error) {
	return s.replay(ctx, id, api.ReplayRequest{After: &after, Until: &until})
}

func (s Webhooks) replay(ctx context.Context, id string, in api.ReplayRequest) (api.Replay, error) {
	return call[api.Replay](ctx, s.c, http.MethodPost, webhookPath(id)+"/replay", nil, in)
}

// Replay returns how far the newest replay of an endpoint has come.
func (s Webhooks) Replay(ctx context.Context, id string) (api.Replay, error) {
	return call[api.Replay](ctx, s.c, http.MethodGet, webhookPath(id)+"/replay", nil, nil)
}
