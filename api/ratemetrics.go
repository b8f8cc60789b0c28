package api

import (
	"github.com/prometheus/client_golang/prometheus"

	"hubline/internal/ratelimit"
)

// The values of the label limit.
const (
	limitAPI         = "api"
	limitConnect     = "connect"
	limitRequest     = "request"
	limitAuthFailure = "auth_failure"
)

var (
	rateRejected = prometheus.NewDesc("hubline_rate_rejected_total", "Requests answered 429 for a rate, by limit.", []string{"limit"}, nil)
	rateShared   = prometheus.NewDesc("hubline_rate_shared_total", "Requests of callers for whom a limit had no room, and who shared a bucket, by limit.", []string{"limit"}, nil)
	rateSubjects = prometheus.NewDesc("hubline_rate_subjects", "Callers whose use is remembered, by limit.", []string{"limit"}, nil)
	anonRejected = prometheus.NewDesc("hubline_anonymous_connections_rejected_total", "Connections without a token refused for the bounds on those.", nil, nil)
	bodyBytes    = prometheus.NewDesc("hubline_inflight_bytes", "Bytes of the bodies of requests that are received or worked on.", nil, nil)
	bodyRejected = prometheus.NewDesc("hubline_inflight_rejected_total", "Requests refused for the bound on these bytes.", nil, nil)
	msgDelayed   = prometheus.NewDesc("hubline_messages_delayed_total", "Messages of native clients that were read later for the limit on their rate.", nil, nil)
)

// rateCollector implements prometheus.Collector for the limits.
type rateCollector struct{ api *API }

// Describe implements prometheus.Collector.
func (c rateCollector) Describe(out chan<- *prometheus.Desc) {
	out <- rateRejected
	out <- rateShared
	out <- rateSubjects
	out <- anonRejected
	out <- msgDelayed
	out <- bodyBytes
	out <- bodyRejected
}

// Collect implements prometheus.Collector.
func (c rateCollector) Collect(out chan<- prometheus.Metric) {
	l := c.api.limits
	tell := func(limit string, s ratelimit.Stats) {
		out <- prometheus.MustNewConstMetric(rateRejected, prometheus.CounterValue, float64(s.Rejected), limit)
		out <- prometheus.MustNewConstMetric(rateShared, prometheus.CounterValue, float64(s.Shared), limit)
		out <- prometheus.MustNewConstMetric(rateSubjects, prometheus.GaugeValue, float64(s.Subjects), limit)
	}
	keys, users := l.keys.Stats(), l.users.Stats()
	tell(limitAPI, ratelimit.Stats{
		Subjects: keys.Subjects + users.Subjects, Rejected: keys.Rejected + users.Rejected, Shared: keys.Shared + users.Shared,
	})
	tell(limitConnect, l.connects.Stats())
	tell(limitRequest, l.requests.Stats())
	tell(limitAuthFailure, l.failures.Stats())
	out <- prometheus.MustNewConstMetric(anonRejected, prometheus.CounterValue, float64(c.api.anonymous.refused.Load()))
	out <- prometheus.MustNewConstMetric(msgDelayed, prometheus.CounterValue, float64(c.api.delayed.Load()))
	out <- prometheus.MustNewConstMetric(bodyBytes, prometheus.GaugeValue, float64(c.api.bodies.used.Load()))
	out <- prometheus.MustNewConstMetric(bodyRejected, prometheus.CounterValue, float64(c.api.bodies.refused.Load()))
}
