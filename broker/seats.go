package broker

import (
	"cmp"
	"slices"
	"strings"
)

// seatLocked follows a membership of a presence channel that has begun or ended. Who has
// no connection needs no seat: it is taken on arrival.
func (sh *shard) seatLocked(channel, user string, in bool) {
	if !in {
		sh.leaveSeatLocked(channel, user)
	} else if u := sh.users[user]; u != nil {
		sh.takeSeatLocked(channel, u, true)
	}
}

// takeSeatLocked has a connected user be in; began says that the membership has begun now,
// of which the user's own connections are told.
func (sh *shard) takeSeatLocked(channel string, u *user, began bool) {
	b := sh.broker
	if sh.attendance == nil {
		sh.attendance = &attendance{attendees: make(map[string]*attendee)}
	}
	a := sh.attendance.attendees[u.name]
	if a == nil {
		a = &attendee{name: strings.Clone(u.name), user: u}
		sh.attendance.attendees[a.name] = a
	}
	s := a.seatIn(channel)
	if s == nil {
		s = &seat{attendee: a}
		a.seats = append(a.seats, s)
	}
	if s.member && s.in {
		return
	}
	if !s.member {
		s.member = true
		b.gatherings.enter(s, channel, b.store.ShardOf(u.name))
	}
	s.in = true
	b.note(s)
	if began {
		sh.tellOwnLocked(s, MemberJoined)
	}
}

// leaveSeatLocked: what waits for the user's own connections is of a channel that is no
// longer theirs.
func (sh *shard) leaveSeatLocked(channel, user string) {
	if sh.attendance == nil {
		return
	}
	a := sh.attendance.attendees[user]
	if a == nil {
		return
	}
	s := a.seatIn(channel)
	if s == nil || !s.member {
		return
	}
	b := sh.broker
	s.member = false
	b.gatherings.leave(s, b.store.ShardOf(user))
	if a.user != nil {
		sh.tellOwnLocked(s, MemberLeft)
	}
	if s.in {
		s.in = false
		b.note(s)
	}
	if !s.queued {
		sh.vacateLocked(s)
	}
}

// dropLocked forgets the seat of a member who has gone.
func (sh *shard) dropLocked(s *seat) {
	s.member = false
	sh.broker.gatherings.leave(s, sh.broker.store.ShardOf(s.attendee.name))
	sh.vacateLocked(s)
}

// vacateLocked forgets a seat of which there is nothing to announce any more.
func (sh *shard) vacateLocked(s *seat) {
	a := s.attendee
	sh.broker.gatherings.vacate(s.channel)
	a.seats = slices.DeleteFunc(a.seats, func(o *seat) bool { return o == s })
	if len(a.seats) == 0 {
		sh.attendance.unlink(a)
		delete(sh.attendance.attendees, a.name)
	}
}

// seatIn returns the user's seat in a channel, or nil.
func (a *attendee) seatIn(channel string) *seat {
	for _, s := range a.seats {
		if s.channel.name == channel {
			return s
		}
	}
	return nil
}

// gathering is a presence channel with a seat at least.
type gathering struct {
	name  string
	seats int // also those whose end is yet to be announced
	// sections are the members' seats, by shard. A shard's lock guards its section, and
	// that of the gatherings the list.
	sections []*section
}

// section is the members of a presence channel who belong to one shard. One that is not
// in a gathering's list any more is empty, and stays so.
type section struct {
	shard int
	seats []*seat // by name
}

func (g *gathering) find(shard int) (i int, ok bool) {
	return slices.BinarySearchFunc(g.sections, shard, func(s *section, shard int) int { return cmp.Compare(s.shard, shard) })
}

func (s *section) find(name string) (i int, ok bool) {
	return slices.BinarySearchFunc(s.seats, name, func(s *seat, name string) int { return cmp.Compare(s.attendee.name, name) })
}

// enter makes the seat one of the channel's members. The lock of its shard is held.
func (p *gatherings) enter(s *seat, channel string, shard int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.channel == nil {
		g := p.channels[channel]
		if g == nil {
			g = &gathering{name: strings.Clone(channel)}
			p.channels[g.name] = g
		}
		g.seats++
		s.channel = g
	}
	g := s.channel
	i, ok := g.find(shard)
	if !ok {
		g.sections = slices.Insert(g.sections, i, &section{shard: shard})
	}
	sec := g.sections[i]
	k, _ := sec.find(s.attendee.name)
	sec.seats = slices.Insert(sec.seats, k, s)
}

// leave is the opposite of enter.
func (p *gatherings) leave(s *seat, shard int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := s.channel
	i, _ := g.find(shard)
	sec := g.sections[i]
	k, _ := sec.find(s.attendee.name)
	sec.seats = shrunk(slices.Delete(sec.seats, k, k+1))
	if len(sec.seats) == 0 {
		g.sections = slices.Delete(g.sections, i, i+1)
	}
}

// vacate counts a seat less.
func (p *gatherings) vacate(g *gathering) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g.seats--; g.seats == 0 {
		delete(p.channels, g.name)
	}
}

// sections appends to dst those of a channel.
func (p *gatherings) sections(g *gathering, dst []*section) []*section {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(dst, g.sections...)
}
