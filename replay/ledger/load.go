package ledger

import (
	"errors"
	"fmt"
	"sync"

	"hubline/replay"
	"hubline/replay/journal"
)

// maxBadRecords is how many damaged records are remembered as logged. More are
// logged each time that they are met.
const maxBadRecords = 4096

// buffers hold the record of an entry and that of the body it points to.
type buffers struct{ entry, body []byte }

var bufferPool = sync.Pool{New: func() any { return new(buffers) }}

// maxPooledBytes: a buffer that one large record has grown is not kept.
const maxPooledBytes = 64 << 10

func (b *buffers) free() {
	if cap(b.entry) <= maxPooledBytes && cap(b.body) <= maxPooledBytes {
		bufferPool.Put(b)
	}
}

// Load follows the chain of a user's events from the newest, at a place, to older
// ones, and hands over those below a seq: see replay.Backing. Every record must be
// of that user and have the seq before that of the last one; one that has not, or
// that cannot be read, ends the chain: it is counted, logged once, and what is before
// it was evicted.
func (l *Ledger) Load(user string, at, below uint64, take func(seq uint64, ev *replay.Event) bool) replay.Reason {
	buf := bufferPool.Get().(*buffers) //nolint:errcheck // nothing else is in it
	defer buf.free()
	var next uint64 // the seq that comes; 0 is any that reaches up to below
	for at != 0 && below > 1 {
		h, err := l.readHead(at, &buf.entry)
		if err != nil {
			return l.ended(user, at, err)
		}
		if h.kind != kindEvent || string(h.user) != user || next != 0 && h.seq != next || h.seq < below-1 && next == 0 || h.prev >= at {
			return l.ended(user, at, fmt.Errorf("%w: seq %d does not follow here", errRecord, h.seq))
		}
		if h.seq < below {
			ev, place, err := l.eventOf(&h, at, &buf.body)
			if err != nil {
				return l.ended(user, place, err)
			}
			if !take(h.seq, ev) {
				break
			}
		}
		if h.seq == 1 {
			break
		}
		next, at = h.seq-1, h.prev
	}
	return replay.Evicted
}

// readHead reads a record into a buffer, in which the head lies.
func (l *Ledger) readHead(at uint64, buf *[]byte) (head, error) {
	b, err := l.journal.Read(at, (*buf)[:0])
	*buf = b
	if err != nil {
		return head{}, err
	}
	h, ok := parseHead(b)
	if !ok {
		return head{}, errRecord
	}
	return h, nil
}

// eventOf decodes the event of an entry, or that of its body. place is that of the
// record which the error is about.
func (l *Ledger) eventOf(h *head, at uint64, buf *[]byte) (ev *replay.Event, place uint64, err error) {
	if h.body == 0 {
		ev, err = h.event()
		return ev, at, err
	}
	b, err := l.readHead(h.body, buf)
	if err != nil {
		return nil, h.body, err
	}
	if b.kind != kindBody {
		return nil, h.body, errRecord
	}
	ev, err = b.event()
	return ev, h.body, err
}

// ended returns the reason why a chain ends at a place.
func (l *Ledger) ended(user string, at uint64, err error) replay.Reason {
	if errors.Is(err, journal.ErrClosed) {
		return replay.Evicted
	}
	// A segment that is being dropped may still count for First.
	if errors.Is(err, journal.ErrNotFound) && at <= l.journal.Last() {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.meta.reason(at)
	}
	if l.isNewBad(at, err) {
		l.damaged.Add(1)
		l.log.Error("event could not be read, what is before it is lost", "user", user, "at", at, "err", err)
	}
	return replay.Evicted
}

// isNewBad reports whether a record is met for the first time that cannot be read.
// What the disk says of itself is new each time.
func (l *Ledger) isNewBad(at uint64, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, known := l.badRecords[at]
	if !known && isBadRecord(err) && len(l.badRecords) < maxBadRecords {
		l.badRecords[at] = struct{}{}
	}
	return !known
}
