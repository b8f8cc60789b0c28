package broker

import (
	"slices"
	"strings"
	"time"
)

// PresencePrefix begins the names of channels whose members are told of one another.
const PresencePrefix = "presence-"

// IsPresence reports whether the members of the channel are told of one another.
func IsPresence(channel string) bool { return strings.HasPrefix(channel, PresencePrefix) }

// attendance is what a shard knows of users who are members of presence channels. The
// shard's lock guards it and all that hangs on it, unless it says otherwise. Nil knows
// nobody, so that others pay nothing.
type attendance struct {
	attendees map[string]*attendee
	// Those who have no connection and are still in somewhere, the longest first. It is a
	// list, for whoever comes back leaves it.
	first, last *attendee
}

// attendee is a user who has a seat at least.
type attendee struct {
	name       string
	user       *user // nil: no connection
	seats      []*seat
	leaves     time.Time // the end of the grace; zero: it has not begun
	next, prev *attendee
}

// seat is a user in a presence channel. There is one at most for each user and channel,
// from the first connection of a member until it has been announced that the user has gone,
// or is no member any more: a membership of a user who is away costs no more than others.
type seat struct {
	attendee *attendee
	channel  *gathering
	member   bool
	in       bool // a member, with a connection or within the grace of the last one
	told     bool // in, as was announced last
	queued   bool // to be announced
}

// arrivedLocked notes the first connection of a user: a look at the roster for those in
// no presence channel, and for others a seat in each of theirs.
func (sh *shard) arrivedLocked(u *user) {
	if sh.attendance != nil {
		if a := sh.attendance.attendees[u.name]; a != nil {
			a.user = u
			sh.attendance.unlink(a)
		}
	}
	for _, channel := range sh.broker.roster.presence(u.name) {
		sh.takeSeatLocked(channel, u, false)
	}
}

// departedLocked notes the end of a user's last connection.
func (sh *shard) departedLocked(name string) {
	if sh.attendance == nil {
		return
	}
	a := sh.attendance.attendees[name]
	if a == nil {
		return
	}
	a.user = nil
	sh.attendance.link(a, time.Now().Add(sh.broker.cfg.PresenceGrace))
}

// SweepPresence announces those whose grace has ended by now as gone. Call it again and
// again: who is gone is known no sooner.
func (b *Broker) SweepPresence(now time.Time) {
	if b.draining.Load() {
		return // all are about to lose their connections, and to come back elsewhere
	}
	for i := range b.shards {
		b.shards[i].sweepPresence(now)
	}
}

func (sh *shard) sweepPresence(now time.Time) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.attendance == nil {
		return
	}
	for a := sh.attendance.first; a != nil && !now.Before(a.leaves); a = sh.attendance.first {
		sh.attendance.unlink(a)
		for _, s := range slices.Clone(a.seats) {
			if s.in {
				s.in = false
				sh.broker.note(s)
			} else if !s.queued {
				sh.dropLocked(s)
			}
		}
	}
}

// link begins the grace of one who is not in it. All have the same, so that the list is
// in the order of its ends.
func (p *attendance) link(a *attendee, leaves time.Time) {
	a.leaves, a.prev, a.next = leaves, p.last, nil
	if p.last != nil {
		p.last.next = a
	} else {
		p.first = a
	}
	p.last = a
}

// unlink ends the grace, if it has begun.
func (p *attendance) unlink(a *attendee) {
	if a.leaves.IsZero() {
		return
	}
	if a.prev != nil {
		a.prev.next = a.next
	} else {
		p.first = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	} else {
		p.last = a.prev
	}
	a.leaves, a.next, a.prev = time.Time{}, nil, nil
}
