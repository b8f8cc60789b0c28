package broker

import (
	"hubline/replay"
)

// Redelivery says which events of a user's log are delivered again, and to whom.
type Redelivery struct {
	// Since is where the events begin: after a cursor, or with all that is kept.
	// Other kinds mean no events.
	Since replay.Since
	// Until is the last one; nil means the newest. A cursor of another epoch means
	// events of which nothing is kept.
	Until *replay.Cursor
	// Match leaves out events for which it returns false; nil takes all. It is called
	// with locks of the log held and must be quick and pure.
	Match func(*replay.Event) bool
	// Device, if not empty, is the one device whose connections are meant.
	Device string
	// DryRun only tells what would be sent.
	DryRun bool
	// List is how many events are to be listed in the answer.
	List int
}

// Redelivered is what was delivered again, or would be.
type Redelivered struct {
	Epoch string
	// From and To are the first and the last seq that were looked at. There were
	// none when From is greater.
	From, To uint64
	// Events is how many of them are kept, match and have not expired; Listed are
	// the first of these.
	Events int
	Listed []replay.Entry
	// Gaps is what was asked for and is not kept, in order.
	Gaps []replay.Gap
	// Recipients are the connections that were asked about, the newest first, also
	// those for which there was nothing.
	Recipients []Recipient
}

// Recipient is one connection to which events are delivered again.
type Recipient struct {
	Waker    Waker // of its subscription
	Device   string
	Sent     int    // events that were put into its queue
	Rejected int    // events for which that had no room: all that come after Last
	Last     uint64 // seq of the last one sent; 0: none was
}

// Redeliver hands events of the user's log once more to the user's connections, with
// the seqs that they have. It moves no connection's position and saves no cursor, and
// normal delivery goes first: by the time an event comes again, the connection has been
// handed, or told as a gap, all that was in the log when that was asked for. Filters
// and addresses of events hold as ever, and what expires while it waits is left out.
//
// What waits to be delivered again shares the bounds of the connection's queue: it takes
// the room that is left there and takes none away from other events, so that both
// together may be twice the bounds. What does not fit is not sent. It returns
// ErrDraining.
func (b *Broker) Redeliver(user string, o Redelivery) (Redelivered, error) {
	if b.draining.Load() {
		return Redelivered{}, ErrDraining
	}
	r, events := b.findAgain(user, &o)
	r.Listed = events[:min(len(events), max(0, o.List)):len(events)]
	r.Events = len(events)
	a := &asked{events, make([]*Frame, len(events))}
	for _, s := range b.connectionsOf(user, r.Epoch, o.Device) {
		if to, ok := s.redeliver(a, o.DryRun); ok {
			r.Recipients = append(r.Recipients, to)
		}
	}
	return r, nil
}

// findAgain reads the events. The log may be appended to and trimmed meanwhile; what
// goes before it was read is a gap.
func (b *Broker) findAgain(user string, o *Redelivery) (r Redelivered, events []replay.Entry) {
	sv := b.store.Survey(user, o.Since, nil)
	r = Redelivered{Epoch: sv.Epoch, From: sv.Start + 1, To: sv.Head}
	ahead := uint64(0) // the last one asked for, if it is beyond the head
	if u := o.Until; u != nil {
		switch {
		case u.Epoch != "" && u.Epoch != sv.Epoch:
			r.To, r.Gaps = 0, []replay.Gap{{Reason: replay.EpochChanged}}
			return r, nil
		case u.Seq > sv.Head:
			ahead = u.Seq
		default:
			r.To = u.Seq
		}
	}
	if g := sv.Lost; g != nil && g.Reason == replay.Ahead {
		ahead = max(ahead, g.To)
	} else if g != nil {
		r.lost(*g)
	}
	var page [readPage]replay.Entry
	for pos := sv.Start; pos < r.To; {
		entries, st := b.store.Read(user, pos, page[:0], readBytes, o.Match)
		if st.Epoch != sv.Epoch || len(entries) == 0 { // it was evicted, and what is remembered of it too
			r.lost(replay.Gap{From: pos + 1, To: r.To, Reason: replay.Evicted})
			break
		}
		for _, e := range entries {
			switch {
			case e.Lost != nil:
				r.lost(*e.Lost)
			case e.Seq <= r.To && (o.Match == nil || o.Match(e.Event)):
				events = append(events, e)
			}
			pos = e.Seq
		}
	}
	if ahead > 0 {
		r.Gaps = append(r.Gaps, replay.Gap{From: sv.Head + 1, To: ahead, Reason: replay.Ahead})
	}
	return r, events
}

// lost notes a gap as far as it was asked for. Neighbours are one.
func (r *Redelivered) lost(g replay.Gap) {
	g.To = min(g.To, r.To)
	if g.From > g.To {
		return
	}
	if n := len(r.Gaps); n > 0 && r.Gaps[n-1].Reason == g.Reason && r.Gaps[n-1].To+1 == g.From {
		r.Gaps[n-1].To = g.To
		return
	}
	r.Gaps = append(r.Gaps, g)
}

// connectionsOf lists the user's connections to the log of an epoch, of one device or
// of all.
func (b *Broker) connectionsOf(user, epoch, device string) (all []*Subscription) {
	sh := b.shard(user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	u := sh.users[user]
	if u == nil || u.epoch != epoch {
		return nil
	}
	for s := u.first; s != nil; s = s.next {
		if device == "" || s.device == device {
			all = append(all, s)
		}
	}
	return all
}
