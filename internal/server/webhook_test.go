package server_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

const hooks = " /api/v1/webhooks"

// hook adds an endpoint.
func (d *desk) hook(url, more string) api.Endpoint {
	d.t.Helper()
	return decode[api.Endpoint](d.t, d.ask("POST"+hooks, fmt.Sprintf(`{"url":%q%s}`, url, more), d.key))
}

// deliveries lists all there are of an endpoint.
func (d *desk) deliveries(id string) []api.Delivery {
	d.t.Helper()
	return decode[api.List[api.Delivery]](d.t, d.ask("GET"+hooks+"/"+id+"/deliveries?limit=100", "", d.key)).Data
}

func TestEndpointLife(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, address string) {
		clock := new(testkit.Clock)
		d := newDesk(t, address, func(o *app.Options) { o.Now, o.Networks = clock.Now, nil })
		e := d.hook("http://127.0.0.1:9/h", `,"enabled_events":["invoice.*"],"environment":"devnet"`)
		one := hooks + "/" + e.ID
		want := func(status, more string) string {
			return fmt.Sprintf(`{"object":"webhook_endpoint","id":%q,%s,"status":%q,"disabled_at":%s,"disabled_reason":%s,"failing_since":null,`+
				`"previous_secret_expires_at":null,"created_at":%d}`, e.ID, more, status, map[bool]string{true: "null", false: fmt.Sprint(clock.Now().Unix())}[status == "enabled"],
				map[bool]string{true: "null", false: `"merchant"`}[status == "enabled"], testkit.Epoch.Unix())
		}
		at := `"url":"http://127.0.0.1:9/h","enabled_events":["invoice.*"],"environment":"devnet"`
		says(t, d.ask("GET"+one, "", d.key), want("enabled", at))
		clock.Add(time.Minute)
		for _, c := range []struct{ body, status, more string }{
			{`{}`, "enabled", at},
			{`{"url":null,"enabled_events":null,"enabled":null,"status":null}`, "enabled", at},
			{`{"enabled":false}`, "disabled", at},
			{`{"status":"disabled"}`, "disabled", at},
			{`{"environment":null}`, "disabled", strings.Replace(at, `"devnet"`, "null", 1)},
			{`{"enabled_events":[],"environment":"mainnet"}`, "disabled", `"url":"http://127.0.0.1:9/h","enabled_events":[],"environment":"mainnet"`},
			{`{"url":"https://example.com/x","enabled_events":["test.ping"]}`, "disabled", `"url":"https://example.com/x","enabled_events":["test.ping"],"environment":"mainnet"`},
			{`{"status":"enabled","enabled":true}`, "enabled", `"url":"https://example.com/x","enabled_events":["test.ping"],"environment":"mainnet"`},
		} {
			says(t, d.ask("PATCH"+one, c.body, d.key), want(c.status, c.more))
			says(t, d.ask("GET"+one, "", d.key), want(c.status, c.more))
		}
		for _, body := range []string{
			``, `[]`, `{"url":""}`, `{"url":1}`, `{"url":"http://10.0.0.1/"}`, `{"url":"https://u:p@example.com/"}`, `{"url":"ftp://example.com/"}`,
			`{"enabled_events":["invoice.paid"]}`, `{"enabled_events":["*"]}`, `{"enabled_events":["webhook_endpoint.*"]}`, `{"enabled_events":"invoice.*"}`, `{"enabled_events":[null]}`,
			`{"environment":"live"}`, `{"environment":""}`, `{"environment":1}`, `{"environment":["devnet"]}`, `{"enabled":"yes"}`, `{"enabled":1}`, `{"status":"on"}`, `{"status":""}`,
			`{"status":"enabled","enabled":false}`, `{"url":"https://example.com/` + strings.Repeat("x", 2048) + `"}`,
		} {
			refused(t, d.ask("PATCH"+one, body, d.key), 400, "B", "VALIDATION_ERROR")
		}
		says(t, d.ask("GET"+one, "", d.key), want("enabled", `"url":"https://example.com/x","enabled_events":["test.ping"],"environment":"mainnet"`))
		d.holds(0, 0)
	})
}

