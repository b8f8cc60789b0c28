package replay

// The operations on one user, for both Store (hint is nil) and Log.

func (sh *shard) append(user string, hint *Log, ev *Event, at uint64) Cursor {
	s := sh.store
	now := s.now()
	sh.mu.Lock()
	l := sh.findLocked(user, hint)
	if l == nil {
		l = sh.newLocked(user)
	}
	sh.touchLocked(l)
	sh.appendLocked(l, ev, now)
	l.at = at
	c := Cursor{Epoch: l.epoch, Seq: l.head}
	sh.mu.Unlock()
	if s.over() {
		s.shrink(l)
	}
	return c
}

func (sh *shard) appendLocked(l *Log, ev *Event, now int64) {
	before := l.markLocked()
	l.expireLocked(now)
	l.pushLocked(ev, sh.store.cfg.MaxEvents, sh.store.cfg.MaxBytes)
	sh.appended++
	// The counts can be as before (one in, one out) while the bytes are not, and
	// the other way round; what was pushed keeps the log from being empty.
	sh.settleLocked(l, before)
}

func (sh *shard) state(user string, hint *Log) State {
	now := sh.store.now()
	l, loaded := sh.open(user, hint, now)
	defer sh.close(loaded)
	if l == nil {
		g := sh.ghostLocked(user)
		return g.stateLocked()
	}
	sh.expireLocked(l, now)
	return l.stateLocked()
}

func (sh *shard) survey(user string, hint *Log, since Since, match func(*Event) bool) Survey {
	now := sh.store.now()
	l, loaded := sh.open(user, hint, now)
	defer sh.close(loaded)
	if l == nil {
		g := sh.ghostLocked(user)
		return g.surveyLocked(now, since, match)
	}
	sh.touchLocked(l)
	sh.expireLocked(l, now)
	return l.surveyLocked(now, since, match)
}

func (sh *shard) read(user string, hint *Log, after uint64, dst []Entry, maxBytes int, match func(*Event) bool) ([]Entry, State) {
	now := sh.store.now()
	l, loaded := sh.open(user, hint, now)
	defer sh.close(loaded)
	if l == nil {
		g := sh.ghostLocked(user)
		return g.readLocked(now, after, dst, maxBytes, match), g.stateLocked()
	}
	sh.touchLocked(l)
	sh.expireLocked(l, now)
	return l.readLocked(now, after, dst, maxBytes, match), l.stateLocked()
}

// expireLocked may retire l; it can still be read, as an empty log, until mu is
// released.
func (sh *shard) expireLocked(l *Log, now int64) {
	before := l.markLocked()
	l.expireLocked(now)
	sh.settleLocked(l, before)
}

// AppendEach adds ev to logs that are pinned and all of one shard, in one critical
// section, and puts the seq that it has in each into seqs, which is as long. A log may
// not stand there twice. It is Append for many, without what would be the same each
// time.
func (s *Store) AppendEach(logs []*Log, ev *Event, seqs []uint64) {
	if len(logs) == 0 {
		return
	}
	now, size := s.now(), ev.Size()
	sh := logs[0].sh
	sh.mu.Lock()
	bytes, events, users := 0, 0, 0
	for i, l := range logs {
		n := l.ring.n
		if n > 0 && (l.due <= now || int(n) >= s.cfg.MaxEvents || l.bytes+size > s.cfg.MaxBytes) {
			sh.appendLocked(l, ev, now) // something has to go
		} else {
			l.pushLocked(ev, s.cfg.MaxEvents, s.cfg.MaxBytes)
			bytes, events = bytes+size, events+1
			if n == 0 {
				users++
			}
		}
		l.at = 0
		seqs[i] = l.head
	}
	sh.events += events
	sh.appended += uint64(events) //nolint:gosec // a count
	sh.mu.Unlock()
	s.bytes.Add(int64(bytes))
	s.users.Add(int64(users))
	if s.over() {
		s.shrink(nil)
	}
}
