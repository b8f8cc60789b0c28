package signalr

import (
	"slices"

	"hubline/broker"
	"hubline/replay"
	"hubline/signalr/protocol"
	"hubline/transports"
)

// page is how many events are taken from the broker at once.
const page = 32

// Fill implements transports.Session: our own messages first, then events. A
// connection that ends gets one last batch of what waits and then its goodbye, so
// that a client without a cursor misses nothing that came before; more than that
// is left to its next connection. Who was revoked gets no events any more.
func (s *Session) Fill(b *transports.Batch) (more bool) {
	if s.state != nil {
		return s.fillStateful(b)
	}
	return s.fill(b)
}

func (s *Session) fill(b *transports.Batch) (more bool) {
	s.mu.Lock()
	out, ping, codec, over := s.takeLocked(), s.ping, s.codec, s.over
	s.ping = false
	events := codec != nil && s.feed.sub != nil && !s.muted
	f := s.feed // as of now: Replay may change it meanwhile
	if len(out) > 0 {
		s.signalLocked()
	}
	s.muted = s.muted || over
	s.mu.Unlock()

	defer giveBack(out)
	var goodbye []message
	if over && len(out) > 0 {
		out, goodbye = out[:len(out)-1], out[len(out)-1:] // nothing is queued behind it
	}
	for _, m := range out {
		lay(b, m.bytes, m.binary)
	}
	if ping && !over {
		lay(b, codec.Ping(), codec.Binary())
	}
	if events {
		more = s.fillEvents(b, codec, &f)
		s.gapped = false // the client may act on a notice as soon as the batch has left
		s.askDevice(b, ping || over)
	}
	for _, m := range goodbye {
		lay(b, m.bytes, m.binary)
	}
	return more && !over
}

// fillEvents lays events out. It reports true when more may wait.
func (s *Session) fillEvents(b *transports.Batch, codec protocol.Codec, f *feed) (more bool) {
	v := s.hub.events.view(codec, s.meta)
	var waiting [page]broker.Delivery
	for !b.Full() {
		bytes, n := s.credit(b.Room(), page)
		if bytes <= 0 || n <= 0 {
			return false // until the client has acknowledged something
		}
		taken := f.sub.Next(waiting[:0:n], bytes)
		if len(taken) == 0 {
			s.caughtUp(f)
			return false
		}
		for i := range taken {
			s.layEvent(b, v, f, &taken[i])
		}
		if seq, ok := newest(taken); ok {
			s.pass(f, seq)
			s.passedDevice(seq)
		}
	}
	return true
}

// newest is how far the deliveries take the connection: what comes once more, and
// notices, take it nowhere.
func newest(taken []broker.Delivery) (seq uint64, ok bool) {
	for i := range slices.Backward(taken) {
		if taken[i].Placed() {
			return taken[i].Seq, true
		}
	}
	return 0, false
}

func lay(b *transports.Batch, p []byte, binary bool) {
	b.Begin(transports.Meta{Binary: binary})
	b.Buf = append(b.Buf, p...)
	b.End()
}

// layEvent lays out one delivery.
func (s *Session) layEvent(b *transports.Batch, v *view, f *feed, d *broker.Delivery) {
	h := s.hub
	if d.Notice != nil {
		s.layNotice(b, v, d.Notice)
		return
	}
	if d.Gap != nil {
		s.layGap(b, v, f, d)
		return
	}
	if (d.Seq <= f.old || d.Redelivered()) && h.events.profile.withheld(d.Event, f.issued) {
		h.counters.withheld.Add(1)
		return
	}
	e := v.of(d)
	if e == nil {
		h.counters.unsendable.Add(1)
		return
	}
	s.gapped = false
	b.Begin(transports.Meta{Binary: v.binary})
	from := len(b.Buf)
	if v.stamped {
		b.Buf = e.AppendStamped(b.Buf, d.Seq, f.sub.LogEpoch())
	} else {
		b.Buf = e.Append(b.Buf)
	}
	s.keep(b.Buf[from:], placeOf(d))
	b.End()
}

// placeOf is how far a delivery takes a client that has it: one that comes once more
// takes it nowhere.
func placeOf(d *broker.Delivery) uint64 {
	if d.Redelivered() {
		return 0
	}
	return d.Seq
}

// layNotice lays out what a client is told of a presence channel. It has no seq.
func (s *Session) layNotice(b *transports.Batch, v *view, n *broker.Notice) {
	e := n.Form(v.noticeForm(), v.notice).(*protocol.Encoded) //nolint:errcheck // nothing else is in it
	b.Begin(transports.Meta{Binary: v.binary})
	from := len(b.Buf)
	b.Buf = e.Append(b.Buf)
	s.keep(b.Buf[from:], 0)
	b.End()
}

// layGap announces lost events in their place.
func (s *Session) layGap(b *transports.Batch, v *view, f *feed, d *broker.Delivery) {
	p := s.hub.events.profile
	if s.gapped && p.mergesGaps() {
		return
	}
	s.gapped = true
	e := p.gap(s.user, d.Gap, replay.Cursor{Epoch: f.sub.LogEpoch(), Seq: d.Seq})
	enc, err := s.codec.EncodeInvocation(*e)
	if err != nil {
		panic(err) // our own JSON
	}
	b.Begin(transports.Meta{Binary: v.binary})
	from := len(b.Buf)
	b.Buf = enc.Append(b.Buf)
	s.keep(b.Buf[from:], d.Seq)
	b.End()
}

// pass notes that everything up to seq has been laid out. What was taken before
// a Replay counts no more.
func (s *Session) pass(f *feed, seq uint64) {
	s.mu.Lock()
	if s.feed.turn == f.turn {
		s.feed.passed = max(s.feed.passed, seq)
		s.signalLocked()
	}
	s.mu.Unlock()
}

// caughtUp notes that nothing waits: what the log has was laid out, or was not
// for this client. Only a running Replay wants to know.
func (s *Session) caughtUp(f *feed) {
	s.mu.Lock()
	awaited := s.feed.turn == f.turn && s.feed.passed < s.feed.target && !s.over
	s.mu.Unlock()
	if awaited {
		s.pass(f, f.sub.Position().Seq)
	}
}
