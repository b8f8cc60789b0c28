package replay

// State is where a log stands. Oldest is Head+1 when nothing is kept.
type State struct {
	Epoch        string
	Head, Oldest uint64
}

// Survey is what a reader asking for a position is about to get: taken under the
// lock, without copying a single event, so that "ready" can be said first.
type Survey struct {
	State
	// Start is the position delivery starts after: read from here.
	Start uint64
	// Lost is what must be announced before the first event, or nil. It ends at
	// Start, but for Ahead. What is missing after Start a read reports in its place.
	Lost *Gap
	// Matching is how many events after Start match and have not expired.
	Matching int
	// Recovered is true when every matching event after the asked position is still
	// there. "latest" is always recovered; "0" is when nothing was ever dropped.
	Recovered bool
}

// surveyLocked decides every pair of position and state; expireLocked ran before.
func (l *Log) surveyLocked(now int64, since Since, match func(*Event) bool) Survey {
	sv := Survey{State: l.stateLocked(), Start: l.head, Recovered: true}
	floor := sv.Oldest - 1 // the lowest position with nothing missing after it
	switch since.Kind {
	case SinceAll:
		sv.Start = floor
		sv.Recovered = floor == 0
	case SinceCursor:
		sv.Start, sv.Lost = l.locateLocked(since.Cursor, floor)
		sv.Recovered = sv.Lost == nil
	default: // SinceLatest, and SinceDevice when the caller found no saved cursor
		return sv
	}
	for i := sv.Start - floor; i < uint64(l.ring.n); i++ {
		switch ev := l.ring.at(i); {
		case match != nil && !match(ev):
		case ev.expiredAt(now):
			sv.Recovered = false
		default:
			sv.Matching++
		}
	}
	return sv
}

func (l *Log) locateLocked(c Cursor, floor uint64) (start uint64, lost *Gap) {
	switch {
	case c.Epoch != "" && c.Epoch != l.epoch:
		return floor, &Gap{From: 0, To: floor, Reason: EpochChanged}
	case c.Seq > l.head:
		return l.head, &Gap{From: l.head + 1, To: c.Seq, Reason: Ahead}
	case c.Seq < floor:
		return floor, &Gap{From: c.Seq + 1, To: floor, Reason: l.why.reason()}
	default:
		return c.Seq, nil
	}
}
