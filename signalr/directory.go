package signalr

import (
	"errors"
	"sync"
)

// directory knows the connections of a hub by their names, users and groups.
type directory struct {
	mu     sync.RWMutex
	off    bool // the hub has no use for it; does not change
	conns  map[string]*Session
	users  index
	groups index
	joined map[*Session]map[string]struct{} // groups, for those that are in any
}

// index lists connections under names. A name without connections is not kept.
type index map[string]map[*Session]struct{}

func (x *index) add(name string, s *Session) {
	if *x == nil {
		*x = make(index)
	}
	set := (*x)[name]
	if set == nil {
		set = make(map[*Session]struct{})
		(*x)[name] = set
	}
	set[s] = struct{}{}
}

func (x index) remove(name string, s *Session) {
	delete(x[name], s)
	if len(x[name]) == 0 {
		delete(x, name)
	}
}

// visit calls f for each connection under the names, once.
func (x index) visit(names []string, f func(*Session)) {
	if len(names) == 1 {
		for s := range x[names[0]] {
			f(s)
		}
		return
	}
	seen := make(map[*Session]struct{})
	for _, n := range names {
		for s := range x[n] {
			if _, ok := seen[s]; !ok {
				seen[s] = struct{}{}
				f(s)
			}
		}
	}
}

// enter lists a connection whose handshake is done.
func (d *directory) enter(s *Session) {
	if d.off {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conns == nil {
		d.conns = make(map[string]*Session)
	}
	d.conns[s.conn.ConnectionID()] = s
	d.users.add(s.user, s)
}

// exit takes a connection out of all lists. It may be called for one that
// never entered.
func (d *directory) exit(s *Session) {
	if d.off {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	id := s.conn.ConnectionID()
	if d.conns[id] != s {
		return
	}
	delete(d.conns, id)
	d.users.remove(s.user, s)
	for g := range d.joined[s] {
		d.groups.remove(g, s)
	}
	delete(d.joined, s)
}

// find returns the connection of that name, or nil.
func (d *directory) find(connectionID string) *Session {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.conns[connectionID]
}

var errEnded = errors.New("signalr: the connection has ended")

// join puts a connection into a group.
func (h *Hub) join(s *Session, group string) error {
	d := &h.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conns[s.conn.ConnectionID()] != s {
		return errEnded
	}
	set := d.joined[s]
	if set == nil {
		set = make(map[string]struct{})
		if d.joined == nil {
			d.joined = make(map[*Session]map[string]struct{})
		}
		d.joined[s] = set
	}
	set[group] = struct{}{}
	d.groups.add(group, s)
	return nil
}

// leave takes a connection out of a group.
func (h *Hub) leave(s *Session, group string) {
	d := &h.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	d.groups.remove(group, s)
	set := d.joined[s]
	delete(set, group)
	if len(set) == 0 {
		delete(d.joined, s)
	}
}

// Join puts a connection into a group by its name; an error tells that there
// is no such connection (any more).
func (h *Hub) Join(connectionID, group string) error {
	s := h.directory.find(connectionID)
	if s == nil {
		return errEnded
	}
	return h.join(s, group)
}

// Leave takes a connection out of a group.
func (h *Hub) Leave(connectionID, group string) {
	if s := h.directory.find(connectionID); s != nil {
		h.leave(s, group)
	}
}
