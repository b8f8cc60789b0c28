package broker

import (
	"slices"
)

// Present lists the users who are in a presence channel, by name, at most limit, and
// says how many there are.
func (b *Broker) Present(channel string, limit int) (users []string, total int) {
	p := &b.gatherings
	p.mu.Lock()
	g := p.channels[channel]
	p.mu.Unlock()
	if g == nil {
		return nil, 0
	}
	for _, sec := range p.sections(g, nil) {
		sh := &b.shards[sec.shard]
		sh.mu.Lock()
		for _, s := range sec.seats {
			if s.in {
				users = append(users, s.attendee.name)
			}
		}
		sh.mu.Unlock()
	}
	slices.Sort(users)
	return users[:min(len(users), max(0, limit))], len(users)
}

// Present is that of the broker.
func (s *Subscription) Present(channel string, limit int) (users []string, total int) {
	return s.u.shard.broker.Present(channel, limit)
}

// isIn reports whether the user is in a presence channel.
func (b *Broker) isIn(channel, user string) bool {
	sh := b.shard(user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.attendance == nil {
		return false
	}
	a := sh.attendance.attendees[user]
	if a == nil {
		return false
	}
	s := a.seatIn(channel)
	return s != nil && s.in
}
