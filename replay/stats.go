package replay

// Stats is a snapshot for metrics. Gauges come first; the counters after them only
// grow. The shards are read one after another, so the sums are of no one instant.
type Stats struct {
	Users      int   // logs with events
	Pinned     int   // logs pinned, with or without events
	Events     int   // in all logs
	Bytes      int64 // what Config.MaxTotalBytes bounds
	Watermarks int

	Appended          uint64 // events
	EvictedUsers      uint64 // logs evicted for the bounds over all users
	DroppedWatermarks uint64 // users forgotten
	TrimmedEvicted    uint64 // events that went with an evicted log
	TrimmedExpired    uint64 // events dropped for age
	TrimmedLimit      uint64 // events dropped for the bounds of their log
}

// Stats returns the store's gauges and counters.
func (s *Store) Stats() Stats {
	st := Stats{Users: int(s.users.Load()), Bytes: s.held()}
	st.Watermarks, st.DroppedWatermarks = s.marks.stats()
	for i := range s.shards {
		s.shards[i].addStats(&st)
	}
	return st
}

func (sh *shard) addStats(st *Stats) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	st.Pinned += len(sh.pinned)
	st.Events += sh.events
	st.Appended += sh.appended
	st.EvictedUsers += sh.evicted
	st.TrimmedEvicted += sh.trimmed[causeEvicted]
	st.TrimmedExpired += sh.trimmed[causeExpired]
	st.TrimmedLimit += sh.trimmed[causeLimit]
}
