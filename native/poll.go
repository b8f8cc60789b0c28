package native

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

// Poll is one long poll: it answers once, with what waits.
type Poll struct {
	conn    transports.Conn
	sub     *broker.Subscription
	epoch   string
	limit   int
	expires time.Time // the token's; zero: never
	expired atomic.Bool

	mu   sync.Mutex // guards what follows: Fill may race with a late Wake
	last uint64     // what the client has once it has read the answer
	gap  *replay.Gap
	done bool
}

// NewPoll subscribes for one answer of at most limit events. The cursor that
// it continues from is thereby acknowledged for the client's device. It
// returns what broker.Subscribe returns.
func NewPoll(b *broker.Broker, conn transports.Conn, o Options, limit int) (*Poll, error) {
	limit = max(1, limit)
	sub, w, err := subscribe(b, conn, o, limit, false)
	if err != nil {
		return nil, err
	}
	sub.Begin(&w)
	return &Poll{
		conn: conn, sub: sub, epoch: w.Epoch, limit: limit, expires: o.Expires, last: w.Start, gap: w.Gap,
	}, nil
}

// Fill implements transports.Session: nothing, or the whole body.
func (p *Poll) Fill(b *transports.Batch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return false
	}
	b.Begin(transports.Meta{})
	b.Buf = append(b.Buf, `{"events":[`...)
	n := p.fillEvents(b)
	cursor := replay.Cursor{Epoch: p.epoch, Seq: p.last}
	if n == 0 && p.gap == nil {
		if !p.expired.Load() {
			b.Discard()
			return false
		}
		cursor = p.sub.Position() // past what was filtered out
	}
	b.Buf = append(b.Buf, `],"cursor":"`...)
	b.Buf = cursor.AppendTo(b.Buf)
	b.Buf = append(b.Buf, `","gap":`...)
	g, err := json.Marshal(gap(p.gap))
	if err != nil {
		g = []byte("null") // our own struct always marshals
	}
	b.Buf = append(b.Buf, g...)
	b.Buf = append(b.Buf, '}')
	b.End()
	p.done = true
	p.sub.Close() // nothing that is handed to it from now on would be answered
	return false
}

// fillEvents lays out events until the answer is full and returns how many. An
// answer has room for one gap, in front of its events; another one is left to
// the next poll, which meets it again because the cursor stays before it.
func (p *Poll) fillEvents(b *transports.Batch) (n int) {
	var page [pageEvents]broker.Delivery
	for n < p.limit && !b.Full() {
		waiting := p.sub.Next(page[:0:min(len(page), p.limit-n)], b.Room())
		if len(waiting) == 0 {
			return n
		}
		for i := range waiting {
			d := &waiting[i]
			switch {
			case d.Gap == nil:
				if n > 0 {
					b.Buf = append(b.Buf, ',')
				}
				b.Buf = appendDelivery(b.Buf, d, p.epoch)
				n++
			case n > 0 || p.gap != nil:
				return n
			default:
				p.gap = d.Gap
			}
			if !d.Redelivered() {
				p.last = d.Seq
			}
		}
	}
	return n
}

// Expire makes the next Fill answer.
func (p *Poll) Expire() { p.expired.Store(true) }

// Receive implements transports.Session; a poll has no way to send.
func (*Poll) Receive([]byte, bool) error { return nil }

// Tick implements transports.Session: the poll is answered when the token
// ends. The carrier keeps the time of the poll itself.
func (p *Poll) Tick(now time.Time) time.Time {
	if !p.expires.IsZero() && !now.Before(p.expires) {
		p.Leave(transports.ReasonExpired)
		return time.Time{}
	}
	return p.expires
}

// Leave implements transports.Session: the poll is answered now. Who was revoked gets
// nothing any more.
func (p *Poll) Leave(r transports.Reason) {
	if r == transports.ReasonRevoked {
		p.sub.Close()
	}
	p.conn.Close(r)
}

// Closed implements transports.Session.
func (p *Poll) Closed(transports.Reason) { p.sub.Close() }