// Cursors of the list, and what is not the caller's.
func TestEndpointListAndStrangers(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, address string) {
		d := newDesk(t, address, nil)
		var all []string // newest first
		for n := range 5 {
			all = append([]string{d.hook(fmt.Sprintf("http://127.0.0.1:9/%d", n), "").ID}, all...)
			<-time.After(2 * time.Millisecond) // the order of one millisecond is not that of creation
		}
		for query, want := range map[string]struct {
			from, to int
			more     bool
		}{
			"": {0, 5, false}, "?limit=2": {0, 2, true}, "?limit=5": {0, 5, false}, "?limit=2&starting_after=" + all[1]: {2, 4, true}, "?starting_after=" + all[4]: {5, 5, false},
			"?limit=2&ending_before=" + all[3]: {1, 3, true}, "?limit=3&ending_before=" + all[3]: {0, 3, false}, "?ending_before=" + all[0]: {0, 0, false},
		} {
			l := decode[api.List[api.Endpoint]](t, d.ask("GET"+hooks+query, "", d.key))
			got := []string{}
			for _, e := range l.Data {
				got = append(got, e.ID)
			}
			if fmt.Sprint(got) != fmt.Sprint(all[want.from:want.to]) || l.HasMore != want.more {
				t.Errorf("%q: %v, more %t", query, got, l.HasMore)
			}
		}
		_, theirs, _ := testkit.AddMerchant(t, d.App.App)
		stranger := testkit.Headers{"x-api-key", theirs}
		unknown := "we_" + testkit.UUID()
		for _, q := range []string{"starting_after=x", "starting_after=we_x", "ending_before=" + unknown, "limit=0", "limit=101", "starting_after=" + all[0] + "&ending_before=" + all[1]} {
			refused(t, d.ask("GET"+hooks+"?"+q, "", d.key), 400, "B", "VALIDATION_ERROR")
		}
		refused(t, d.ask("GET"+hooks+"?starting_after="+all[0], "", stranger), 400, "B", "VALIDATION_ERROR")
		wd := "wd_" + strings.TrimPrefix(all[0], "we_") + "-1"
		for _, target := range []string{"GET %s", "PATCH %s", "DELETE %s", "POST %s/rotate-secret", "POST %s/test", "GET %s/deliveries", "POST %s/deliveries/" + wd + "/retry", "POST %s/replay", "GET %s/replay"} {
			for id, h := range map[string]testkit.Headers{all[0]: stranger, unknown: d.key, "we_x": d.key, strings.TrimPrefix(all[0], "we_"): d.key, "%00": d.key} {
				target := fmt.Sprintf(strings.Replace(target, " ", hooks+"/", 1), id)
				refused(t, d.ask(target, `{"from":0}`, h), 404, "A", "NOT_FOUND")
			}
		}
		for _, id := range []string{"x", "wd_", wd, "wd_%00-1", "%ff", strings.TrimSuffix(wd, "1") + "99999999999999999999", strings.TrimSuffix(wd, "1") + "%2B1", strings.Repeat("x", 5000)} {
			refused(t, d.ask("POST"+hooks+"/"+all[0]+"/deliveries/"+id+"/retry", "", d.key), 404, "A", "NOT_FOUND")
		}
		for _, q := range []string{"starting_after=x", "starting_after=" + wd, "ending_before=" + wd, "limit=x"} {
			refused(t, d.ask("GET"+hooks+"/"+all[0]+"/deliveries?"+q, "", d.key), 400, "B", "VALIDATION_ERROR")
		}
		refused(t, d.ask("GET"+hooks+"/"+all[0]+"/replay", "", d.key), 404, "A", "NOT_FOUND")
	})
}

