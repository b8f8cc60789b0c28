package broker

// Connection is one live subscription and what waits for it.
type Connection struct {
	User, Device string
	Waker        Waker // of the subscription
	// Events and Bytes wait in its queue, those to be delivered again included.
	Events, Bytes int
	// Lag is how many events of the user's log are behind what it was handed, those
	// that are not for it included. It is more than Events when the connection has
	// fallen behind and reads from the log.
	Lag uint64
}

// ConnectionsOf lists the live subscriptions of a user, or those of one device if
// that is not empty, the newest first.
func (b *Broker) ConnectionsOf(user, device string) []Connection {
	sh := b.shard(user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	u := sh.users[user]
	if u == nil {
		return nil
	}
	return u.connectionsLocked(nil, device)
}

// Connections lists all live subscriptions, a part at a time, until visit returns
// false. Nothing is locked while visit runs; it must not keep the list. Who comes or
// goes meanwhile is listed or is not.
func (b *Broker) Connections(visit func([]Connection) bool) {
	var list []Connection
	for i := range b.shards {
		sh := &b.shards[i]
		sh.mu.Lock()
		list = list[:0]
		for _, u := range sh.users {
			list = u.connectionsLocked(list, "")
		}
		sh.mu.Unlock()
		if len(list) > 0 && !visit(list) {
			return
		}
		clear(list)
	}
}

// connectionsLocked appends the user's; the shard's lock is held.
func (u *user) connectionsLocked(list []Connection, device string) []Connection {
	head := u.log.State().Head
	for s := u.first; s != nil; s = s.next {
		if device == "" || s.device == device {
			list = append(list, s.describe(head))
		}
	}
	return list
}

func (s *Subscription) describe(head uint64) Connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Connection{User: s.u.name, Device: s.device, Waker: s.waker, Events: s.queue.count, Bytes: s.queue.bytes}
	switch {
	case s.behind:
		c.Lag = head - min(head, s.pos)
	case s.queue.count > 0:
		c.Lag = head + 1 - s.queue.oldest().seq
	}
	if s.beside != nil {
		c.Events += len(s.beside.items)
		c.Bytes += s.beside.bytes
	}
	return c
}
