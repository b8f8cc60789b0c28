package broker

import (
	"hubline/replay"
)

// readPage and readBytes bound what one Next reads from the log, so that a
// page of large events is not held in memory at once.
const (
	readPage  = 32
	readBytes = 64 << 10
)

// put queues an event; the shard's lock is held. It reports true when the
// queue was full and the subscription reads on from the log from now on.
func (s *Subscription) put(it item, cfg *Config) (lagged bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.behind: // the log has it
		return false
	case s.queue.count >= cfg.QueueEvents,
		s.queue.count > 0 && s.queue.bytes+it.event.Size() > cfg.QueueBytes:
		// What came before the oldest that waits was taken or is not for this
		// connection: reading from there on finds no gap where nothing is lost.
		s.pos = s.queue.oldest().seq - 1
		s.queue.clear()
		s.behind = true
		return true
	}
	s.queue.push(it)
	return false
}

// Next takes what waits, oldest first, as far as dst has room and, all but the
// first, as maxBytes of Event.Size allow, and returns the filled part. An empty
// result means that nothing waits: the Waker will be called. dst must have room
// for one at least. Next must not be called concurrently with itself. After
// Close it returns nothing.
func (s *Subscription) Next(dst []Delivery, maxBytes int) []Delivery {
	dst = dst[:0]
	if cap(dst) == 0 {
		return dst
	}
	for {
		var behind bool
		if dst, behind = s.take(dst, maxBytes); !behind || len(dst) > 0 {
			return dst
		}
		for done := false; !done && len(dst) == 0; {
			dst, done = s.read(dst, min(maxBytes, readBytes))
		}
		if len(dst) > 0 {
			return dst
		}
		// It has caught up: what waits to be delivered again may come now.
	}
}

// take takes from the queue, and what waits beside it. It reports true if
// what follows is in the log.
func (s *Subscription) take(dst []Delivery, maxBytes int) (_ []Delivery, behind bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for bytes := 0; len(dst) < cap(dst); {
		if n := s.nextNotice(); n != nil { // they are few, and no place in the log
			if bytes += n.size(); bytes > maxBytes && len(dst) > 0 {
				break
			}
			s.popNotice()
			dst = append(dst, Delivery{Notice: n})
			continue
		}
		again := s.againDue()
		var ev *replay.Event
		switch {
		case again:
			ev = s.beside.items[0].frame.Event
		case s.queue.count > 0:
			ev = s.queue.oldest().event
		default:
			return dst, s.behind && !s.closed
		}
		if bytes += ev.Size(); bytes > maxBytes && len(dst) > 0 {
			break
		}
		if again {
			if it := s.popAgain(); !s.u.log.Expired(ev) {
				dst = append(dst, Delivery{Seq: it.seq, Event: ev, Frame: it.frame})
			}
			continue
		}
		it := s.queue.pop()
		s.pos = it.seq
		if s.u.log.Expired(ev) { // while it waited
			dst = appendExpired(dst, it.seq)
			continue
		}
		dst = append(dst, Delivery{Seq: it.seq, Event: it.event, Frame: it.frame})
	}
	return dst, false
}

// appendExpired notes that an event has expired. Neighbours are one gap.
func appendExpired(dst []Delivery, seq uint64) []Delivery {
	if n := len(dst); n > 0 && dst[n-1].Gap != nil && dst[n-1].Gap.Reason == replay.Expired && dst[n-1].Seq == seq-1 {
		last := &dst[n-1]
		last.Seq, last.Gap.To = seq, seq
		return dst
	}
	return append(dst, Delivery{Seq: seq, Gap: &replay.Gap{From: seq, To: seq, Reason: replay.Expired}})
}

// read takes a page from the log and appends what of it is for this
// connection. It reports true when that was up to the head: then the
// subscription is live again. Both are one step under the shard's lock, so
// nothing is published in between.
func (s *Subscription) read(dst []Delivery, maxBytes int) (_ []Delivery, done bool) {
	var page [readPage]replay.Entry
	sh := s.u.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed { // the log is no longer pinned, and may be another by now
		return dst, true
	}
	entries, st := s.u.log.Read(s.pos, page[:0:min(cap(dst), readPage)], maxBytes, s.wants)
	for i := range entries {
		e := &entries[i]
		s.pos = e.Seq
		switch {
		case e.Lost != nil:
			if e.Lost.Reason != replay.Expired {
				sh.counters.gaps++
			}
			dst = append(dst, Delivery{Seq: e.Seq, Gap: e.Lost})
		case s.wants(e.Event):
			dst = append(dst, Delivery{Seq: e.Seq, Event: e.Event})
		}
	}
	s.behind = s.pos < st.Head
	return dst, !s.behind
}

// Position is the cursor up to which the connection has been handed
// everything that concerns it: while nothing waits it moves with the log even
// when all new events are filtered out. After Close it stands still, for what
// waited then was not handed over.
func (s *Subscription) Position() replay.Cursor {
	sh := s.u.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && !s.behind && s.queue.count == 0 {
		s.pos = s.u.log.State().Head
	}
	return replay.Cursor{Epoch: s.u.epoch, Seq: s.pos}
}
