package broker

import (
	"errors"
	"sync"
	"sync/atomic"

	"hubline/replay"
)

// Errors that callers branch on.
var (
	// ErrTooManyConnections: the user, or the server, has as many as allowed.
	ErrTooManyConnections = errors.New("too many connections")
	// ErrConflict: an idempotency key or event id was used before with
	// another content.
	ErrConflict = errors.New("idempotency key or event id was used with another content")
	// ErrDraining: the server stops and takes no more events.
	ErrDraining = errors.New("server is stopping")
)

// Config of a broker. The zero value works.
type Config struct {
	// QueueEvents is how many events may wait for one connection before it
	// reads on from the log instead. Zero means 1024.
	QueueEvents int
	// QueueBytes is the same bound in bytes of event data. Zero means 1 MiB.
	QueueBytes int
	// MaxConnections is the number of subscriptions in all. Zero means 100,000.
	MaxConnections int
	// MaxConnectionsPerUser bounds one user's. Zero means 100.
	MaxConnectionsPerUser int
	// IdempotencyKeys is how many keys are remembered. Zero means 100,000.
	IdempotencyKeys int
	// DeviceCursors is how many devices' cursors are remembered. Zero means 100,000.
	DeviceCursors int
}

func (c Config) withDefaults() Config {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&c.QueueEvents, 1024)
	def(&c.QueueBytes, 1<<20)
	def(&c.MaxConnections, 100_000)
	def(&c.MaxConnectionsPerUser, 100)
	def(&c.IdempotencyKeys, 100_000)
	def(&c.DeviceCursors, 100_000)
	return c
}

// Broker is safe for concurrent use.
type Broker struct {
	cfg    Config
	store  *replay.Store
	shards []shard

	devices deviceCursors
	keys    []*keyring // one per shard, used with the shard's lock held

	connections atomic.Int64
	draining    atomic.Bool
	counters    counters
}

// counters are cumulative since the start.
type counters struct {
	published, duplicates, delivered, lagged, gaps, replayed, refused atomic.Uint64
}

// shard holds the users with a connection whose names hash to it. The store
// is cut into the same shards, so a user's pin state changes only under this
// lock.
type shard struct {
	mu    sync.Mutex
	users map[string]*user

	_ [40]byte // keeps two shards' locks off one cache line
}

// user is one user with at least one connection.
type user struct {
	name  string
	shard *shard
	log   *replay.Log
	first *Subscription
	conns int
}

// New returns a broker that keeps its events in store.
func New(cfg Config, store *replay.Store) *Broker {
	cfg = cfg.withDefaults()
	n := store.Shards()
	b := &Broker{cfg: cfg, store: store, shards: make([]shard, n), keys: make([]*keyring, n)}
	for i := range b.shards {
		b.shards[i].users = make(map[string]*user)
		b.keys[i] = newKeyring(max(1, cfg.IdempotencyKeys/n))
	}
	b.devices.init(cfg.DeviceCursors)
	return b
}

// Store is the log behind the broker, for reading.
func (b *Broker) Store() *replay.Store { return b.store }

// Drain makes every later publish and subscription fail with ErrDraining.
func (b *Broker) Drain() { b.draining.Store(true) }

// Stats is a snapshot of the broker's counters.
type Stats struct {
	Connections, Users                                                int
	Published, Duplicates, Delivered, Lagged, Gaps, Replayed, Refused uint64
}

// Stats reads the counters.
func (b *Broker) Stats() Stats {
	st := Stats{
		Connections: int(b.connections.Load()),
		Published:   b.counters.published.Load(),
		Duplicates:  b.counters.duplicates.Load(),
		Delivered:   b.counters.delivered.Load(),
		Lagged:      b.counters.lagged.Load(),
		Gaps:        b.counters.gaps.Load(),
		Replayed:    b.counters.replayed.Load(),
		Refused:     b.counters.refused.Load(),
	}
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.Lock()
		st.Users += len(s.users)
		s.mu.Unlock()
	}
	return st
}
