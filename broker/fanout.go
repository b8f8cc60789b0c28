package broker

import (
	"sort"
	"sync"

	"hubline/replay"
	"hubline/replay/ledger"
)

// memberLists are reused: a channel may have very many members.
var memberLists = sync.Pool{New: func() any { return new([]*member) }}

// publishToChannel is SubmitToChannel without a ledger. One channel of a shard is
// published to at a time: so all its members see the same order, and a repeat that
// overtakes the first one's answer waits for it.
func (b *Broker) publishToChannel(p *Pending) (Receipt, error) {
	if b.draining.Load() {
		return Receipt{}, ErrDraining
	}
	owner := b.shard(p.user)
	owner.publishing.Lock()
	defer owner.publishing.Unlock()
	owner.mu.Lock()
	r, ok, err := b.repeatedLocked(owner, p.user, p.event, p.key, p.id)
	owner.mu.Unlock()
	if ok || err != nil {
		return r, err
	}
	list := memberLists.Get().(*[]*member) //nolint:errcheck // nothing else is in it
	defer func() {
		clear(*list)
		memberLists.Put(list)
	}()
	*list = b.roster.snapshot(p.channel, (*list)[:0])
	r = Receipt{ID: p.event.ID, Members: len(*list)}
	f := &Frame{Event: p.event}
	b.eachShard(*list, func(sh *shard, members []*member) { r.Delivered += sh.fanOutLocked(members, p.event, f) })
	owner.mu.Lock()
	owner.rememberLocked(p, r)
	owner.mu.Unlock()
	return r, nil
}

// eachShard calls do with the members of each shard, under its lock. They stand
// together.
func (b *Broker) eachShard(members []*member, do func(sh *shard, members []*member)) {
	for len(members) > 0 {
		shard := b.store.ShardOf(members[0].name)
		n := sort.Search(len(members), func(i int) bool { return b.store.ShardOf(members[i].name) > shard })
		sh := &b.shards[shard]
		sh.mu.Lock()
		do(sh, members[:n])
		sh.mu.Unlock()
		members = members[n:]
	}
}

// connectedLocked returns the user with a connection, or nil. What is looked for is
// noted: members with a connection are met again and again.
func (sh *shard) connectedLocked(m *member) *user {
	if u := m.connected; u != nil && u.conns > 0 {
		return u
	}
	u := sh.users[m.name]
	if u != nil {
		m.connected, u.member = u, m
	}
	return u
}

// connected is as many connected members as are appended to at a time. It lies on the
// stack.
const connected = 64

// fanOutLocked appends the event to the logs of members of this shard and hands it to
// their connections.
func (sh *shard) fanOutLocked(members []*member, ev *replay.Event, f *Frame) (delivered int) {
	var users [connected]*user
	var logs [connected]*replay.Log
	var seqs [connected]uint64
	n := 0
	flush := func() {
		sh.broker.store.AppendEach(logs[:n], ev, seqs[:])
		for i, u := range users[:n] {
			delivered += sh.handOverLocked(u, seqs[i], ev, f)
		}
		n = 0
	}
	for _, m := range members {
		u := sh.connectedLocked(m)
		if u == nil {
			sh.broker.store.Append(m.name, ev)
			continue
		}
		users[n], logs[n] = u, u.log
		if n++; n == connected {
			flush()
		}
	}
	flush()
	return delivered
}

// rememberLocked keeps the answer to a publish.
func (sh *shard) rememberLocked(p *Pending, r Receipt) {
	sh.keys.remember(p.user, p.key, r)
	sh.keys.remember(p.user, p.id, r)
	sh.counters.published++
}

// enterChannel adds a publish to a channel to the next commit: the event once, with its
// keys, and for each member of this moment that it is the next of theirs.
func (c *committer) enterChannel(p *Pending) {
	p.members = c.broker.roster.snapshot(p.channel, nil)
	keys := keysOf(p)
	if len(p.members) == 0 && len(keys) == 0 {
		return
	}
	body := c.ledger.Next() + uint64(len(c.entries))
	c.entries = append(c.entries, ledger.Entry{Event: p.event, Keys: keys})
	for _, m := range p.members {
		c.enter(m.name, p.event, body, nil)
	}
}

// applyToChannel makes an event that is on disk part of its members' logs and hands it
// to their connections. Its entries are those from at on; it returns what follows them.
func (c *committer) applyToChannel(p *Pending, at int, first uint64) (next int) {
	b := c.broker
	r := Receipt{ID: p.event.ID, Members: len(p.members)}
	next = at
	if len(p.members) > 0 || p.key.Name != "" || p.id.Name != "" {
		next++
	}
	f := &Frame{Event: p.event}
	b.eachShard(p.members, func(sh *shard, members []*member) {
		for _, m := range members {
			r.Delivered += sh.applyLocked(m.name, p.event, c.standingOf(next, first), f)
			next++
		}
	})
	p.members = nil
	owner := b.shard(p.user)
	owner.mu.Lock()
	owner.settleLocked(p)
	owner.rememberLocked(p, r)
	owner.mu.Unlock()
	p.receipt = r
	close(p.done)
	return next
}
