package replay

// Pin returns the user's log and keeps it from being evicted until as many calls of
// Unpin. A user without a log gets an empty one, which counts for no bound until it
// has an event; the caller bounds how many users it pins.
func (s *Store) Pin(user string) *Log {
	sh := s.shard(user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	l, ok := sh.pinned[user]
	if !ok {
		if l, ok = sh.unpinned.Peek(user); ok {
			sh.unpinned.Remove(user)
			sh.publishTailLocked()
		} else {
			l = sh.newLocked(user)
		}
		sh.pinned[l.user] = l
	}
	l.pins++
	return l
}

// Unpin takes back one Pin. After the last one the log is the most recently used of
// those that can be evicted; without events it becomes a watermark, and if it never
// had any it is dropped. It panics when l is not pinned.
func (s *Store) Unpin(l *Log) {
	sh := l.sh
	sh.mu.Lock()
	if l.pins <= 0 {
		sh.mu.Unlock()
		panic("replay: Unpin of a log that is not pinned")
	}
	evictable := false
	if l.pins--; l.pins == 0 {
		delete(sh.pinned, l.user)
		switch {
		case l.ring.n > 0:
			sh.touchLocked(l)
			evictable = true
		case l.head > 0:
			sh.retireLocked(l)
		}
	}
	sh.mu.Unlock()
	// Pinned logs may have taken the store over its bounds; now one of them can go.
	if evictable && s.over() {
		s.shrink(nil)
	}
}
