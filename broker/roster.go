package broker

import (
	"cmp"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"sync"
)

// rosterBuckets is how many lists the users of a roster are spread over, so that one
// more user moves few others.
const rosterBuckets = 1024

// roster is who is in which channel. Memberships are many and idle, so they are kept
// in sorted lists and not in maps: one costs two words and its share of the user's
// record, see BenchmarkMembershipMemory.
type roster struct {
	seed    maphash.Seed
	shardOf func(user string) int

	mu       sync.RWMutex
	channels map[string]*channel
	users    [rosterBuckets][]*member // by name
	count    int                      // memberships
	loading  bool                     // lists are sorted at the end
}

// member is a user who is in a channel at least. The name does not change.
type member struct {
	name string
	// channels the user is in, by name. That of a user who is in one alone is the
	// channel's own list of itself.
	channels *[]*channel
	// connected spares looking for a user with a connection. The lock of the user's shard
	// guards it. Nil means nothing.
	connected *user
}

// channel has one member at least.
type channel struct {
	name    string
	members []*member // by shard and name
	alone   []*channel
}

func newRoster(shardOf func(string) int) *roster {
	return &roster{seed: maphash.MakeSeed(), shardOf: shardOf, channels: map[string]*channel{}}
}

func (r *roster) bucket(user string) *[]*member {
	return &r.users[maphash.String(r.seed, user)%rosterBuckets]
}

// memberLocked returns the user's record, or nil, and where it is or belongs.
func (r *roster) memberLocked(user string) (m *member, list *[]*member, i int) {
	list = r.bucket(user)
	i, ok := slices.BinarySearchFunc(*list, user, func(m *member, user string) int { return cmp.Compare(m.name, user) })
	if ok {
		m = (*list)[i]
	}
	return m, list, i
}

// find returns where the member is or belongs.
func (r *roster) find(c *channel, m *member) (i int, ok bool) {
	return slices.BinarySearchFunc(c.members, m, r.byShard)
}

func (r *roster) byShard(a, b *member) int {
	return cmp.Or(cmp.Compare(r.shardOf(a.name), r.shardOf(b.name)), cmp.Compare(a.name, b.name))
}

func byName(a, b *channel) int { return cmp.Compare(a.name, b.name) }

// rosterBounds are checked before a membership is begun.
type rosterBounds struct{ perUser, perChannel, perPresence, all int }

// noBounds are for what was so before: bounds may have been lowered since.
var noBounds = rosterBounds{perUser: math.MaxInt, perChannel: math.MaxInt, perPresence: math.MaxInt, all: math.MaxInt}

// addLocked puts a user into a channel. It reports false for one who is in it.
func (r *roster) addLocked(name, user string, b rosterBounds) (added bool, err error) {
	m, list, at := r.memberLocked(user)
	c := r.channels[name]
	var i int
	if m != nil && c != nil {
		var in bool
		if i, in = r.find(c, m); in {
			return false, nil
		}
	}
	switch {
	case m != nil && len(*m.channels) >= b.perUser:
		return false, ErrTooManyChannels
	case c != nil && len(c.members) >= b.perChannel:
		return false, ErrTooManyMembers
	case c != nil && len(c.members) >= b.perPresence && IsPresence(name):
		return false, ErrTooManyPresent
	case r.count >= b.all:
		return false, ErrTooManyMemberships
	}
	if c == nil {
		c = &channel{name: strings.Clone(name)}
		c.alone = []*channel{c}
		r.channels[c.name] = c
	}
	if m == nil {
		m = &member{name: strings.Clone(user), channels: &c.alone}
		*list = slices.Insert(*list, at, m)
		i, _ = r.find(c, m)
	} else {
		own := slices.Concat(*m.channels, []*channel{c})
		if !r.loading {
			slices.SortFunc(own, byName)
		}
		m.channels = &own
	}
	if r.loading {
		c.members = append(c.members, m)
	} else {
		c.members = slices.Insert(c.members, i, m)
	}
	r.count++
	return true, nil
}

// removeLocked takes a user out of a channel. It reports false for one who is not in it.
func (r *roster) removeLocked(name, user string) bool {
	m, list, at := r.memberLocked(user)
	c := r.channels[name]
	if m == nil || c == nil {
		return false
	}
	i, in := r.find(c, m)
	if !in {
		return false
	}
	c.members = shrunk(slices.Delete(c.members, i, i+1))
	if len(c.members) == 0 {
		delete(r.channels, name)
	}
	switch own := *m.channels; len(own) {
	case 1:
		*list = shrunk(slices.Delete(*list, at, at+1))
	case 2:
		k := slices.Index(own, c)
		m.channels = &own[1-k].alone
	default:
		own = slices.DeleteFunc(slices.Clone(own), func(o *channel) bool { return o == c })
		m.channels = &own
	}
	r.count--
	return true
}

// shrunk gives back memory of a list that was once much longer.
func shrunk[T any](list []T) []T {
	if cap(list) > 32 && len(list) < cap(list)/4 {
		return slices.Clone(list)
	}
	return list
}

// snapshot appends the members of a channel to dst, by shard.
func (r *roster) snapshot(name string, dst []*member) []*member {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if c := r.channels[name]; c != nil {
		dst = append(dst, c.members...)
	}
	return dst
}

// presence lists the presence channels that a user is in.
func (r *roster) presence(user string) (names []string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	m, _, _ := r.memberLocked(user)
	if m == nil {
		return nil
	}
	all := *m.channels
	from, _ := slices.BinarySearchFunc(all, PresencePrefix, func(c *channel, name string) int { return cmp.Compare(c.name, name) })
	for _, c := range all[from:] {
		if !IsPresence(c.name) {
			break
		}
		names = append(names, c.name)
	}
	return names
}

func (r *roster) counts() (channels, memberships int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.channels), r.count
}

// load fills an empty roster, without bounds.
func (r *roster) load(each func(yield func(channel, user string) bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loading = true
	each(func(channel, user string) bool {
		_, _ = r.addLocked(channel, user, noBounds) // so there is no error
		return true
	})
	r.loading = false
	for _, c := range r.channels {
		slices.SortFunc(c.members, r.byShard)
	}
	for _, list := range r.users {
		for _, m := range list {
			slices.SortFunc(*m.channels, byName) // that of one channel is in order
		}
	}
}
