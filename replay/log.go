package replay

// idIndexMin is how many events with a given id a log may hold before it keeps an
// index of them. Below that a scan is quicker than a map is large: a broadcast with
// an id stands in every log.
const idIndexMin = 16

// logOverhead is what a log with events costs besides them: the struct, a short name,
// and its places in the map and the list of the store.
const logOverhead = 320

// Log is the log of one user, held by [Store.Pin]. Its methods are those of the
// Store without the lookup and may be called concurrently. After the last Unpin
// they still answer for the user, by way of the store.
//
// A log without events owns no ring: an idle connected user costs about 200 bytes.
type Log struct {
	sh *shard // immutable, as user and epoch are; what follows is guarded by sh.mu

	user  string
	epoch string
	head  uint64
	at    uint64            // where the newest event lies in the Backing
	used  uint64            // stamp of the last use; only kept while unpinned
	ids   map[string]uint64 // given id to seq; nil up to idIndexMin of them
	ring  ring
	bytes int
	pins  int32
	given uint32 // events in ring with IDGiven
	why   cause  // why the event before the oldest is gone
	older bool   // the Backing may have events before the oldest
	due   int64  // when the oldest event goes, Unix milliseconds; spares a look at it
}

// Append adds ev at the head and returns its cursor. See [Store.Append].
func (l *Log) Append(ev *Event) Cursor { return l.sh.append(l.user, l, ev, 0) }

// State returns the log's epoch and bounds.
func (l *Log) State() State { return l.sh.state(l.user, l) }

// Survey tells what a reader that asks for since would get. See [Store.Survey].
func (l *Log) Survey(since Since, match func(*Event) bool) Survey {
	return l.sh.survey(l.user, l, since, match)
}

// Read returns the entries after a seq. See [Store.Read].
func (l *Log) Read(after uint64, dst []Entry, maxBytes int, match func(*Event) bool) ([]Entry, State) {
	return l.sh.read(l.user, l, after, dst, maxBytes, match)
}

// Expired reports whether the event's own time to live has run out.
func (l *Log) Expired(ev *Event) bool { return ev.Expires != 0 && ev.expiredAt(l.sh.store.now()) }

func (l *Log) oldest() uint64 { return l.head - uint64(l.ring.n) + 1 }

func (l *Log) stateLocked() State {
	return State{Epoch: l.epoch, Head: l.head, Oldest: l.oldest()}
}

// pushLocked makes room within the per-user bounds and appends.
func (l *Log) pushLocked(ev *Event, maxEvents, maxBytes int) {
	size := ev.Size()
	for l.ring.n > 0 && (int(l.ring.n) >= maxEvents || l.bytes+size > maxBytes) {
		l.popLocked(causeLimit)
		l.older = false // what is older is over the bound as well
	}
	l.ring.push(ev)
	if l.ring.n == 1 {
		l.due = l.sh.store.dueAt(ev)
	}
	l.bytes += size
	l.head++
	if ev.IDGiven {
		l.indexLocked(ev.ID, l.head)
	}
}

// popLocked drops the oldest event.
func (l *Log) popLocked(why cause) {
	seq := l.oldest()
	ev := l.ring.pop()
	if l.ring.n > 0 {
		l.due = l.sh.store.dueAt(l.ring.at(0))
	}
	l.bytes -= ev.Size()
	l.why = why
	l.sh.trimmed[why]++
	if !ev.IDGiven {
		return
	}
	l.given--
	// The same id may have been appended again; the later one stays findable.
	if l.ids[ev.ID] == seq {
		delete(l.ids, ev.ID)
	}
	if l.given == 0 {
		l.ids = nil
	}
}

// expireLocked drops aged and expired events from the old end. An expired one
// behind a live one stays, so that the numbering has no holes; reads replace it.
func (l *Log) expireLocked(now int64) {
	for l.ring.n > 0 && l.due <= now {
		l.popLocked(causeExpired)
	}
}

// indexLocked makes the event of a seq, which has the given id, findable. Those
// before it are.
func (l *Log) indexLocked(id string, seq uint64) {
	l.given++
	switch {
	case l.ids != nil:
		l.ids[id] = seq
	case l.given > idIndexMin:
		l.ids = make(map[string]uint64, 2*idIndexMin)
		for i := range uint64(l.ring.n) {
			if ev := l.ring.at(i); ev.IDGiven && l.oldest()+i <= seq {
				l.ids[ev.ID] = l.oldest() + i
			}
		}
	}
}

// findLocked returns the seq of the newest event with the given id, or 0.
func (l *Log) findLocked(id string) uint64 {
	if l.ids != nil || l.given == 0 {
		return l.ids[id]
	}
	for i := uint64(l.ring.n); i > 0; i-- {
		if ev := l.ring.at(i - 1); ev.IDGiven && ev.ID == id {
			return l.oldest() + i - 1
		}
	}
	return 0
}
