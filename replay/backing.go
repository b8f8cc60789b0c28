package replay

import "slices"

// Backing keeps the events of a Store where they outlive it; the Store is then a
// cache in front of it. What its bounds on memory push out comes back when somebody
// asks for it; what the bounds of one user's log push out is gone for everybody.
//
// Its methods are called with the mutex of the user's shard held, by several
// goroutines at a time, and must not call the Store.
type Backing interface {
	// Epoch is that of users who are not known. It changes when one is forgotten who
	// had a log in it.
	Epoch() string
	// Find returns where the log of a user stands whom the Store does not
	// remember. ok is false for one who is not known.
	Find(user string) (st Standing, ok bool)
	// Load hands over the user's events below a seq, the newest first and without
	// holes, until take reports false or there is none. at is where the newest of
	// all the user's events lies. It returns why the event before the last one
	// that it handed over cannot be had; that counts only if take never reported
	// false.
	Load(user string, at, below uint64, take func(seq uint64, ev *Event) bool) Reason
}

// Standing is where a log stands on a Backing.
type Standing struct {
	Epoch string
	Head  uint64
	At    uint64 // where the event at Head lies, in the Backing's own terms; 0: nowhere
}

// AppendAt is Append for an event that lies in the Backing at the given place. The
// Backing's Find tells of it from the end of the call on, not before.
func (s *Store) AppendAt(user string, ev *Event, at uint64) Cursor {
	return s.shard(user).append(user, nil, ev, at)
}

// AppendAt is Append for an event that lies in the Backing at the given place.
func (l *Log) AppendAt(ev *Event, at uint64) Cursor { return l.sh.append(l.user, l, ev, at) }

// Standing returns where the user's log stands. Unlike State it asks nothing of the
// Backing but Find, and does not count as a use.
func (s *Store) Standing(user string) Standing {
	sh := s.shard(user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	l := sh.findLocked(user, nil)
	if l == nil {
		g := sh.ghostLocked(user)
		l = &g
	}
	return Standing{Epoch: l.epoch, Head: l.head, At: l.at}
}

// open locks the shard and returns the user's log with everything in it that is
// kept, or nil for a user who has none. It is for readers: who appends needs no
// older events. loaded is the log if something came back for it.
func (sh *shard) open(user string, hint *Log, now int64) (l, loaded *Log) {
	sh.mu.Lock()
	l = sh.findLocked(user, hint)
	switch {
	case l != nil && !l.older, sh.store.cfg.Backing == nil:
		return l, nil
	case l != nil:
		sh.loadLocked(l, now)
		return l, l
	}
	if g := sh.ghostLocked(user); !g.older {
		return nil, nil
	}
	l = sh.newLocked(user)
	sh.loadLocked(l, now)
	if l.ring.n == 0 {
		sh.store.marks.put(l.user, l.watermark())
		return nil, nil
	}
	sh.touchLocked(l)
	return l, l
}

// close unlocks the shard. What came back may have taken the store over its bounds:
// others have to go or, if they cannot, it again.
func (sh *shard) close(loaded *Log) {
	sh.mu.Unlock()
	s := sh.store
	if loaded == nil || !s.over() {
		return
	}
	if s.shrink(nil); s.over() {
		sh.trimOver(loaded)
	}
}

// loadLocked brings back what the log's own bounds allow of what only the Backing
// has.
func (sh *shard) loadLocked(l *Log, now int64) {
	s := sh.store
	before := l.markLocked()
	var older []*Event // the newest first
	bytes, why := l.bytes, causeNone
	reason := s.cfg.Backing.Load(l.user, l.at, l.oldest(), func(_ uint64, ev *Event) bool {
		size := ev.Size()
		switch {
		case int(l.ring.n)+len(older) >= s.cfg.MaxEvents, bytes+size > s.cfg.MaxBytes && l.ring.n+uint32(len(older)) > 0: //nolint:gosec // bounded by MaxEvents
			why = causeLimit
		case s.maxAge != 0 && ev.Time+s.maxAge <= now:
			why = causeExpired
		default:
			bytes += size
			older = append(older, ev)
			return true
		}
		return false
	})
	l.older = false
	if l.why = why; why == causeNone {
		l.why = causeOf(reason)
	}
	if len(older) == 0 {
		return
	}
	l.prependLocked(older)
	l.bytes = bytes
	l.due = s.dueAt(l.ring.at(0))
	sh.bookLocked(l, before)
}

// prependLocked puts events, the newest first, before those that the log has.
func (l *Log) prependLocked(older []*Event) {
	size := minRing
	for size < int(l.ring.n)+len(older) {
		size *= 2
	}
	r := ring{buf: make([]*Event, size)}
	for _, ev := range slices.Backward(older) {
		r.push(ev)
	}
	for i := range uint64(l.ring.n) {
		r.push(l.ring.at(i))
	}
	l.ring, l.ids, l.given = r, nil, 0
	for i := range uint64(r.n) {
		if ev := r.at(i); ev.IDGiven {
			l.indexLocked(ev.ID, l.oldest()+i)
		}
	}
}

func (l *Log) watermark() watermark {
	return watermark{epoch: l.epoch, head: l.head, at: l.at, why: l.why}
}
