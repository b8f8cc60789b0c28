package broker

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"hubline/replay"
)

// Device is what is known of one device of a user.
type Device struct {
	Name        string
	Connections int // that it has now
	// Cursor is how far it has confirmed its user's events; nil when that is not
	// known. It may be of another epoch.
	Cursor *replay.Cursor
	// LastSeen is when it was connected last: now, if it is. The zero time: not known.
	LastSeen time.Time
}

// Devices lists, by name, the user's devices that are connected, that were seen lately,
// or that stored knows, and where the user's log stands. What memory knows counts more
// than what is stored. stored may be nil; it is called with no lock held.
func (b *Broker) Devices(user string, stored func(user string) []Device) ([]Device, replay.State) {
	devices := map[string]*Device{}
	if stored != nil {
		for _, d := range stored(user) {
			d.Connections = 0
			devices[d.Name] = &d
		}
	}
	device := func(name string) *Device {
		d := devices[name]
		if d == nil {
			d = &Device{Name: name}
			devices[name] = d
		}
		return d
	}
	b.shard(user).addDevices(user, device)
	all := make([]Device, 0, len(devices))
	for _, d := range devices {
		if c, ok := b.DeviceCursor(user, d.Name); ok {
			d.Cursor = &c
		}
		all = append(all, *d)
	}
	slices.SortFunc(all, func(a, b Device) int { return cmp.Compare(a.Name, b.Name) })
	return all, b.store.State(user)
}

func (sh *shard) addDevices(user string, device func(name string) *Device) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, s := range sh.seen.of(user) {
		device(s.device).LastSeen = s.at
	}
	u := sh.users[user]
	if u == nil {
		return
	}
	now := time.Now()
	for s := u.first; s != nil; s = s.next {
		if s.device != "" {
			d := device(s.device)
			d.LastSeen = now
			d.Connections++
		}
	}
}

// maxSeenPerUser bounds how many devices of one user that have gone are remembered.
const maxSeenPerUser = 64

// seen remembers devices that have gone, and when. The users of whom none went for the
// longest time are forgotten first, and of a user with too many those that went first.
// The shard's lock guards it. Nil has seen
// nothing.
type seen struct {
	users *simplelru.LRU[string, []sighting] // the oldest sighting first
	count int
	max   int
}

type sighting struct {
	device string
	at     time.Time
}

func newSeen(size int) *seen {
	size = max(1, size)
	l, err := simplelru.NewLRU[string, []sighting](size, nil)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &seen{users: l, max: size}
}

func (s *seen) of(user string) []sighting {
	if s == nil {
		return nil
	}
	list, _ := s.users.Peek(user)
	return list
}

// goneLocked notes that a connection of a device has gone.
func (sh *shard) goneLocked(user, device string) {
	if device == "" {
		return
	}
	if sh.seen == nil {
		b := sh.broker
		sh.seen = newSeen(b.cfg.DeviceCursors / len(b.shards))
	}
	sh.seen.note(user, device, time.Now())
}

// note remembers that a device has gone.
func (s *seen) note(user, device string, at time.Time) {
	list, known := s.users.Get(user)
	i := slices.IndexFunc(list, func(x sighting) bool { return x.device == device })
	switch {
	case i >= 0:
		device = list[i].device
		list = slices.Delete(list, i, i+1)
	case len(list) == maxSeenPerUser:
		list = slices.Delete(list, 0, 1)
		device = strings.Clone(device) // it outlives the connection
	default:
		s.count++
		device = strings.Clone(device)
	}
	if !known {
		user = strings.Clone(user)
	}
	// The count is never over the bound by more than one, so that Add pushes nobody out.
	for s.count > s.max && s.users.Len() > 0 {
		s.forget(user, &list)
	}
	s.users.Add(user, append(list, sighting{device, at}))
}

// forget makes room for one: the user seen least recently goes, and if that is the one
// at hand, that user's oldest sighting.
func (s *seen) forget(user string, list *[]sighting) {
	oldest, gone, _ := s.users.GetOldest()
	if oldest == user {
		*list = slices.Delete(*list, 0, 1)
		s.count--
		return
	}
	s.users.Remove(oldest)
	s.count -= len(gone)
}
