package transports

import (
	"crypto/rand"
	"encoding/base64"
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// registryShards cuts the registry's lock.
const registryShards = 16

// registry knows every connection.
type registry struct {
	seed   maphash.Seed
	shards [registryShards]shard

	negotiated quota // connections that nobody has attached to
	parked     quota // connections that wait for another socket
}

// shard lists the connections whose secrets hash to it.
type shard struct {
	mu     sync.Mutex
	tokens map[string]*Connection
	live   map[*Connection]struct{}
	words  map[*Connection]string // of Disconnect; nil most of the time
	// renewed are credentials that came later than the connection; nil most of the time.
	renewed map[*Connection]any
}

func (g *registry) init() {
	g.seed = maphash.MakeSeed()
	for i := range g.shards {
		g.shards[i].tokens = make(map[string]*Connection)
		g.shards[i].live = make(map[*Connection]struct{})
	}
}

// newID draws 128 random bits as 22 URL-safe characters, the form in which
// SignalR clients put them into URLs without escaping.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Negotiate makes a connection that one later request may attach to by its
// token, on the same scope (endpoint) only. With sameID the token is the
// connection id, as version 0 of the SignalR negotiation has it. Unused, it is
// gone after ttl. It returns ErrTooMany over the bounds and when the server stops.
func (s *Server) Negotiate(scope, user, addr string, identity any, ttl time.Duration, sameID bool) (*Connection, error) {
	most := s.cfg.MaxNegotiatedPerUser
	if user == "" {
		most = s.cfg.MaxNegotiatedPerAddress
	}
	if s.phase.Load() != phaseRunning || !s.negotiated.reserve(ownerOf(user, addr), s.cfg.MaxNegotiated, most) {
		return nil, ErrTooMany
	}
	c := s.newConnection(scope, user, addr, identity)
	c.token, c.ttl = c.id, ttl
	if !sameID {
		c.token = newID()
	}
	s.insert(c, true)
	s.wheel.Add((*ticket)(c), c.since.Add(ttl))
	return c, nil
}

// Open makes a connection for a request that attaches at once, without
// negotiation. With a token it stays addressable (a hub's later requests).
func (s *Server) Open(scope, user, addr string, identity any, t Transport, addressable bool) *Connection {
	c := s.newConnection(scope, user, addr, identity)
	c.claimed, c.transport, c.token = true, t, c.id
	s.conns.add()
	s.insert(c, addressable)
	return c
}

func (s *Server) newConnection(scope, user, addr string, identity any) *Connection {
	return &Connection{
		User: user, Identity: identity, Addr: strings.Clone(addr), // a part of a header
		id: newID(), scope: scope, server: s, since: time.Now(),
	}
}

// Lookup finds the connection that the endpoint negotiated under token.
func (g *registry) Lookup(scope, token string) (*Connection, bool) {
	h := g.shard(token)
	h.mu.Lock()
	defer h.mu.Unlock()
	c, ok := h.tokens[token]
	if !ok || c.scope != scope {
		return nil, false
	}
	return c, true
}

// Take is Lookup for single-use tickets: the token is forgotten, the
// connection claimed for t. Of two callers one gets it.
func (g *registry) Take(scope, token string, t Transport) (*Connection, bool) {
	c, ok := g.Lookup(scope, token)
	if !ok || !c.Claim(t) {
		return nil, false
	}
	h := g.shard(token)
	h.mu.Lock()
	delete(h.tokens, token)
	h.mu.Unlock()
	return c, true
}

func (g *registry) shard(token string) *shard {
	return &g.shards[maphash.String(g.seed, token)%registryShards]
}

func (g *registry) insert(c *Connection, addressable bool) {
	h := g.shard(c.token)
	h.mu.Lock()
	defer h.mu.Unlock()
	if addressable {
		h.tokens[c.token] = c
	}
	h.live[c] = struct{}{}
}

func (g *registry) remove(c *Connection) {
	h := g.shard(c.token)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.tokens, c.token)
	delete(h.live, c)
	delete(h.words, c)
	delete(h.renewed, c)
}

// Negotiated is how many connections wait to be used.
func (g *registry) Negotiated() int { return g.negotiated.count() }

// Connections lists the connections that a client is attached to.
func (g *registry) Connections() []*Connection {
	attached, _ := g.list()
	return attached
}

// list returns all connections, those that nobody has attached to apart.
func (g *registry) list() (attached, waiting []*Connection) {
	var all []*Connection
	for i := range g.shards {
		h := &g.shards[i]
		h.mu.Lock()
		for c := range h.live {
			all = append(all, c)
		}
		h.mu.Unlock()
	}
	for _, c := range all {
		if c.Transport() != "" {
			attached = append(attached, c)
		} else {
			waiting = append(waiting, c)
		}
	}
	return attached, waiting
}
