package api

import (
	"github.com/prometheus/client_golang/prometheus"

	"hubline/api/webhook"
	"hubline/broker"
	"hubline/replay"
	"hubline/signalr"
)

// snapshot is what is counted elsewhere, read once for each look at the metrics.
type snapshot struct {
	broker     broker.Stats
	store      replay.Stats
	negotiated int
	parked     int
	refusedIP  uint64
	webhook    webhook.Stats
	keptOut    int
	refused    uint64 // of those kept out
}

// closed is the one metric with a value for each transport and reason.
var closed = prometheus.NewDesc("hubline_connections_closed_total", "Connections and polls that ended, by transport and reason.",
	[]string{"transport", "reason"}, nil)

// figure is one metric made of a snapshot.
type figure struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*snapshot) float64
}

// hubFigure is one counter of each hub.
type hubFigure struct {
	desc  *prometheus.Desc
	value func(signalr.Stats) uint64
}

// collector implements prometheus.Collector.
type collector struct {
	api     *API
	figures []figure
	hubs    []hubFigure
}

func newCollector(a *API) *collector {
	c := &collector{api: a}
	gauge := func(name, help string, value func(*snapshot) float64) {
		c.figures = append(c.figures, figure{prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, value})
	}
	count := func(name, help string, value func(*snapshot) uint64) {
		c.figures = append(c.figures, figure{
			prometheus.NewDesc(name, help, nil, nil), prometheus.CounterValue,
			func(s *snapshot) float64 { return float64(value(s)) },
		})
	}
	hub := func(name, help string, value func(signalr.Stats) uint64) {
		c.hubs = append(c.hubs, hubFigure{prometheus.NewDesc(name, help, []string{"hub"}, nil), value})
	}
	gauge("hubline_connections", "Connections that receive events.", func(s *snapshot) float64 { return float64(s.broker.Connections) })
	gauge("hubline_users_online", "Users with at least one connection.", func(s *snapshot) float64 { return float64(s.broker.Users) })
	gauge("hubline_negotiated", "Negotiated connections that nobody has used yet.", func(s *snapshot) float64 { return float64(s.negotiated) })
	gauge("hubline_idempotency_keys", "Idempotency keys and event ids that are remembered.", func(s *snapshot) float64 { return float64(s.broker.Keys) })
	gauge("hubline_polls_parked", "Sockets of long polls outside the HTTP server.", func(s *snapshot) float64 { return float64(s.parked) })
	gauge("hubline_log_users", "Users whose log is in memory.", func(s *snapshot) float64 { return float64(s.store.Users) })
	gauge("hubline_log_events", "Events of all logs in memory.", func(s *snapshot) float64 { return float64(s.store.Events) })
	gauge("hubline_log_bytes", "Bytes of all logs in memory.", func(s *snapshot) float64 { return float64(s.store.Bytes) })
	gauge("hubline_log_watermarks", "Evicted users whose last position is remembered.", func(s *snapshot) float64 { return float64(s.store.Watermarks) })
	count("hubline_log_evicted_users_total", "Users whose log was evicted for the bounds on all logs.", func(s *snapshot) uint64 { return s.store.EvictedUsers })
	count("hubline_log_evicted_events_total", "Events that went with an evicted log.", func(s *snapshot) uint64 { return s.store.TrimmedEvicted })
	count("hubline_log_expired_events_total", "Events dropped for age.", func(s *snapshot) uint64 { return s.store.TrimmedExpired })
	count("hubline_log_pushed_out_events_total", "Events dropped for the bounds of their user's log.", func(s *snapshot) uint64 { return s.store.TrimmedLimit })
	count("hubline_log_dropped_watermarks_total", "Evicted users who were forgotten altogether.", func(s *snapshot) uint64 { return s.store.DroppedWatermarks })
	count("hubline_events_published_total", "Events accepted, without duplicates.", func(s *snapshot) uint64 { return s.broker.Published })
	count("hubline_events_duplicate_total", "Publishes answered from an earlier one.", func(s *snapshot) uint64 { return s.broker.Duplicates })
	count("hubline_events_delivered_total", "Events handed to a connection when published.", func(s *snapshot) uint64 { return s.broker.Delivered })
	count("hubline_events_replayed_total", "Events replayed to connections that resumed.", func(s *snapshot) uint64 { return s.broker.Replayed })
	count("hubline_resume_gaps_total", "Resumes that could not recover everything.", func(s *snapshot) uint64 { return s.broker.Gaps })
	count("hubline_outbox_overflows_total", "Times a slow connection's queue was full and it went on reading from the log.", func(s *snapshot) uint64 { return s.broker.Lagged })
	count("hubline_presence_joined_total", "Users who came into a presence channel.", func(s *snapshot) uint64 { return s.broker.MembersJoined })
	count("hubline_presence_left_total", "Users who went out of a presence channel.", func(s *snapshot) uint64 { return s.broker.MembersLeft })
	count("hubline_presence_notices_dropped_total", "Notices of these that gave way to hubline.members_changed, since a connection did not take them.", func(s *snapshot) uint64 { return s.broker.NoticesDropped })
	count("hubline_connections_rejected_total", "Connections refused for the bounds on connections.", func(s *snapshot) uint64 { return s.broker.Refused })
	count("hubline_ip_connections_rejected_total", "Connections refused for the bound on those of one address.", func(s *snapshot) uint64 { return s.refusedIP })
	gauge("hubline_channels", "Channels with members.", func(s *snapshot) float64 { return float64(s.broker.Channels) })
	gauge("hubline_memberships", "Memberships of all users in all channels.", func(s *snapshot) float64 { return float64(s.broker.Memberships) })
	count("hubline_channel_webhook_allowed_total", "Answers of the webhook that let a user join.", func(s *snapshot) uint64 { return s.webhook.Allowed })
	count("hubline_channel_webhook_refused_total", "Answers of the webhook that did not.", func(s *snapshot) uint64 { return s.webhook.Refused })
	count("hubline_channel_webhook_failed_total", "Questions that the webhook did not answer.", func(s *snapshot) uint64 { return s.webhook.Failed })
	count("hubline_channel_webhook_cached_total", "Answers that were still known.", func(s *snapshot) uint64 { return s.webhook.Cached })
	gauge("hubline_kept_out", "Users and devices whom administrators keep out.", func(s *snapshot) float64 { return float64(s.keptOut) })
	count("hubline_kept_out_rejected_total", "Connections refused to those whom administrators keep out.", func(s *snapshot) uint64 { return s.refused })
	hub("hubline_hub_handshakes_total", "Hub handshakes accepted.", func(s signalr.Stats) uint64 { return s.Handshakes })
	hub("hubline_hub_handshake_errors_total", "Hub handshakes refused or never sent.", func(s signalr.Stats) uint64 { return s.HandshakeErrors })
	hub("hubline_hub_protocol_errors_total", "Hub connections ended for a message that is none.", func(s signalr.Stats) uint64 { return s.ProtocolErrors })
	hub("hubline_hub_messages_rejected_total", "Hub connections ended for a message over the limit.", func(s signalr.Stats) uint64 { return s.TooLarge })
	hub("hubline_hub_messages_delayed_total", "Messages of hub clients that were read later for the limit on their rate.", func(s signalr.Stats) uint64 { return s.Delayed })
	hub("hubline_hub_timeouts_total", "Hub connections ended for silence.", func(s signalr.Stats) uint64 { return s.Timeouts })
	hub("hubline_hub_calls_total", "Hub methods called by clients.", func(s signalr.Stats) uint64 { return s.Calls })
	hub("hubline_hub_call_errors_total", "Calls of hub methods that failed.", func(s signalr.Stats) uint64 { return s.CallErrors })
	hub("hubline_hub_panics_total", "Calls of hub methods that met a broken invariant.", func(s signalr.Stats) uint64 { return s.Panics })
	hub("hubline_hub_events_unsendable_total", "Events, per receiver, that the hub's profile cannot express.", func(s signalr.Stats) uint64 { return s.Unsendable })
	hub("hubline_hub_events_withheld_total", "Replayed logouts, per receiver, older than the client's token.", func(s signalr.Stats) uint64 { return s.Withheld })
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for i := range c.figures {
		out <- c.figures[i].desc
	}
	for i := range c.hubs {
		out <- c.hubs[i].desc
	}
	out <- closed
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	a := c.api
	s := &snapshot{
		broker: a.broker.Stats(), store: a.broker.Store().Stats(),
		negotiated: a.server.Negotiated(), parked: a.parker.Parked(), refusedIP: a.perIP.refused.Load(),
		keptOut: a.keptOut.held(), refused: a.keptOut.rejected.Load(),
	}
	if a.webhook != nil {
		s.webhook = a.webhook.Stats()
	}
	for i := range c.figures {
		f := &c.figures[i]
		out <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(s))
	}
	for _, e := range a.server.Ends() {
		out <- prometheus.MustNewConstMetric(closed, prometheus.CounterValue, float64(e.Count), e.Transport.Label(), string(e.Reason))
	}
	for _, h := range a.hubs {
		stats := h.hub.Stats()
		for i := range c.hubs {
			f := &c.hubs[i]
			out <- prometheus.MustNewConstMetric(f.desc, prometheus.CounterValue, float64(f.value(stats)), h.name)
		}
	}
}
