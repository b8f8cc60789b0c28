package broker

import (
	"hubline/replay"
)

// again is what waits to be delivered again to one connection. Its memory goes when
// nothing waits any more.
type again struct {
	items []againItem
	bytes int
}

type againItem struct {
	seq, after uint64 // after: what the log had by then goes first
	frame      *Frame
}

// asked are the events to be delivered again, with frames that the connections share,
// made when the first one has room.
type asked struct {
	events []replay.Entry
	frames []*Frame
}

func (a *asked) frame(i int) *Frame {
	if a.frames[i] == nil {
		a.frames[i] = &Frame{Event: a.events[i].Event, again: true}
	}
	return a.frames[i]
}

// redeliver puts the events that are for this connection behind those that wait, as
// far as there is room: no more after the first that has none. It reports false if the
// connection is closed.
func (s *Subscription) redeliver(a *asked, dry bool) (to Recipient, ok bool) {
	wanted := make([]int, 0, len(a.events))
	for i := range a.events { // before the lock is taken: they may be many
		if s.wants(a.events[i].Event) {
			wanted = append(wanted, i)
		}
	}
	sh := s.u.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return to, false
	}
	to = Recipient{Waker: s.waker, Device: s.device}
	count, bytes := s.queue.count, s.queue.bytes
	if s.again != nil {
		count, bytes = count+len(s.again.items), bytes+s.again.bytes
	}
	after := s.u.log.State().Head
	maxCount, maxBytes := sh.broker.cfg.QueueEvents, sh.broker.cfg.QueueBytes
	if s.room > 0 {
		maxCount, maxBytes = min(maxCount, int(s.room)), min(maxBytes, readBytes)
	}
	for _, i := range wanted {
		e := &a.events[i]
		size := e.Event.Size()
		if count >= maxCount || count > 0 && bytes+size > maxBytes {
			break
		}
		count, bytes = count+1, bytes+size
		to.Sent, to.Last = to.Sent+1, e.Seq
		if !dry {
			s.pushAgain(againItem{seq: e.Seq, after: after, frame: a.frame(i)}, size)
		}
	}
	to.Rejected = len(wanted) - to.Sent
	if to.Sent > 0 && !dry {
		s.waker.Wake()
	}
	return to, true
}

// pushAgain appends an item; s.mu is held.
func (s *Subscription) pushAgain(it againItem, size int) {
	if s.again == nil {
		s.again = &again{}
	}
	s.again.items = append(s.again.items, it)
	s.again.bytes += size
}

// popAgain removes the oldest item, of which there is one; s.mu is held.
func (s *Subscription) popAgain() againItem {
	a := s.again
	it := a.items[0]
	a.items[0] = againItem{} // the event must not outlive its delivery
	a.items, a.bytes = a.items[1:], a.bytes-it.frame.Event.Size()
	if len(a.items) == 0 {
		s.again = nil
	}
	return it
}

// againDue reports that an event waits to be delivered again, and that all that goes
// first has been taken; s.mu is held.
func (s *Subscription) againDue() bool {
	switch {
	case s.again == nil:
		return false
	case s.queue.count > 0:
		return s.queue.oldest().seq > s.again.items[0].after
	case s.behind:
		return s.pos >= s.again.items[0].after
	}
	return true
}
