package app

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// apiSockets is the least number of sockets beyond those of connections: for
// publishers, probes, and requests that are refused.
const apiSockets = 1000

// maxSockets is how many sockets may be open for so many connections. Over HTTP/2
// several connections share one; a request that is not yet, or never becomes, a
// connection has one as well.
func maxSockets(connections int) int { return connections + max(apiSockets, connections/10) }

// sockets is a listener that bounds what its peers can hold: the number of
// sockets, and how long a peer that does not read can keep a write waiting.
type sockets struct {
	net.Listener

	limit   int64
	timeout time.Duration // of one write
	epoch   time.Time     // the origin of a clock that is cheaper to read than the time of day
	open    atomic.Int64
	refused atomic.Uint64
	peers   peers  // those of sockets that are no connections
	pace    *pacer // told of who comes; may be nil
	watches watches
}

func newSockets(ln net.Listener, limit int, timeout time.Duration) *sockets {
	return &sockets{Listener: ln, limit: int64(limit), timeout: timeout, epoch: time.Now()}
}

// Accept returns the next socket there is room for. Others are closed at once: an
// answer would have to be written, and waiting would keep out those who come when
// there is room again.
func (l *sockets) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if n := l.open.Add(1); n <= l.limit {
			l.pace.arrived(n)
			s := &socket{Conn: nc, from: l, peer: l.peers.of(nc)}
			if l.peers.enter(s.peer) {
				s.served.Store(true)
				return s, nil
			}
		} else {
			l.refused.Add(1)
		}
		l.open.Add(-1)
		_ = nc.Close()
	}
}

// connState is the HTTP server's hook: a socket that a carrier takes over gets
// its deadlines from there, until it comes back for another request.
func (l *sockets) connState(nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateActive:
		serve(nc, true)
	case http.StateHijacked:
		serve(nc, false)
	}
}

// serve finds the socket behind TLS and behind what a carrier gives back.
func serve(nc net.Conn, served bool) {
	for {
		switch c := nc.(type) {
		case *socket:
			c.serve(served)
			return
		case interface{ NetConn() net.Conn }:
			nc = c.NetConn()
		case interface{ Unwrap() net.Conn }:
			inner := c.Unwrap()
			if inner == nc {
				return
			}
			nc = inner
		default:
			return
		}
	}
}

// register adds the metrics.
func (l *sockets) register(r *prometheus.Registry) {
	r.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hubline_sockets", Help: "Open sockets, of connections and of other requests.",
		}, func() float64 { return float64(l.open.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "hubline_sockets_rejected_total", Help: "Sockets closed at once for the bound on open ones.",
		}, func() float64 { return float64(l.refused.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "hubline_ip_sockets_rejected_total", Help: "Sockets closed at once for the bound on those of one address.",
		}, func() float64 { return float64(l.peers.refused.Load()) }),
	)
}
