package api

import (
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hubline/broker"
	"hubline/longpoll"
	"hubline/transports"
)

// metrics are the handles that requests use, resolved once.
type metrics struct {
	panics   prometheus.Counter
	problems [6]prometheus.Counter // by the status's first digit
	opened   map[transports.Transport]prometheus.Counter
}

// newMetrics registers everything; figures that exist elsewhere are read when
// the metrics are.
func newMetrics(r *prometheus.Registry, b *broker.Broker, s *transports.Server, p *longpoll.Parker) *metrics {
	m := &metrics{
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hubline_panics_total", Help: "Requests that met a broken invariant.",
		}),
		opened: map[transports.Transport]prometheus.Counter{},
	}
	r.MustRegister(m.panics)
	problems := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hubline_api_problems_total", Help: "Requests answered with a problem, by class of status.",
	}, []string{"class"})
	opened := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hubline_connections_opened_total", Help: "Connections and polls accepted, by transport.",
	}, []string{"transport"})
	r.MustRegister(problems, opened)
	for i := range m.problems {
		m.problems[i] = problems.WithLabelValues(string(rune('0'+i)) + "xx")
	}
	for _, t := range transports.All() {
		m.opened[t] = opened.WithLabelValues(t.Label())
	}
	gauge := func(name, help string, f func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	count := func(name, help string, f func(broker.Stats) uint64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(f(b.Stats())) }))
	}
	gauge("hubline_connections", "Connections that receive events.", func() float64 { return float64(b.Stats().Connections) })
	gauge("hubline_users_online", "Users with at least one connection.", func() float64 { return float64(b.Stats().Users) })
	gauge("hubline_negotiated", "Negotiated connections that nobody has used yet.", func() float64 { return float64(s.Negotiated()) })
	gauge("hubline_polls_parked", "Sockets of long polls outside the HTTP server.", func() float64 { return float64(p.Parked()) })
	gauge("hubline_log_users", "Users with a log.", func() float64 { return float64(b.Store().Stats().Users) })
	gauge("hubline_log_events", "Events kept in all logs.", func() float64 { return float64(b.Store().Stats().Events) })
	gauge("hubline_log_bytes", "Bytes kept in all logs.", func() float64 { return float64(b.Store().Stats().Bytes) })
	gauge("hubline_log_watermarks", "Evicted users whose last position is remembered.", func() float64 { return float64(b.Store().Stats().Watermarks) })
	r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "hubline_log_evicted_users_total", Help: "Users whose log was evicted for the bounds on all logs.",
	}, func() float64 { return float64(b.Store().Stats().EvictedUsers) }))
	count("hubline_events_published_total", "Events accepted, without duplicates.", func(s broker.Stats) uint64 { return s.Published })
	count("hubline_events_duplicate_total", "Publishes answered from an earlier one.", func(s broker.Stats) uint64 { return s.Duplicates })
	count("hubline_events_delivered_total", "Events handed to a connection when published.", func(s broker.Stats) uint64 { return s.Delivered })
	count("hubline_events_replayed_total", "Events replayed to connections that resumed.", func(s broker.Stats) uint64 { return s.Replayed })
	count("hubline_resume_gaps_total", "Resumes that could not recover everything.", func(s broker.Stats) uint64 { return s.Gaps })
	count("hubline_outbox_overflows_total", "Times a slow connection's queue was full and it went on reading from the log.", func(s broker.Stats) uint64 { return s.Lagged })
	count("hubline_connections_rejected_total", "Connections refused for the bounds on connections.", func(s broker.Stats) uint64 { return s.Refused })
	return m
}

func (m *metrics) problem(status int) {
	m.problems[min(max(status/100, 0), len(m.problems)-1)].Inc()
}

func (a *API) serveMetrics(r *prometheus.Registry) echo.HandlerFunc {
	return echo.WrapHandler(promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
}
