package native

import (
	"math/rand/v2"

	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

// pageEvents is how many events are taken from the broker at once.
const pageEvents = 32

// Fill implements transports.Session: our own messages first, then events. A
// session that is leaving lays out one last batch of what waits and then its
// goodbye, so that a client without a cursor misses nothing that came before;
// more than that is left to the next connection. Who was revoked gets nothing.
func (s *Session) Fill(b *transports.Batch) (more bool) {
	if s.said {
		return false
	}
	leaving := s.fillNotices(b)
	if leaving != transports.ReasonRevoked {
		more = s.fillEvents(b)
	}
	if leaving == "" {
		return more
	}
	s.said = true
	if s.control {
		lay(b, transports.Meta{Name: TypeClosing}, control(nil, TypeClosing, Closing{
			Reason: leaving, RetryAfterMS: retryAfter(leaving, s.cfg.RetryWindow, rand.Int64N),
		}))
	}
	return false
}

func lay(b *transports.Batch, m transports.Meta, body []byte) {
	b.Begin(m)
	b.Buf = append(b.Buf, body...)
	b.End()
}

// fillNotices lays out our own messages. hubline.ready is the first of them,
// before any pong. It returns why the session is leaving, if it is.
func (s *Session) fillNotices(b *transports.Batch) (leaving transports.Reason) {
	s.mu.Lock()
	notices := s.notices
	s.notices, s.waiting = nil, 0
	leaving = s.leaving
	s.mu.Unlock()
	for i := range notices {
		n := &notices[i]
		b.Scratch = append(b.Scratch[:0], n.id...)
		lay(b, transports.Meta{ID: b.Scratch, Name: n.name}, n.body)
	}
	if s.pong.Load() && s.pong.Swap(false) {
		lay(b, transports.Meta{}, pong)
	}
	return leaving
}

// fillEvents lays out what waits, and a keep-alive behind it.
func (s *Session) fillEvents(b *transports.Batch) (more bool) {
	var page [pageEvents]broker.Delivery
	for !b.Full() {
		waiting := s.sub.Next(page[:0])
		if len(waiting) == 0 {
			s.fillBeat(b)
			return false
		}
		for i := range waiting {
			s.layDelivery(b, &waiting[i])
		}
	}
	return true
}

// layDelivery lays out one event, or the notice of a gap in its place.
func (s *Session) layDelivery(b *transports.Batch, d *broker.Delivery) {
	s.sent = d.Seq
	if d.Gap != nil {
		if s.control {
			n := s.gapNotice(d.Gap, d.Seq)
			lay(b, transports.Meta{ID: []byte(n.id), Name: n.name}, n.body)
		}
		return
	}
	m := transports.Meta{}
	if !s.socket {
		b.Scratch = replay.Cursor{Epoch: s.epoch, Seq: d.Seq}.AppendTo(b.Scratch[:0])
		m.ID = b.Scratch
		if s.named {
			m.Name = d.Event.Type
		}
	}
	b.Begin(m)
	b.Buf = appendDelivery(b.Buf, d, s.epoch)
	b.End()
}

// fillBeat lays out a keep-alive when one is due. It also moves the cursor of
// a client for whom nothing came, so that it does not fall out of the log.
func (s *Session) fillBeat(b *transports.Batch) {
	if !s.beat.Load() || !s.beat.Swap(false) {
		return
	}
	pos := s.sub.Position()
	if pos.Seq <= s.sent {
		b.KeepAlive(nil)
		return
	}
	s.sent = pos.Seq
	if !s.socket {
		b.Scratch = pos.AppendTo(b.Scratch[:0])
		b.KeepAlive(b.Scratch)
		return
	}
	if s.control {
		lay(b, transports.Meta{}, control(nil, TypeCursor, Cursor{Cursor: pos.String()}))
	}
	b.KeepAlive(nil)
}
