package native

import (
	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

// device is what is kept for a WebSocket whose token names a device: it is found out,
// by pings, how far the client has read, and that moves the device's cursor.
type device struct {
	probe    transports.Probe
	receipts broker.Receipts
}

// join notes where a device begins, and has a WebSocket asked how far it has read. A
// gap in front of the events is the first thing to ask about.
func (s *Session) join(w *broker.Welcome) {
	s.sub.Begin(w)
	if !s.socket {
		return // no sign of reading comes
	}
	d := &device{}
	d.probe.Init()
	d.receipts.Init(w)
	s.device = d
	if w.Gap != nil {
		s.passedGap(w.Gap)
	}
}

// passed notes a delivery that is about to be laid out.
func (s *Session) passed(d *broker.Delivery) {
	if s.device == nil || d.Redelivered() {
		return
	}
	if d.Gap != nil {
		s.passedGap(d.Gap)
	}
	s.device.receipts.Sent(d.Seq)
	s.device.probe.Owe()
}

// passedGap notes a gap. That an event has expired is no loss to a client which wants no
// control messages and is not told; another gap is.
func (s *Session) passedGap(g *replay.Gap) {
	if !s.control && g.Reason != replay.Expired {
		s.device.receipts.Break()
	}
	s.device.probe.Owe()
}

// ask lays a question behind what the batch has, if it is time for one. now asks in any
// case, also about events that were left out since, for which nothing is laid out. It
// reports false if there is nothing to ask.
func (s *Session) ask(b *transports.Batch, now bool) bool {
	d := s.device
	if d == nil || !now && !d.probe.Due() {
		return false
	}
	return d.probe.Ask(b, s.conn, s.sub.Position().Seq)
}

// Remind implements transports.Reminded.
func (s *Session) Remind() {
	if s.device != nil && s.device.probe.Rested() {
		s.conn.Wake()
	}
}

// Answered implements websocket.Answerer.
func (s *Session) Answered(pong []byte) {
	d := s.device
	if d == nil {
		return
	}
	if seq, ok := d.probe.Answered(pong); ok {
		s.sub.Received(&d.receipts, seq)
	}
}

// acknowledge is the client's own word on what it has.
func (s *Session) acknowledge(c replay.Cursor) {
	if s.device != nil {
		s.device.receipts.Named()
	}
	s.sub.Acknowledge(c)
}
