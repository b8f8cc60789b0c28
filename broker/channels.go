package broker

import (
	"errors"
	"slices"
	"strings"

	"hubline/replay"
	"hubline/replay/ledger"
)

// Errors of memberships over a bound.
var (
	// ErrTooManyChannels: the user is in as many as allowed.
	ErrTooManyChannels = errors.New("user is in as many channels as allowed")
	// ErrTooManyMembers: the channel has as many as allowed.
	ErrTooManyMembers = errors.New("channel has as many members as allowed")
	// ErrTooManyPresent: the presence channel has as many members as allowed.
	ErrTooManyPresent = errors.New("presence channel has as many members as allowed")
	// ErrTooManyMemberships: the server keeps as many as it may.
	ErrTooManyMemberships = errors.New("server keeps as many memberships as it may")
)

// Member is one of a channel's.
type Member struct {
	User string
	// Online: has a connection; of a presence channel, is in it, which lasts a grace
	// longer.
	Online bool
}

// AddMember puts the user into the channel: events published to it from now on enter
// the user's log. The membership is the user's, not a connection's, and holds until
// RemoveMember. added is false for one who was in it. With a Ledger it waits until
// the membership is on disk. It returns ErrTooManyChannels, ErrTooManyMembers,
// ErrTooManyPresent, ErrTooManyMemberships or ErrDraining and, with a Ledger, ErrNoSpace, ErrLog or
// ErrBusy.
func (b *Broker) AddMember(channel, user string) (added bool, err error) {
	return b.change(&membership{channel: channel, user: user, in: true})
}

// RemoveMember takes the user out of the channel. An event whose publish has been
// answered before is in the user's log, and stays there; one that is published
// afterwards is not. removed is false for one who was not in it. Errors are
// ErrDraining and, with a Ledger, those of the disk.
func (b *Broker) RemoveMember(channel, user string) (removed bool, err error) {
	return b.change(&membership{channel: channel, user: user})
}

// Members lists the members of a channel by name, those after one, at most limit,
// and says how many there are in all.
func (b *Broker) Members(channel, after string, limit int) (list []Member, total int) {
	all := b.roster.snapshot(channel, nil)
	names := make([]string, 0, len(all))
	for _, m := range all {
		if m.name > after {
			names = append(names, m.name)
		}
	}
	slices.Sort(names)
	online := b.online
	if IsPresence(channel) {
		online = func(user string) bool { return b.isIn(channel, user) }
	}
	for _, name := range names[:min(max(0, limit), len(names))] {
		list = append(list, Member{User: name, Online: online(name)})
	}
	return list, len(all)
}

// Channels lists the channels that the user is in, by name.
func (b *Broker) Channels(user string) []string {
	b.roster.mu.RLock()
	defer b.roster.mu.RUnlock()
	m, _, _ := b.roster.memberLocked(user)
	if m == nil {
		return nil
	}
	names := make([]string, len(*m.channels))
	for i, c := range *m.channels {
		names[i] = c.name
	}
	return names
}

// IsMember reports whether the user is in the channel.
func (b *Broker) IsMember(channel, user string) bool {
	b.roster.mu.RLock()
	defer b.roster.mu.RUnlock()
	m, _, _ := b.roster.memberLocked(user)
	c := b.roster.channels[channel]
	if m == nil || c == nil {
		return false
	}
	_, in := b.roster.find(c, m)
	return in
}

// online reports whether the user has a connection.
func (b *Broker) online(user string) bool {
	sh := b.shard(user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.users[user] != nil
}

// membership is a change of who is in a channel.
type membership struct {
	channel, user string
	in            bool
	changed       bool // the answer: it was not so before
}

func (c *membership) fact() ledger.Fact {
	f := ledger.Fact{Kind: ledger.Member, Of: c.channel, Name: c.user}
	if c.in {
		f.Value = []byte{}
	}
	return f
}

func (b *Broker) rosterBounds() rosterBounds {
	return rosterBounds{
		perUser: b.cfg.MaxChannelsPerUser, perChannel: b.cfg.MaxChannelMembers, perPresence: b.cfg.MaxPresenceMembers, all: b.cfg.MaxMemberships,
	}
}

func (r *roster) changeLocked(c *membership, bounds rosterBounds) (changed bool, err error) {
	if c.in {
		return r.addLocked(c.channel, c.user, bounds)
	}
	return r.removeLocked(c.channel, c.user), nil
}

// loadMemberships has the roster begin with what the ledger knows.
func (b *Broker) loadMemberships(l Ledger) {
	b.roster.load(func(yield func(channel, user string) bool) {
		l.Facts(ledger.Member, func(f ledger.Fact) bool { return yield(f.Of, f.Name) })
	})
}

// channelOwner is the name under which idempotency keys of a channel's publishers are
// kept: no user has it, since it begins with a control character.
func channelOwner(channel string) string { return ownerPrefix + channel }

const ownerPrefix = "\x00channel:"

func isChannelOwner(user string) bool { return strings.HasPrefix(user, ownerPrefix) }

// ledgerKey is what the ledger knows a key as: those of channels stand among those of
// broadcasts, since the event that both are written with is nobody's.
func ledgerKey(user, key string) (string, string) {
	if isChannelOwner(user) {
		return "", user + "\x00" + key
	}
	return user, key
}

// PublishToChannel is Publish to every member of a channel: one event, with a seq of
// each member's own. All members see a channel's events in the same order. Who is a
// member is what holds when it is called or shortly after. The key is the channel's.
// With a Ledger the event is on disk for all members, or for none.
func (b *Broker) PublishToChannel(channel string, ev *replay.Event, key Key) (Receipt, error) {
	return b.SubmitToChannel(channel, ev, key).Wait()
}

// SubmitToChannel is PublishToChannel for a caller who wants to publish more before
// it waits; see Submit. ev.Channel must be the channel.
func (b *Broker) SubmitToChannel(channel string, ev *replay.Event, key Key) *Pending {
	p := &Pending{user: channelOwner(channel), channel: channel, event: ev, key: key, id: idKey(ev)}
	if b.committer != nil {
		return b.submit(p)
	}
	p.done = settled
	p.receipt, p.err = b.publishToChannel(p)
	return p
}
