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
	sub     *broker.Subscription
	epoch   string
	limit   int
	start   uint64
	gap     *replay.Gap
	expired atomic.Bool
	expires time.Time
	conn    transports.Conn

	mu   sync.Mutex // guards done: Fill may race with a late Wake
	done bool
}

// NewPoll subscribes for one answer of at most limit events. The cursor that
// it continues from is thereby acknowledged for the client's device.
func NewPoll(b *broker.Broker, conn transports.Conn, o Options, limit int) (*Poll, error) {
	sub, w, err := b.Subscribe(broker.Options{
		User: o.User, Device: o.Device, Since: o.Since, Match: matcher(o.Types), Waker: conn,
	})
	if err != nil {
		return nil, err
	}
	if o.Since.Kind == replay.SinceCursor {
		sub.Acknowledge(o.Since.Cursor)
	}
	return &Poll{sub: sub, epoch: w.Epoch, limit: limit, start: w.Start, gap: w.Gap, expires: o.Expires, conn: conn}, nil
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
	last, n := p.start, 0
	var page [32]broker.Delivery
collect:
	for n < p.limit {
		waiting := p.sub.Next(page[:0:min(len(page), p.limit-n)])
		if len(waiting) == 0 {
			break
		}
		for i := range waiting {
			d := &waiting[i]
			if d.Gap != nil {
				if n > 0 || p.gap != nil {
					break collect // the next poll meets it first
				}
				p.gap, last = d.Gap, d.Seq
				continue
			}
			if n > 0 {
				b.Buf = append(b.Buf, ',')
			}
			b.Buf = AppendEvent(b.Buf, d.Event, p.epoch, d.Seq)
			last = d.Seq
			n++
		}
		if b.Full() {
			break
		}
	}
	if n == 0 && p.gap == nil && !p.expired.Load() {
		b.Discard()
		return false
	}
	cursor := replay.Cursor{Epoch: p.epoch, Seq: last}
	if n == 0 && p.gap == nil {
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
	return false
}

// Expire makes the next Fill answer.
func (p *Poll) Expire() { p.expired.Store(true) }

// Receive implements transports.Session; a poll has no way to send.
func (*Poll) Receive([]byte, bool) error { return nil }

// Tick implements transports.Session. The carrier keeps the time.
func (*Poll) Tick(time.Time) time.Time { return time.Time{} }

// Leave implements transports.Session: the poll is answered now.
func (p *Poll) Leave(r transports.Reason) { p.conn.Close(r) }

// Closed implements transports.Session.
func (p *Poll) Closed(transports.Reason) { p.sub.Close() }