// Every change is made once for each idempotency key; another body is a conflict.
func TestEndpointChangesOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, address string) {
		d := newDesk(t, address, nil)
		sink := testkit.NewSink(t, nil)
		once := func(target, body, other string) answer {
			t.Helper()
			h := d.with("Idempotency-Key", testkit.UUID())
			first := d.ask(target, body, h)
			if again := d.ask(target, body, h); first.status != 200 || again.status != 200 || again.body != first.body {
				t.Errorf("%s: %d %s, then %d %s", target, first.status, first.body, again.status, again.body)
			}
			if other != "" {
				refused(t, d.ask(target, other, h), 409, "A", "IDEMPOTENCY_CONFLICT")
			}
			for _, key := range []string{"a b", "é", strings.Repeat("x", 129)} {
				refused(t, d.ask(target, body, d.with("Idempotency-Key", key)), 400, "B", "VALIDATION_ERROR")
			}
			return first
		}
		e := decode[api.Endpoint](t, once("POST"+hooks, `{"url":"`+sink.URL+`"}`, `{"url":"`+sink.URL+`/2"}`))
		one := hooks + "/" + e.ID
		once("PATCH"+one, `{"enabled_events":["invoice.*"]}`, `{}`)
		v := decode[api.Endpoint](t, once("POST"+one+"/rotate-secret", "", ""))
		if v.Secret == e.Secret || len(v.Secret) != 38 || v.PreviousUntil == nil {
			t.Errorf("rotated to %+v", v)
		}
		test := decode[api.EndpointTest](t, once("POST"+one+"/test", "", ""))
		d.holds(0, 1)
		testkit.Eventually(t, "the ping arrives", func() bool { return len(sink.Got()) == 1 })
		testkit.Eventually(t, "and is recorded", func() bool { return d.deliveries(e.ID)[0].State == "done" })
		once("POST"+one+"/deliveries/"+test.DeliveryID+"/retry", "", "")
		once("POST"+one+"/replay", `{"from":0}`, `{"from":1}`)
		testkit.Eventually(t, "the retry arrives", func() bool { return len(sink.Got()) == 2 })
		once("DELETE"+one, "", "")
		if len(sink.Got()) != 2 {
			t.Errorf("%d requests", len(sink.Got()))
		}
	})
}

// A test reaches one endpoint, is signed by both secrets during a rotation, and is in no list
// or stream; its secrets are nowhere in the database.
func TestEndpointTest(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/test.db"
	d := newDesk(t, file, nil)
	sink, other := testkit.NewSink(t, nil), testkit.NewSink(t, nil)
	e := d.hook(sink.URL, `,"enabled_events":["commerce.order.*"]`)
	d.hook(other.URL, "")
	socket := testkit.Dial(t, "ws"+d.URL[4:]+"/ws/merchant/events", http.Header{"X-Api-Key": {d.Key}})
	rotated := decode[api.Endpoint](t, d.ask("POST"+hooks+"/"+e.ID+"/rotate-secret", "", d.key))
	test := decode[api.EndpointTest](t, d.ask("POST"+hooks+"/"+e.ID+"/test", "", d.with("X-Request-Id", "mine")))
	testkit.Eventually(t, "the ping arrives", func() bool { return len(sink.Got()) == 1 })
	w := sink.Got()[0]
	one := decode[api.Wrapped[api.Event]](t, d.ask("GET /api/v1/events/"+test.EventID, "", d.key)).Data
	if w.Header.Get(api.HeaderEventID) != test.EventID || one.Type != "test.ping" || string(one.Data.Object) != `{"object":"ping","status":"ok"}` || *one.Request.ID != "mine" {
		t.Errorf("%s: %+v", w.Body, one)
	}
	if a, b := w.Header.Get(api.HeaderSignature), w.Header.Get(api.HeaderSignaturePrevious); len(a) != 64 || len(b) != 64 || a == b {
		t.Errorf("signed %s, %s", a, b)
	}
	d.Open(`{"amount_usd":1}`)
	testkit.Eventually(t, "an invoice is announced", func() bool { return len(other.Got()) == 1 })
	if f := socket.Until(func(api.Event) bool { return true }); f.Type != "invoice.created" {
		t.Errorf("the stream has %s", f.Type)
	}
	if l := decode[api.Wrapped[api.List[api.Event]]](t, d.ask("GET /api/v1/events", "", d.key)).Data.Data; len(l) != 1 || l[0].Type != "invoice.created" {
		t.Errorf("the list has %+v", l)
	}
	if got := other.Got()[0].Header.Get(api.HeaderEvent); got != "invoice.created" || len(sink.Got()) != 1 {
		t.Errorf("the other got %s", got)
	}
	for _, part := range []string{file, file + "-wal"} {
		b, err := os.ReadFile(part)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{e.Secret, rotated.Secret, e.Secret[6:], rotated.Secret[6:]} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s has a secret", part)
			}
		}
	}
}

