// Package meter counts what a deployment does, for Prometheus. The numbers arise on
// every floor and are handed up to nobody: each part is given the one Meter of its
// process and tells it. Labels have few values: routes, networks, states, outcomes,
// never anything that a merchant or a payor chose.
package meter

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Meter is the numbers of one process. All methods may be called from many
// goroutines; on a nil Meter they do nothing.
type Meter struct {
	registry *prometheus.Registry

	requests, refused             *prometheus.CounterVec
	invoices, payments            *prometheus.CounterVec
	settlements, deliveries, jobs *prometheus.CounterVec
	relays, refunds, rpcErrors    *prometheus.CounterVec
	latency                       *prometheus.HistogramVec
	groups, commits               prometheus.Histogram
}

// New returns a Meter at zero, with the numbers of the Go runtime and the process.
func New() *Meter {
	m := &Meter{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pepay_" + name, Help: help}, labels)
		m.registry.MustRegister(v)
		return v
	}
	m.requests = counter("http_requests_total", "Requests answered, by route and class of status.", "route", "method", "status")
	m.refused = counter("rate_limited_total", "Requests refused by a rate limit.", "limit")
	m.invoices = counter("invoices_total", "Invoices that came into a state.", "state")
	m.payments = counter("payments_total", "Deposits that came into a state.", "network", "state")
	m.settlements = counter("settlements_total", "Payments whose settlement came into a state.", "network", "state")
	m.relays = counter("settlement_transactions_total", "Settlement transactions by what became of them: sent, replaced, done, failed.", "network", "outcome")
	m.refunds = counter("refund_transactions_total", "Transactions that pay refunds by what became of them: sent, replaced, done, failed.", "network", "outcome")
	m.rpcErrors = counter("rpc_errors_total", "Faults of a node; nodes are numbered as in the configuration, from 1.", "network", "node")
	m.deliveries = counter("webhook_deliveries_total", "Attempts to deliver a webhook: done, due again, or dead.", "outcome")
	m.jobs = counter("jobs_total", "Runs of jobs: done, again at a set time, or failed and to be tried again.", "kind", "outcome")
	m.latency = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "pepay_http_request_seconds", Help: "How long requests took.", Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
	}, []string{"route", "method"})
	m.groups = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "pepay_database_commit_units", Help: "How many units of work shared a commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 7),
	})
	m.commits = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "pepay_database_commit_seconds", Help: "How long a commit and its units took.", Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
	})
	m.registry.MustRegister(m.latency, m.groups, m.commits, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers a scrape.
func (m *Meter) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Watch starts a watch and returns what stops it.
func Watch() (elapsed func() time.Duration) {
	start := time.Now() //nolint:forbidigo // a duration, which no clock of a test should bend
	return func() time.Duration { return time.Since(start) }
}

// Request counts a request to a route: its pattern, never its path.
func (m *Meter) Request(route, method string, status int, took time.Duration) {
	if m == nil {
		return
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status/100)+"xx").Inc()
	m.latency.WithLabelValues(route, method).Observe(took.Seconds())
}

// Refused counts a request that a limit refused.
func (m *Meter) Refused(limit string) {
	if m != nil {
		m.refused.WithLabelValues(limit).Inc()
	}
}

// Invoice counts an invoice that came into a state.
func (m *Meter) Invoice(state string) {
	if m != nil {
		m.invoices.WithLabelValues(state).Inc()
	}
}

// Payment counts a deposit that came into a state.
func (m *Meter) Payment(network, state string) {
	if m != nil {
		m.payments.WithLabelValues(network, state).Inc()
	}
}

// Settlement counts a payment whose settlement came into a state.
func (m *Meter) Settlement(network, state string) {
	if m != nil {
		m.settlements.WithLabelValues(network, state).Inc()
	}
}

// Relay counts what became of a settlement transaction.
func (m *Meter) Relay(network, outcome string) {
	if m != nil {
		m.relays.WithLabelValues(network, outcome).Inc()
	}
}

// Refund counts what became of a transaction that pays a refund.
func (m *Meter) Refund(network, outcome string) {
	if m != nil {
		m.refunds.WithLabelValues(network, outcome).Inc()
	}
}

// RPCError counts a fault of a network's nth node, from 1.
func (m *Meter) RPCError(network string, node int) {
	if m != nil {
		m.rpcErrors.WithLabelValues(network, strconv.Itoa(node)).Inc()
	}
}

// Delivery counts an attempt to deliver a webhook.
func (m *Meter) Delivery(outcome string) {
	if m != nil {
		m.deliveries.WithLabelValues(outcome).Inc()
	}
}

// Job counts a run of a job.
func (m *Meter) Job(kind, outcome string) {
	if m != nil {
		m.jobs.WithLabelValues(kind, outcome).Inc()
	}
}

// Commit records a group of units that shared a commit.
func (m *Meter) Commit(units int, took time.Duration) {
	if m != nil {
		m.groups.Observe(float64(units))
		m.commits.Observe(took.Seconds())
	}
}
