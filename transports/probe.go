package transports

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// ProbeInterval is how long a Probe rests behind a question, to the second of the
// sweeper: a busy connection is asked about all that it was sent meanwhile at once.
const ProbeInterval = 2 * time.Second

// Prober is a Framer that can ask the peer's stack whether it has read what was laid
// out before: a peer reads in order and answers without its application, as it does
// with a ping of the WebSocket protocol.
type Prober interface {
	// Probe appends a question with a short payload, which the answer repeats.
	Probe(dst, payload []byte) []byte
}

// Reminded is a session that asks to be called again with Connection.RemindAt.
type Reminded interface {
	// Remind is called by the sweeper, once for each RemindAt. It must not block.
	Remind()
}

// RemindAt has the session's Remind called at that time, or up to a second later,
// unless the connection has ended by then. It costs two words for that long. A session
// must not ask for one before the last has come.
func (c *Connection) RemindAt(at time.Time) { c.server.wheel.Add((*reminder)(c), at) }

// reminder is a connection whose session wants to be reminded.
type reminder Connection

// tick implements ticker.
func (r *reminder) tick(time.Time) time.Time {
	c := (*Connection)(r)
	if !c.Ended() {
		if s, ok := c.Session().(Reminded); ok {
			s.Remind()
		}
	}
	return time.Time{}
}

// Probe finds out how far a client has read what a session has laid out for it. A mark
// is a place in that, by the session's own count, which grows. There is a question at
// most every ProbeInterval, and an idle connection is not asked anything; no timer and
// no list is kept, for a question carries its mark.
//
// Owe, Due and Ask belong to Fill; the other methods may be called concurrently.
type Probe struct {
	key      uint32        // begins our payloads: other pongs are not answers
	owed     atomic.Bool   // something was laid out behind the last question
	resting  atomic.Bool   // the last question was a moment ago
	asked    atomic.Uint64 // one more than the newest mark asked about
	answered atomic.Uint64 // one more than the newest mark that was answered
}

// probeBytes is the length of a payload: the key and the mark.
const probeBytes = 4 + 8

// Init makes the probe ready.
func (p *Probe) Init() { p.key = rand.Uint32() } //nolint:gosec // it tells apart, it is no secret

// Owe notes that something was laid out about which the client is to be asked.
func (p *Probe) Owe() { p.owed.Store(true) }

// Due reports that it is time for a question.
func (p *Probe) Due() bool { return p.owed.Load() && !p.resting.Load() }

// Ask lays out a question whether the client has read what is before it in b, and all
// of earlier batches: everything up to mark. It does nothing, and reports false, when
// that is known or the carrier cannot ask. conn reminds of the next question, if it can.
func (p *Probe) Ask(b *Batch, conn Conn, mark uint64) (asked bool) {
	f, ok := b.framer.(Prober)
	p.owed.Store(false)
	if !ok || mark+1 <= p.answered.Load() {
		return false
	}
	p.asked.Store(max(p.asked.Load(), mark+1))
	var payload [probeBytes]byte
	binary.BigEndian.PutUint32(payload[:], p.key)
	binary.BigEndian.PutUint64(payload[4:], mark)
	b.Buf = f.Probe(b.Buf, payload[:])
	if r, ok := conn.(interface{ RemindAt(at time.Time) }); ok && !p.resting.Swap(true) {
		r.RemindAt(time.Now().Add(ProbeInterval))
	}
	return true
}

// Rested is called by the session's Remind. It reports that a question is due.
func (p *Probe) Rested() bool {
	p.resting.Store(false)
	return p.owed.Load()
}

// Answered takes the payload of a pong and returns the mark up to which the client has
// read. It reports false for what answers none of our questions, or says nothing new.
func (p *Probe) Answered(payload []byte) (mark uint64, ok bool) {
	if len(payload) != probeBytes || binary.BigEndian.Uint32(payload) != p.key {
		return 0, false
	}
	mark = binary.BigEndian.Uint64(payload[4:])
	if mark >= p.asked.Load() {
		return 0, false
	}
	for {
		old := p.answered.Load()
		if mark < old {
			return 0, false
		}
		if p.answered.CompareAndSwap(old, mark+1) {
			return mark, true
		}
	}
}