// A receiver that is gone and comes back: what the merchant sees, is told, and gets.
func TestOutage(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, address string) {
		d := newDesk(t, address, nil)
		var status atomic.Int32
		status.Store(http.StatusGone)
		sink := testkit.NewSink(t, func(int, *http.Request) int { return int(status.Load()) })
		e := d.hook(sink.URL, "")
		one := hooks + "/" + e.ID
		d.Open(`{"amount_usd":1}`)
		testkit.Eventually(t, "it is disabled", func() bool {
			return decode[api.Endpoint](t, d.ask("GET"+one, "", d.key)).Status == "disabled"
		})
		v := decode[api.Endpoint](t, d.ask("GET"+one, "", d.key))
		if *v.Reason != "gone" || v.DisabledAt == nil || v.FailingSince == nil {
			t.Errorf("%+v", v)
		}
		l := decode[api.Wrapped[api.List[api.Event]]](t, d.ask("GET /api/v1/events?type=webhook_endpoint.*", "", d.key)).Data.Data
		if len(l) != 1 || l[0].Type != string(pay.EndpointDisabled) || !bytes.Contains(l[0].Data.Object, []byte(e.ID)) || bytes.Contains(l[0].Data.Object, []byte("whsec")) {
			t.Errorf("told %+v", l)
		}
		ds := d.deliveries(e.ID)
		if len(ds) != 1 || ds[0].State != "due" || ds[0].NextAttemptAt != nil || len(ds[0].Attempts) != 1 || *ds[0].Attempts[0].HTTPStatus != 410 {
			t.Errorf("%+v", ds)
		}
		for _, target := range []string{"/test", "/deliveries/" + ds[0].ID + "/retry", "/replay"} {
			refused(t, d.ask("POST"+one+target, `{"from":0}`, d.key), 400, "B", "INVALID_WEBHOOK_STATE")
		}
		d.Open(`{"amount_usd":2}`)
		d.holds(2, 3)
		status.Store(http.StatusOK)
		decode[api.Endpoint](t, d.ask("PATCH"+one, `{"enabled":true}`, d.key))
		testkit.Eventually(t, "both events are taken", func() bool {
			ds := d.deliveries(e.ID)
			return len(ds) == 2 && ds[0].State == "done" && ds[1].State == "done" && len(ds[1].Attempts) == 2
		})
		d.holds(2, 3)
	})
}

