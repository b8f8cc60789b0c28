package broker

// Stats is a snapshot of the broker's gauges and counters. The shards are read
// one after another, so the sums are of no one instant.
type Stats struct {
	Connections, Users int
	Keys               int // idempotency keys and ids that are remembered
	Channels           int // with members
	Memberships        int

	Published  uint64 // events accepted, a broadcast counts once; no duplicates
	Duplicates uint64 // publishes answered from an earlier one
	Delivered  uint64 // events handed to a connection when published
	Lagged     uint64 // times a queue was full and its connection read on from the log
	Gaps       uint64 // resumes with a gap, and gaps met on reading that no time to live explains
	Replayed   uint64 // events promised to connections that resumed
	Refused    uint64 // subscriptions over a bound

	MembersJoined, MembersLeft uint64 // as announced in presence channels
	NoticesDropped             uint64 // of these, per connection, that gave way to one that the members have changed
}

// counters are cumulative since the start; the shard's lock guards them, so
// that cores which publish to different users share no cache line.
type counters struct {
	published, duplicates, delivered, lagged, gaps, replayed uint64
	joined, left, noticesDropped                             uint64
}

// Stats reads gauges and counters.
func (b *Broker) Stats() Stats {
	st := Stats{Connections: int(b.connections.Load()), Refused: b.refused.Load()}
	for i := range b.shards {
		b.shards[i].addStats(&st)
	}
	st.Channels, st.Memberships = b.roster.counts()
	b.broadcastMu.Lock()
	defer b.broadcastMu.Unlock()
	st.Keys += b.broadcasts.lru.Len()
	return st
}

func (sh *shard) addStats(st *Stats) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c := &sh.counters
	st.Users += len(sh.users)
	st.Keys += sh.keys.lru.Len()
	st.Published += c.published
	st.Duplicates += c.duplicates
	st.Delivered += c.delivered
	st.Lagged += c.lagged
	st.Gaps += c.gaps
	st.Replayed += c.replayed
	st.MembersJoined += c.joined
	st.MembersLeft += c.left
	st.NoticesDropped += c.noticesDropped
}
