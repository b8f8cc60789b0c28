package signalr

import (
	"hubline/broker"
	"hubline/replay"
	"hubline/signalr/protocol"
)

// profile is how a hub shows events to its clients.
type profile interface {
	// view is the form that events take in a codec, without or with meta.
	view(c protocol.Codec, meta bool) view
	// ready is what a client that asked for control messages is told first;
	// nil: nothing.
	ready(connectionID string, w *broker.Welcome) *protocol.Event
	// gap is what a client is told in the place of lost events.
	gap(user string, g *replay.Gap, behind replay.Cursor) *protocol.Event
	// notices reports that clients that asked for control messages can be told of the
	// members of presence channels, and notice what they are told.
	notices() bool
	notice(n *broker.Notice) *protocol.Event
	// mergesGaps reports that one notice serves for gaps that are told of at once,
	// with no event between.
	mergesGaps() bool
	// withheld reports that an event from before the connection is not to be
	// shown to a client whose token is of the given time, in Unix seconds.
	withheld(ev *replay.Event, issued int64) bool
}

// view is one wire form of events.
type view struct {
	form broker.Form
	// encode returns a *protocol.Encoded, or nil if the event has no such form;
	// again is the same for an event that comes once more.
	encode, again func(*replay.Event) any
	// notice returns a *protocol.Encoded of a notice.
	notice func(*broker.Notice) any

	stamped bool // seq and cursor are added for each receiver
	binary  bool
}

// of encodes one event, shared with other receivers where that is possible.
func (v *view) of(d *broker.Delivery) *protocol.Encoded {
	var enc any
	switch {
	case d.Frame == nil:
		enc = v.encode(d.Event)
	case d.Redelivered():
		enc = d.Frame.Form(v.form, v.again)
	default:
		enc = d.Frame.Form(v.form, v.encode)
	}
	e, _ := enc.(*protocol.Encoded)
	return e
}

// encoder makes a view's encode function: shape says what the event looks
// like, or reports false.
func encoder(c protocol.Codec, shape func(*replay.Event) (protocol.Event, bool)) func(*replay.Event) any {
	return func(ev *replay.Event) any {
		e, ok := shape(ev)
		if !ok {
			return nil
		}
		enc, err := c.EncodeInvocation(e)
		if err != nil {
			return nil // nested too deeply for any client
		}
		return enc
	}
}

// events is what a hub's connections share to show a broker's events.
type events struct {
	broker  *broker.Broker
	profile profile
	views   [4]view

	envelopes Envelopes
}

func newEvents(b *broker.Broker, p profile) *events {
	e := &events{broker: b, profile: p}
	for _, c := range [...]protocol.Codec{protocol.JSON, protocol.MessagePack} {
		for _, meta := range [...]bool{false, true} {
			v := p.view(c, meta)
			v.binary = c.Binary()
			v.notice = noticeEncoder(c, p)
			e.views[viewIndex(c, meta)] = v
		}
	}
	return e
}

// noticeForm is the wire form of notices.
func (v *view) noticeForm() broker.Form {
	if v.binary {
		return broker.FormHubMessagePack
	}
	return broker.FormHubJSON
}

func noticeEncoder(c protocol.Codec, p profile) func(*broker.Notice) any {
	return func(n *broker.Notice) any {
		enc, err := c.EncodeInvocation(*p.notice(n))
		if err != nil {
			panic(err) // our own JSON
		}
		return enc
	}
}

func viewIndex(c protocol.Codec, meta bool) (i int) {
	if c.Binary() {
		i = 1
	}
	if meta {
		i += 2
	}
	return i
}

func (e *events) view(c protocol.Codec, meta bool) *view { return &e.views[viewIndex(c, meta)] }

// feed is a session's place among its user's events. Session.mu guards it.
type feed struct {
	sub     *broker.Subscription // does not change
	welcome *broker.Welcome      // until the handshake is done
	issued  int64                // Unix seconds; 0: unknown
	old     uint64               // events up to this seq are from before the connection
	passed  uint64               // newest seq that Fill has laid out or left out
	target  uint64               // up to here a running Replay waits for passed
	turn    uint32               // how often Replay has set passed back
}

func (f *feed) join(sub *broker.Subscription, w *broker.Welcome, o Options) {
	f.sub, f.welcome = sub, w
	f.old, f.passed = w.Head, w.Start
	if !o.IssuedAt.IsZero() {
		f.issued = o.IssuedAt.Unix()
	}
}

// beginLocked says what comes before the first event. The codec is known.
func (s *Session) beginLocked() {
	f := &s.feed
	w := f.welcome
	f.welcome = nil
	if w == nil {
		return
	}
	p := s.hub.events.profile
	if s.control {
		s.putEventLocked(p.ready(s.conn.ConnectionID(), w))
	}
	if w.Gap != nil {
		s.putEventLocked(p.gap(s.user, w.Gap, replay.Cursor{Epoch: w.Epoch, Seq: w.Start}))
		s.gapped = true
	}
}

// putEventLocked queues an invocation of our own.
func (s *Session) putEventLocked(e *protocol.Event) {
	if e == nil {
		return
	}
	enc, err := s.codec.EncodeInvocation(*e)
	if err != nil {
		panic(err) // our own JSON
	}
	s.putBytesLocked(message{bytes: enc.Append(nil), binary: s.codec.Binary(), counted: true})
}
