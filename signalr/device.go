package signalr

import (
	"hubline/broker"
	"hubline/transports"
)

// device is what is kept for a connection whose token names a device. Signs that the
// client reads move the device's cursor: the pong to a ping of the WebSocket protocol,
// the poll that follows an answered one, the Ack of stateful reconnect. On Server-Sent
// Events there is none.
type device struct {
	name     string
	probe    transports.Probe
	receipts broker.Receipts
}

func newDevice(name string) *device {
	if name == "" {
		return nil
	}
	d := &device{name: name}
	d.probe.Init()
	return d
}

// deviceName is empty without a device.
func (s *Session) deviceName() string {
	if s.device == nil {
		return ""
	}
	return s.device.name
}

// joinDevice notes from where on the device gets everything. A gap in front of the
// events is the first thing to ask about.
func (s *Session) joinDevice(w *broker.Welcome) {
	if s.device == nil {
		return
	}
	s.device.receipts.Init(w)
	if w.Gap != nil {
		s.device.probe.Owe()
	}
}

// beginDevice gives a device that is not known its place, now that the client has shown
// itself by its handshake.
func (s *Session) beginDevice(w *broker.Welcome) {
	if s.device != nil && w != nil {
		s.feed.sub.Begin(w)
	}
}

// owe has the client asked about what was laid out.
func (s *Session) owe() {
	if s.device != nil {
		s.device.probe.Owe()
	}
}

// passedDevice notes that everything up to seq is laid out.
func (s *Session) passedDevice(seq uint64) {
	if s.device != nil {
		s.device.receipts.Sent(seq)
		s.device.probe.Owe()
	}
}

// askDevice lays a question behind what the batch has, if it is time for one. now asks in any
// case, also about events that were left out since, for which nothing is laid out.
func (s *Session) askDevice(b *transports.Batch, now bool) {
	d := s.device
	if d == nil || !now && !d.probe.Due() {
		return
	}
	if mark, ok := s.Laid(); ok {
		d.probe.Ask(b, s.conn, mark)
	}
}

// Laid implements longpoll.Confirmer: the seq up to which all was laid out, or is not
// for this client. It is called by who fills.
func (s *Session) Laid() (seq uint64, ok bool) {
	if s.device == nil || s.feed.sub == nil {
		return 0, false
	}
	s.mu.Lock()
	// What waits may be the notice of a gap, held back by stateful reconnect.
	held := s.codec == nil || len(s.out) > 0
	s.mu.Unlock()
	if held {
		return 0, false
	}
	return s.feed.sub.Position().Seq, true
}

// Read implements longpoll.Confirmer: the client has everything up to the seq.
func (s *Session) Read(seq uint64) {
	if s.device != nil && s.feed.sub != nil {
		s.feed.sub.Received(&s.device.receipts, seq)
	}
}

// Remind implements transports.Reminded.
func (s *Session) Remind() {
	if s.device != nil && s.device.probe.Rested() {
		s.conn.Wake()
	}
}

// Answered implements websocket.Answerer.
func (s *Session) Answered(pong []byte) {
	if s.device == nil {
		return
	}
	if seq, ok := s.device.probe.Answered(pong); ok {
		s.Read(seq)
	}
}
