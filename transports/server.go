package transports

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of this package.
var (
	// ErrTooMany: as many connections are negotiated and not yet used as may be.
	ErrTooMany = errors.New("too many negotiated connections")
	// ErrTooLarge: a client sent more than a limit allows.
	ErrTooLarge = errors.New("message too large")
	// ErrEnded: the connection is over.
	ErrEnded = errors.New("connection has ended")
)

// Config of a Server. The zero value works.
type Config struct {
	// MaxNegotiated bounds connections that were negotiated and that nobody
	// has connected to, since each costs an attacker one small request. Zero
	// means 10,000.
	MaxNegotiated int
	// SendTimeout is how long one write to a client may take before it counts
	// as slow and is closed. Zero means 10 s.
	SendTimeout time.Duration
	// EarlyBytes bounds what a client may POST before it attaches. Zero means
	// 32 KiB.
	EarlyBytes int
}

func (c Config) withDefaults() Config {
	if c.MaxNegotiated == 0 {
		c.MaxNegotiated = 10_000
	}
	if c.SendTimeout == 0 {
		c.SendTimeout = 10 * time.Second
	}
	if c.EarlyBytes == 0 {
		c.EarlyBytes = 32 << 10
	}
	return c
}

// registryShards cuts the registry's lock.
const registryShards = 16

// Server holds what all connections share: the registry, the writers and the
// sweeper.
type Server struct {
	cfg     Config
	writers *Writers
	wheel   *Wheel
	pool    *pool
	seed    maphash.Seed
	shards  [registryShards]registry

	negotiated atomic.Int64

	stopWheel context.CancelFunc
	wg        sync.WaitGroup // readers and the sweeper
}

// registry lists connections by secret and all of them.
type registry struct {
	mu     sync.Mutex
	tokens map[string]*Connection
	live   map[*Connection]struct{}
}

// NewServer starts the shared goroutines; Shutdown ends them.
func NewServer(cfg Config) *Server {
	s := &Server{cfg: cfg.withDefaults(), writers: NewWriters(), wheel: NewWheel(), pool: newPool(), seed: maphash.MakeSeed()}
	for i := range s.shards {
		s.shards[i].tokens = make(map[string]*Connection)
		s.shards[i].live = make(map[*Connection]struct{})
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stopWheel = cancel
	// Ends with Shutdown.
	s.wg.Go(func() { s.wheel.Run(ctx) })
	return s
}

// Writers are the shared writing goroutines.
func (s *Server) Writers() *Writers { return s.writers }

// SendTimeout is the configured bound of one write.
func (s *Server) SendTimeout() time.Duration { return s.cfg.SendTimeout }

// Go runs a goroutine that ends with a connection; Shutdown waits for it.
func (s *Server) Go(f func()) { s.wg.Go(f) }

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
// gone after ttl. It returns ErrTooMany over the bound.
func (s *Server) Negotiate(scope, user, addr string, identity any, ttl time.Duration, sameID bool) (*Connection, error) {
	if s.negotiated.Add(1) > int64(s.cfg.MaxNegotiated) {
		s.negotiated.Add(-1)
		return nil, ErrTooMany
	}
	c := s.newConnection(scope, user, addr, identity)
	c.token = c.id
	if !sameID {
		c.token = newID()
	}
	c.ticking, c.dies = true, c.since.Add(ttl)
	r := s.shard(c.token)
	r.mu.Lock()
	r.tokens[c.token] = c
	r.live[c] = struct{}{}
	r.mu.Unlock()
	s.wheel.Add(c, c.dies)
	return c, nil
}

// Open makes a connection for a request that attaches at once, without
// negotiation. With a token it stays addressable (a hub's later requests).
func (s *Server) Open(scope, user, addr string, identity any, t Transport, addressable bool) *Connection {
	c := s.newConnection(scope, user, addr, identity)
	c.claimed, c.transport = true, t
	c.token = c.id
	r := s.shard(c.token)
	r.mu.Lock()
	if addressable {
		r.tokens[c.token] = c
	}
	r.live[c] = struct{}{}
	r.mu.Unlock()
	return c
}

func (s *Server) newConnection(scope, user, addr string, identity any) *Connection {
	return &Connection{
		User: user, Identity: identity, Addr: addr,
		id: newID(), scope: scope, server: s, since: time.Now(),
	}
}

// Lookup finds the connection that the endpoint negotiated under token.
func (s *Server) Lookup(scope, token string) (*Connection, bool) {
	r := s.shard(token)
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.tokens[token]
	if !ok || c.scope != scope {
		return nil, false
	}
	return c, true
}

// Take is Lookup for single-use tickets: the token is forgotten, the
// connection claimed for t. Of two callers one gets it.
func (s *Server) Take(scope, token string, t Transport) (*Connection, bool) {
	r := s.shard(token)
	r.mu.Lock()
	c, ok := r.tokens[token]
	if ok = ok && c.scope == scope; ok {
		delete(r.tokens, token)
	}
	r.mu.Unlock()
	if !ok || !c.Claim(t) {
		return nil, false
	}
	return c, true
}

func (s *Server) shard(token string) *registry {
	return &s.shards[maphash.String(s.seed, token)%registryShards]
}

func (s *Server) remove(c *Connection) {
	r := s.shard(c.token)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tokens[c.token] == c {
		delete(r.tokens, c.token)
	}
	delete(r.live, c)
}

// Negotiated is how many connections wait to be used.
func (s *Server) Negotiated() int { return int(s.negotiated.Load()) }

// Connections lists the connections that a client is attached to.
func (s *Server) Connections() []*Connection {
	var all []*Connection
	for i := range s.shards {
		r := &s.shards[i]
		r.mu.Lock()
		for c := range r.live {
			all = append(all, c)
		}
		r.mu.Unlock()
	}
	attached := all[:0]
	for _, c := range all {
		if c.Transport() != "" {
			attached = append(attached, c)
		}
	}
	return attached
}
