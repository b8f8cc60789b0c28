package replay

func (s *Store) over() bool {
	return s.users.Load() > int64(s.cfg.MaxUsers) || s.held() > s.cfg.MaxTotalBytes
}

// shrink evicts until the store is within its bounds. keep is the log just appended
// to, or nil: it is not evicted, or the event would be lost before anybody could
// read it. When there is nothing else to evict it gives up its older events, which
// helps against too many bytes; against too many users nothing more can be done.
func (s *Store) shrink(keep *Log) {
	s.shrinkMu.Lock()
	defer s.shrinkMu.Unlock()
	for s.over() {
		if s.evictOne(keep) {
			continue
		}
		if keep != nil {
			keep.sh.trimOver(keep)
		}
		return
	}
}

// evictOne evicts the least recently used log but keep, and reports whether there
// was one. Between the look at the tails and the lock the order may change; then it
// is a log that was among the oldest a moment ago.
func (s *Store) evictOne(keep *Log) bool {
	var skip *shard
	for {
		sh := s.coldest(skip)
		if sh == nil {
			return false
		}
		sh.mu.Lock()
		_, l, ok := sh.unpinned.GetOldest()
		switch {
		case !ok: // emptied meanwhile; its tail now says so
		case l == keep:
			// What else is in this shard came after keep, by a publisher that has
			// yet to call shrink, and will find keep evictable.
			skip = sh
		default:
			sh.evictLocked(l)
			sh.mu.Unlock()
			return true
		}
		sh.mu.Unlock()
	}
}

// coldest returns the shard with the oldest tail, or nil when all are empty.
func (s *Store) coldest(skip *shard) *shard {
	var found *shard
	oldest := uint64(noTail)
	for i := range s.shards {
		sh := &s.shards[i]
		if tail := sh.tail.Load(); tail < oldest && sh != skip {
			found, oldest = sh, tail
		}
	}
	return found
}

// trimOver drops the oldest events of l, all but the newest, as long as the store
// has too many bytes.
func (sh *shard) trimOver(l *Log) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	before := l.markLocked()
	excess := sh.store.held() - sh.store.cfg.MaxTotalBytes
	for l.ring.n > 1 && int64(before.bytes-l.bytes) < excess {
		l.popLocked(causeLimit)
		l.older = l.at != 0
	}
	sh.settleLocked(l, before)
}

// held is what MaxTotalBytes bounds.
func (s *Store) held() int64 { return s.bytes.Load() + s.users.Load()*logOverhead }