// Events of the past are delivered once more: a range of time or of events, once for
// each piece, and only what the endpoint asks for.
func TestReplay(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, address string) {
		clock := new(testkit.Clock)
		d := newDesk(t, address, func(o *app.Options) { o.Now, o.Networks = clock.Now, nil })
		for range 6 {
			d.Open(`{"amount_usd":1,"expires_in":2592000000}`)
			clock.Add(10 * time.Second)
		}
		es := testkit.Events(t, d.Store, d.Merchant.ID)
		sink := testkit.NewSink(t, nil)
		e := d.hook(sink.URL, `,"enabled_events":["invoice.created"]`)
		one := hooks + "/" + e.ID + "/replay"
		total := 0
		for _, c := range []struct {
			body string
			want int
		}{
			{`{"from":0}`, 6},
			{`{"from":` + fmt.Sprint(es[1].CreatedAt.Unix()) + `,"to":` + fmt.Sprint(es[3].CreatedAt.Unix()) + `}`, 3},
			{`{"to":` + fmt.Sprint(es[0].CreatedAt.Unix()) + `,"from":null}`, 1},
			{`{"after":"` + es[3].ID + `"}`, 2},
			{`{"after":"` + es[0].ID + `","until":"` + es[2].ID + `"}`, 2},
			{`{"until":"` + es[1].ID + `"}`, 2},
			{`{"after":"` + es[5].ID + `"}`, 0},
			{`{"from":99999999999}`, 0},
		} {
			clock.Add(time.Second)
			p := decode[api.Replay](t, d.ask("POST"+one, c.body, d.key))
			if p.Total != int64(c.want) || p.EndpointID != e.ID || (p.State == "done") != (c.want == 0) {
				t.Errorf("%s: %+v", c.body, p)
			}
			total += c.want
			testkit.Eventually(t, c.body, func() bool {
				p = decode[api.Replay](t, d.ask("GET"+one, "", d.key))
				return p.State == "done" && len(sink.Got()) >= total
			})
			testkit.Eventually(t, "it is recorded", func() bool {
				for _, v := range d.deliveries(e.ID) {
					if v.State != "done" {
						return false
					}
				}
				return true
			})
			if p.Done != int64(c.want) || p.FinishedAt == nil || len(sink.Got()) != total {
				t.Errorf("%s: %+v, %d requests", c.body, p, len(sink.Got()))
			}
		}
		for _, body := range []string{
			``, `[]`, `{}`, `{"from":null}`, `{"from":0,"after":"` + es[0].ID + `"}`, `{"from":-1}`, `{"from":1.5}`, `{"from":"0"}`, `{"from":1e400}`, `{"to":99999999999999999999}`,
			`{"from":2,"to":1}`, `{"after":"x"}`, `{"after":""}`, `{"after":"evt_1-1"}`, `{"until":"evt_1-\u0000"}`, `{"after":1}`, `{"after":"` + es[2].ID + `","until":"` + es[1].ID + `"}`,
		} {
			refused(t, d.ask("POST"+one, body, d.key), 400, "B", "VALIDATION_ERROR")
		}
		d.holds(6, 6)
	})
}

// After the deployment's secret was changed no endpoint's secret can be read. A rotation
// needs none: from then on the new one signs, alone.
func TestRotateAfterTheSecretChanged(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, address string) {
		d := newDesk(t, address, func(o *app.Options) { o.Networks = nil })
		sink := testkit.NewSink(t, nil)
		e := d.hook(sink.URL, "")
		d.ask("POST"+hooks+"/"+e.ID+"/rotate-secret", "", d.key) // so that there is a previous one, too
		before, err := auth.New(bytes.Repeat([]byte("o"), 32))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Store.Write(t.Context(), func(tx *store.Tx) error {
			p, _, err := tx.Endpoint(e.ID)
			p.Secret, p.Previous = before.Seal([]byte("whsec_old"), "webhook "+e.ID), before.Seal([]byte("whsec_older"), "webhook "+e.ID)
			if err == nil {
				err = tx.SaveEndpoint(p)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		test := decode[api.EndpointTest](t, d.ask("POST"+hooks+"/"+e.ID+"/test", "", d.key))
		v := decode[api.Endpoint](t, d.ask("POST"+hooks+"/"+e.ID+"/rotate-secret", "", d.key))
		if v.Secret == "" || v.PreviousUntil != nil {
			t.Errorf("rotated to %+v", v)
		}
		testkit.Eventually(t, "the ping arrives", func() bool { return len(sink.Got()) == 1 })
		w := sink.Got()[0]
		if _, signature := auth.SignWebhook(v.Secret, stamp(t, w.Header.Get(api.HeaderTimestamp)), w.Body); w.Header.Get(api.HeaderSignature) != signature || w.Header.Get(api.HeaderEventID) != test.EventID {
			t.Errorf("signed %v", w.Header)
		}
		if w.Header.Get(api.HeaderSignaturePrevious) != "" {
			t.Error("something else signed, too")
		}
		if v := decode[api.Endpoint](t, d.ask("POST"+hooks+"/"+e.ID+"/rotate-secret", "", d.key)); v.PreviousUntil == nil {
			t.Error("a rotation whose old secret can be read ends it at once")
		}
	})
}

func stamp(t *testing.T, ms string) time.Time {
	t.Helper()
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		t.Error(err)
	}
	return time.UnixMilli(n)
}
