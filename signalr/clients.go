package signalr

import (
	"fmt"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// Clients are connections of a hub, chosen when something is sent to them.
type Clients struct {
	h      *Hub
	which  func(d *directory, visit func(*Session))
	except []string
}

// All are all connections of the hub whose handshake is done.
func (h *Hub) All() Clients { return h.AllExcept() }

// AllExcept leaves out the connections of the given names.
func (h *Hub) AllExcept(connectionIDs ...string) Clients {
	return Clients{h: h, except: connectionIDs, which: func(d *directory, visit func(*Session)) {
		for _, s := range d.conns {
			visit(s)
		}
	}}
}

// Connections are those of the given names that there are.
func (h *Hub) Connections(connectionIDs ...string) Clients {
	return Clients{h: h, which: func(d *directory, visit func(*Session)) {
		for _, id := range connectionIDs {
			if s := d.conns[id]; s != nil {
				visit(s)
			}
		}
	}}
}

// Users are all connections of the given users.
func (h *Hub) Users(names ...string) Clients {
	return Clients{h: h, which: func(d *directory, visit func(*Session)) { d.users.visit(names, visit) }}
}

// Groups are the connections that are in one of the groups or more.
func (h *Hub) Groups(names ...string) Clients {
	return Clients{h: h, which: func(d *directory, visit func(*Session)) { d.groups.visit(names, visit) }}
}

// GroupExcept are the connections of a group but those of the given names.
func (h *Hub) GroupExcept(group string, connectionIDs ...string) Clients {
	k := h.Groups(group)
	k.except = connectionIDs
	return k
}

// Each calls f for each connection, once.
func (k Clients) Each(f func(Caller)) {
	for _, s := range k.sessions() {
		f(Caller{s: s})
	}
}

// sessions lists the chosen ones, each once.
func (k Clients) sessions() []*Session {
	d := &k.h.directory
	d.mu.RLock()
	defer d.mu.RUnlock()
	var list []*Session
	var seen map[*Session]struct{}
	for _, id := range k.except {
		if s := d.conns[id]; s != nil {
			if seen == nil {
				seen = make(map[*Session]struct{})
			}
			seen[s] = struct{}{}
		}
	}
	visit := func(s *Session) {
		if _, ok := seen[s]; !ok {
			list = append(list, s)
		}
	}
	k.which(d, visit)
	return list
}

// Send calls a function of each client and does not wait: the message is
// encoded once for each codec in use and queued for each connection. A client
// that is behind with taking its messages (Config.MaxOutboxBytes) is closed and
// may reconnect; it holds nobody else up. Messages that one goroutine sends
// reach each client in their order. The error is that an argument cannot be
// encoded; then nobody gets the message.
func (k Clients) Send(target string, args ...any) error {
	m := newBroadcast(k.h, target, args)
	list := k.sessions()
	for _, s := range list { // so that all get it, or none
		if err := m.encode(s); err != nil {
			return err
		}
	}
	for _, s := range list {
		_ = m.to(s) // encoded already
	}
	return nil
}

// broadcast is one message for many connections. It is used by one goroutine.
type broadcast struct {
	hub    *Hub
	target string
	args   []any
	forms  [2][]byte // text, binary
}

func newBroadcast(h *Hub, target string, args []any) *broadcast {
	return &broadcast{hub: h, target: target, args: args}
}

// encode makes the form that s needs, unless it is there.
func (m *broadcast) encode(s *Session) error {
	_, err := m.form(s.codecOrNil())
	return err
}

func (m *broadcast) form(codec protocol.Codec) ([]byte, error) {
	if codec == nil {
		return nil, nil // its handshake is not done
	}
	i := 0
	if codec.Binary() {
		i = 1
	}
	if m.forms[i] != nil {
		return m.forms[i], nil
	}
	raw, err := marshalAll(codec, m.hub.cfg.Naming, m.args)
	if err == nil {
		m.forms[i], err = codec.Append(nil, &protocol.Message{Type: protocol.TypeInvocation, Target: m.target, Arguments: raw})
	}
	if err != nil {
		return nil, fmt.Errorf("signalr: message %s: %w", m.target, err)
	}
	return m.forms[i], nil
}

// to queues the message for s. The bytes are shared.
func (m *broadcast) to(s *Session) error {
	codec := s.codecOrNil()
	b, err := m.form(codec)
	if err != nil || b == nil {
		return err
	}
	s.mu.Lock()
	switch {
	case s.over:
		s.mu.Unlock()
		return nil
	case s.waiting+len(b) > m.hub.cfg.MaxOutboxBytes && s.waiting > 0:
		s.mu.Unlock()
		s.finish(&comeBack, transports.ReasonSlow)
		return nil
	}
	s.putBytesLocked(message{bytes: b, binary: codec.Binary(), counted: true})
	s.mu.Unlock()
	s.conn.Wake()
	return nil
}

// codecOrNil is the codec, or nil before the handshake.
func (s *Session) codecOrNil() protocol.Codec {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.codec
}
