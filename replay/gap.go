package replay

// Reason says why events can no longer be replayed; the values stand on the wire.
type Reason string

const (
	Evicted      Reason = "evicted" // the whole log had to go for others
	Expired      Reason = "expired" // too old, or past their own time to live
	EpochChanged Reason = "epoch"   // the cursor is from another life of the log
	Ahead        Reason = "ahead"   // the cursor is beyond the newest event
	Limit        Reason = "limit"   // pushed out by newer events of the same log
)

// Gap is a range of seqs, both ends included, that cannot be delivered. With
// EpochChanged the range starts at 0, which no event ever has: how many events of
// the other epoch are missing is unknown. With Ahead it lies beyond the head.
type Gap struct {
	From, To uint64
	Reason   Reason
}

// Entry is an event of a log with its seq, or, when Lost is set, the announcement
// of missing ones in their place; then Seq is Lost.To, so the Seq of the last entry
// is always where the next read goes on.
type Entry struct {
	Seq   uint64
	Event *Event
	Lost  *Gap
}

// cause is a Reason in one byte, for a log struct that stays small.
type cause uint8

const (
	causeNone cause = iota
	causeEvicted
	causeExpired
	causeLimit
	causes
)

func causeOf(r Reason) cause {
	switch r {
	case Expired:
		return causeExpired
	case Limit:
		return causeLimit
	case Evicted:
		return causeEvicted
	}
	return causeNone
}

func (c cause) reason() Reason {
	switch c {
	case causeExpired:
		return Expired
	case causeLimit:
		return Limit
	default:
		return Evicted
	}
}
