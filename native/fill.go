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
		more = s.fillEvents(b, leaving != "")
	}
	if leaving == "" {
		return more
	}
	s.said = true
	if s.control {
		c := Closing{Reason: leaving, RetryAfterMS: retryAfter(leaving, s.cfg.RetryWindow, rand.Int64N)}
		if leaving == transports.ReasonDisconnected {
			c.Message = transports.WordsOf(s.conn)
		}
		lay(b, transports.Meta{Name: TypeClosing}, control(nil, TypeClosing, c))
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

// fillEvents lays out what waits, and a keep-alive when one is due: for a
// WebSocket at once, since its client must answer, however busy it is. Both that and
// what stands behind events may ask a device whether it has read what came before; with
// last it is the last chance to ask.
func (s *Session) fillEvents(b *transports.Batch, last bool) (more bool) {
	var page [pageEvents]broker.Delivery
	beat := s.beat.Load() && s.beat.Swap(false)
	if beat && s.socket && !s.ask(b, true) {
		b.KeepAlive(nil)
	}
	for more = true; more && !b.Full(); {
		waiting := s.sub.Next(page[:0], b.Room())
		if more = len(waiting) > 0; !more && beat {
			s.fillCursor(b)
		}
		for i := range waiting {
			s.layDelivery(b, &waiting[i])
		}
	}
	s.ask(b, last)
	return more
}

// layDelivery lays out one event, or the notice of a gap in its place. An event that
// comes once more moves no cursor: it has no id on Server-Sent Events.
func (s *Session) layDelivery(b *transports.Batch, d *broker.Delivery) {
	if d.Notice != nil {
		lay(b, transports.Meta{Name: noticeType(d.Notice)}, noticeBody(d.Notice))
		return
	}
	if !d.Redelivered() {
		s.sent = d.Seq
	}
	s.passed(d)
	if d.Gap != nil {
		if s.control {
			n := s.gapNotice(d.Gap, d.Seq)
			lay(b, transports.Meta{ID: []byte(n.id), Name: n.name}, n.body)
		}
		return
	}
	m := transports.Meta{}
	if !s.socket {
		if !d.Redelivered() {
			b.Scratch = replay.Cursor{Epoch: s.epoch, Seq: d.Seq}.AppendTo(b.Scratch[:0])
			m.ID = b.Scratch
		}
		if s.named {
			m.Name = d.Event.Type
		}
	}
	b.Begin(m)
	b.Buf = appendDelivery(b.Buf, d, s.epoch)
	b.End()
}

// fillCursor moves the cursor of a client for whom nothing came, so that it does
// not fall out of the log. On Server-Sent Events that, or else a comment, is the
// keep-alive; where events flow there is no need of one.
func (s *Session) fillCursor(b *transports.Batch) {
	pos := s.sub.Position()
	moved := pos.Seq > s.sent
	s.sent = max(s.sent, pos.Seq)
	switch {
	case s.socket && moved && s.control:
		lay(b, transports.Meta{}, control(nil, TypeCursor, Cursor{Cursor: pos.String()}))
	case s.socket:
	case moved:
		b.Scratch = pos.AppendTo(b.Scratch[:0])
		b.KeepAlive(b.Scratch)
	default:
		b.KeepAlive(nil)
	}
}
