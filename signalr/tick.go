package signalr

import (
	"math"
	"time"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// sweep is the grain of the sweeper that calls Tick: what is due is served up
// to this much later, so what must not be late is asked for earlier.
const sweep = time.Second

// Tick implements transports.Session: handshake timeout, keep-alive and client
// timeout.
func (s *Session) Tick(now time.Time) time.Time {
	cfg := &s.hub.cfg
	s.mu.Lock()
	shaken, over := s.codec != nil, s.over
	s.mu.Unlock()
	if over {
		return time.Time{}
	}
	if s.expired(now) {
		s.Leave(transports.ReasonExpired)
		return time.Time{}
	}
	if !shaken {
		if deadline := time.Unix(0, s.pingAt).Add(cfg.HandshakeTimeout); now.Before(deadline) {
			// The handshake may be done soon, and the first ping be due first.
			return s.beforeExpiry(earlier(deadline, now.Add(s.pingStep())))
		}
		s.refuse(protocol.HandshakeCanceled)
		return now.Add(sweep) // unless the handshake came in this instant
	}
	if s.conn.Transport() == transports.LongPolling {
		return s.beforeExpiry(time.Time{}) // polls have their own timers
	}
	if s.timedOut(now) {
		s.hub.counters.timeouts.Add(1)
		s.finish(&protocol.Message{
			Type: protocol.TypeClose, AllowReconnect: true,
			Error: s.hub.withDetail(textClosedWithError, textTimeout),
		}, transports.ReasonTimeout)
		return time.Time{}
	}
	if !s.planned {
		s.pingAt, s.planned = s.pingAt+int64(s.pingStep()), true
	}
	if now.UnixNano() >= s.pingAt {
		s.pingAt = now.Add(s.pingStep()).UnixNano()
		s.mu.Lock()
		s.ping = true
		s.mu.Unlock()
		s.conn.Wake()
	}
	next := earlier(time.Unix(0, s.pingAt), s.deadline(now))
	if s.isStateful() {
		s.askToAck()
		next = earlier(next, now.Add(sweep))
	}
	return s.beforeExpiry(next)
}

// expiryOf is a time in Unix seconds, rounded up. What is far beyond every token
// is never.
func expiryOf(at time.Time) uint32 {
	if at.IsZero() || at.Unix() >= math.MaxUint32 {
		return 0
	}
	return uint32(max(1, at.Add(time.Second-1).Unix())) //nolint:gosec // in range
}

func (s *Session) expired(now time.Time) bool { return s.expiry != 0 && now.Unix() >= int64(s.expiry) }

// beforeExpiry is next, or the expiry if that comes first. Zero is never.
func (s *Session) beforeExpiry(next time.Time) time.Time {
	switch at := time.Unix(int64(s.expiry), 0); {
	case s.expiry == 0:
		return next
	case next.IsZero():
		return at
	default:
		return earlier(at, next)
	}
}

// pingStep is when the next ping is asked for, so that it goes out in time. Zero
// is the sweeper's next round.
func (s *Session) pingStep() time.Duration {
	return max(s.hub.cfg.KeepAliveInterval-sweep, 0)
}

// timedOut reports that the client, which must ping, has been silent for too
// long. While Receive waits for room the client is not heard because of us.
func (s *Session) timedOut(now time.Time) bool {
	return s.flags.Load() == flagArmed && now.Sub(s.lastHeard()) >= s.hub.cfg.ClientTimeout
}

// deadline is when to look again whether the client is silent.
func (s *Session) deadline(now time.Time) time.Time {
	if d := s.lastHeard().Add(s.hub.cfg.ClientTimeout); d.After(now) {
		return d
	}
	return now.Add(s.hub.cfg.ClientTimeout) // it need not ping, or is busy
}

func (s *Session) lastHeard() time.Time { return time.Unix(0, s.heard.Load()) }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
