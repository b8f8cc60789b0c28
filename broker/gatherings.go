package broker

import (
	"sync"
)

// gatherings are the presence channels, and what is to be announced in them.
type gatherings struct {
	mu       sync.Mutex
	channels map[string]*gathering
	queue    []*seat // each once at most, so that it is bounded by the memberships
	running  bool
	closed   bool
	work     sync.WaitGroup
}

// note has a change of the seat announced. The lock of the seat's shard is held.
func (b *Broker) note(s *seat) {
	if s.queued || b.draining.Load() {
		return
	}
	p := &b.gatherings
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	s.queued = true
	p.queue = append(p.queue, s)
	if !p.running {
		p.running = true
		p.work.Go(b.announceSeats) // ends when nothing is to be announced
	}
}

// next takes what is to be announced; nil ends the announcing.
func (p *gatherings) next() *seat {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 || p.closed {
		p.queue, p.running = nil, false
		return nil
	}
	s := p.queue[0]
	p.queue[0] = nil
	p.queue = p.queue[1:]
	return s
}

// close has nothing announced any more.
func (p *gatherings) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.work.Wait()
}

// announceSeats tells members of one another. It is one goroutine at most, so that all
// hear of a user in the same order.
func (b *Broker) announceSeats() {
	var sections []*section
	for s := b.gatherings.next(); s != nil; s = b.gatherings.next() {
		first, second := b.settleSeat(s)
		// The members are looked up after the change: one who is not among them yet begins
		// with a list that has it.
		sections = b.gatherings.sections(s.channel, sections[:0])
		for _, sec := range sections {
			b.shards[sec.shard].tell(sec, s, first, second)
		}
		clear(sections)
	}
}

// settleSeat decides what there is to tell of the seat: one change or, when it is as it
// was, two, since somebody may have seen what was between.
func (b *Broker) settleSeat(s *seat) (first, second *Notice) {
	sh := b.shard(s.attendee.name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	first = s.announce(&sh.counters)
	if s.told != s.in {
		second = s.announce(&sh.counters)
	}
	s.queued = false
	switch {
	case !s.member:
		sh.vacateLocked(s)
	case !s.in && s.attendee.user == nil:
		sh.dropLocked(s)
	}
	return first, second
}

// announce returns the opposite of what was told last.
func (s *seat) announce(c *counters) *Notice {
	if s.told = !s.told; s.told {
		c.joined++
		return s.notice(MemberJoined)
	}
	c.left++
	return s.notice(MemberLeft)
}

func (s *seat) notice(k NoticeKind) *Notice {
	return &Notice{Kind: k, Channel: s.channel.name, User: s.attendee.name}
}

// tell hands one notice of a seat or two to the connections of the other members in a
// section.
func (sh *shard) tell(sec *section, about *seat, first, second *Notice) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, s := range sec.seats {
		if s.attendee.user == nil || s == about {
			continue
		}
		for sub := s.attendee.user.first; sub != nil; sub = sub.next {
			sh.tellLocked(sub, about.channel, first)
			if second != nil {
				sh.tellLocked(sub, about.channel, second)
			}
		}
	}
}

// tellOwnLocked hands the user's own connections that a membership has begun or ended.
// They know themselves that they have come, and cannot be told that they have gone.
func (sh *shard) tellOwnLocked(s *seat, k NoticeKind) {
	n := s.notice(k)
	for sub := s.attendee.user.first; sub != nil; sub = sub.next {
		if k == MemberJoined || !sub.forget(s) {
			sh.tellLocked(sub, s.channel, n)
		}
	}
}

func (sh *shard) tellLocked(s *Subscription, g *gathering, n *Notice) {
	if !s.notices {
		return
	}
	sh.counters.noticesDropped += uint64(s.tell(g, n)) //nolint:gosec // a count
	s.waker.Wake()
}
