package api

import (
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hubline/transports"
)

// metrics are the handles that requests use, resolved once.
type metrics struct {
	panics   prometheus.Counter
	problems map[string]prometheus.Counter // by slug
	opened   map[transports.Transport]prometheus.Counter

	replays, redelivered, notRedelivered prometheus.Counter
}

// newMetrics registers everything. Label values come from closed sets; no label
// names a user, a connection or a path.
func newMetrics(r *prometheus.Registry, a *API) *metrics {
	m := &metrics{
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hubline_panics_total", Help: "Requests that met a broken invariant.",
		}),
		problems: make(map[string]prometheus.Counter, len(problemTypes)),
		opened:   make(map[transports.Transport]prometheus.Counter),
		replays: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hubline_replays_total", Help: "Replays that administrators asked for, dry runs left out.",
		}),
		redelivered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hubline_redelivered_events_total", Help: "Events handed to a connection once more by these replays.",
		}),
		notRedelivered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hubline_redelivered_events_rejected_total", Help: "Events of these replays for which a connection's queue had no room.",
		}),
	}
	problems := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hubline_api_problems_total", Help: "Problems answered, items of batches included, by type.",
	}, []string{"type"})
	opened := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hubline_connections_opened_total", Help: "Connections and polls accepted, by transport.",
	}, []string{"transport"})
	for slug := range problemsBySlug {
		m.problems[slug] = problems.WithLabelValues(slug)
	}
	for _, t := range transports.All() {
		m.opened[t] = opened.WithLabelValues(t.Label())
	}
	r.MustRegister(m.panics, problems, opened, m.replays, m.redelivered, m.notRedelivered, newCollector(a), rateCollector{a})
	return m
}

// problem counts a problem. One that has no page counts as a failure of ours; a
// test keeps that from happening.
func (m *metrics) problem(slug string) {
	c, ok := m.problems[slug]
	if !ok {
		c = m.problems[slugInternal]
	}
	c.Inc()
}

func serveMetrics(r *prometheus.Registry) echo.HandlerFunc {
	return echo.WrapHandler(promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
}
