package view

import (
	"strconv"
	"strings"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// Endpoint renders a webhook endpoint; secret is shown only when it is new.
func Endpoint(e pay.Endpoint, secret string) api.Endpoint {
	types, status := e.Types, "enabled"
	if types == nil {
		types = []string{}
	}
	if !e.Enabled() {
		status = "disabled"
	}
	return api.Endpoint{
		Object: "webhook_endpoint", ID: e.ID, URL: e.URL, EnabledEvents: types, Environment: orNull(e.Environment), Status: status,
		DisabledAt: seconds(e.DisabledAt), Reason: orNull(e.DisabledReason), FailingSince: seconds(e.FailingSince), PreviousUntil: seconds(e.PreviousUntil),
		CreatedAt: e.CreatedAt.Unix(), Secret: secret,
	}
}

// EndpointTest renders what a test of an endpoint began.
func EndpointTest(endpoint string, e pay.Event) api.EndpointTest {
	return api.EndpointTest{Object: "webhook_test", EndpointID: endpoint, EventID: e.ID, DeliveryID: DeliveryID(endpoint, e.Seq)}
}

// DeliveryID is the public name of the delivery of an event, by its sequence number,
// to an endpoint. It never changes.
func DeliveryID(endpoint string, seq int64) string {
	return "wd_" + strings.TrimPrefix(endpoint, "we_") + "-" + strconv.FormatInt(seq, 10)
}

// DeliverySeq is the other way about; false means it is no delivery of the endpoint.
func DeliverySeq(endpoint, id string) (int64, bool) {
	seq, err := strconv.ParseInt(id[strings.LastIndexByte(id, '-')+1:], 10, 64)
	return seq, err == nil && seq > 0 && DeliveryID(endpoint, seq) == id
}

// Delivery renders a delivery to an endpoint with its attempts.
func Delivery(e pay.Endpoint, d pay.Delivery, as []pay.Attempt) api.Delivery {
	v := api.Delivery{
		Object: "webhook_delivery", ID: DeliveryID(d.EndpointID, d.Event.Seq), EndpointID: d.EndpointID, EventID: d.Event.ID, EventType: string(d.Event.Type),
		State: string(d.State), Attempts: make([]api.Attempt, len(as)), CreatedAt: d.CreatedAt.Unix(),
	}
	if d.State == pay.DeliveryDue && e.Enabled() {
		next := d.Due
		if e.PausedUntil.After(next) {
			next = e.PausedUntil
		}
		v.NextAttemptAt = seconds(next)
	}
	for n, a := range as {
		v.Attempts[n] = api.Attempt{Number: a.Number, At: a.At.Unix(), Error: orNull(a.Error), LatencyMS: a.Latency.Milliseconds(), ResponseBody: a.Body}
		if a.Status != 0 {
			v.Attempts[n].HTTPStatus = &as[n].Status
		}
	}
	return v
}

// Replay renders how far a replay has come.
func Replay(p pay.Replay) api.Replay {
	state := "running"
	if !p.Running() {
		state = "done"
	}
	return api.Replay{
		Object: "webhook_replay", ID: "wr_" + p.ID, EndpointID: p.EndpointID, State: state, Total: p.Total, Done: p.Done,
		CreatedAt: p.CreatedAt.Unix(), FinishedAt: seconds(p.FinishedAt),
	}
}
