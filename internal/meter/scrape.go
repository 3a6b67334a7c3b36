package meter

import "github.com/prometheus/client_golang/prometheus"

// A Gauge is a number that is read when it is asked for.
type Gauge struct {
	desc *prometheus.Desc
}

// NewGauge describes a number that Scraped will read.
func NewGauge(name, help string, labels ...string) Gauge {
	return Gauge{prometheus.NewDesc("pepay_"+name, help, labels, nil)}
}

// Scraped has f called at each scrape; it tells what it reads by calling set.
func (m *Meter) Scraped(f func(set func(g Gauge, value float64, labels ...string))) {
	m.registry.MustRegister(scraped(f))
}

type scraped func(set func(g Gauge, value float64, labels ...string))

// Describe says nothing, which lets Collect say anything.
func (scraped) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (f scraped) Collect(to chan<- prometheus.Metric) {
	f(func(g Gauge, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, value, labels...)
	})
}
