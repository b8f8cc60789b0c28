package broker

import (
	"hubline/replay"
)

// beside is what waits beside the queue of one connection: events to be delivered again,
// and notices. Its memory goes when nothing waits any more.
type beside struct {
	items   []againItem
	bytes   int // of items
	notices []waitingNotice
}

// besideLocked returns what waits beside the queue, and never nil.
func (s *Subscription) besideLocked() *beside {
	if s.beside == nil {
		s.beside = &beside{}
	}
	return s.beside
}

// tidyLocked gives the memory back when nothing waits.
func (s *Subscription) tidyLocked() {
	switch b := s.beside; {
	case len(b.items)+len(b.notices) == 0:
		s.beside = nil
	case len(b.notices) == 0:
		b.notices = nil
	case len(b.items) == 0:
		b.items = nil
	}
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
	if s.beside != nil {
		count, bytes = count+len(s.beside.items), bytes+s.beside.bytes
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
	b := s.besideLocked()
	b.items = append(b.items, it)
	b.bytes += size
}

// popAgain removes the oldest item, of which there is one; s.mu is held.
func (s *Subscription) popAgain() againItem {
	b := s.beside
	it := b.items[0]
	b.items[0] = againItem{} // the event must not outlive its delivery
	b.items, b.bytes = b.items[1:], b.bytes-it.frame.Event.Size()
	s.tidyLocked()
	return it
}

// againDue reports that an event waits to be delivered again, and that all that goes
// first has been taken; s.mu is held.
func (s *Subscription) againDue() bool {
	switch {
	case s.beside == nil || len(s.beside.items) == 0:
		return false
	case s.queue.count > 0:
		return s.queue.oldest().seq > s.beside.items[0].after
	case s.behind:
		return s.pos >= s.beside.items[0].after
	}
	return true
}
