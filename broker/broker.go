package broker

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"hubline/replay"
)

// Errors that callers branch on.
var (
	// ErrTooManyConnections: the user has as many as allowed.
	ErrTooManyConnections = errors.New("too many connections")
	// ErrFull: the server has as many as allowed.
	ErrFull = errors.New("server has as many connections as it may")
	// ErrConflict: an idempotency key or event id was used before with
	// another content.
	ErrConflict = errors.New("idempotency key or event id was used with another content")
	// ErrDraining: the server stops and takes no more events.
	ErrDraining = errors.New("server is stopping")
)

// Config of a broker. The zero value works; what is negative counts as zero.
type Config struct {
	// QueueEvents is how many events may wait for one connection before it
	// reads on from the log instead. Zero means 1024.
	QueueEvents int
	// QueueBytes is the same bound in bytes of event data. A single larger
	// event may wait alone. Zero means 1 MiB.
	QueueBytes int
	// MaxConnections is the number of subscriptions in all. Zero means 100,000.
	MaxConnections int
	// MaxConnectionsPerUser bounds one user's. Zero means 100.
	MaxConnectionsPerUser int
	// IdempotencyKeys is how many keys and ids are remembered in all, an equal
	// share for each shard of users and for broadcasts, and at least one for
	// each. Zero means 100,000.
	IdempotencyKeys int
	// DeviceCursors is how many devices' cursors are remembered. Zero means 100,000.
	DeviceCursors int
	// MaxChannelsPerUser bounds the channels that a user is in. Zero means 1,000.
	MaxChannelsPerUser int
	// MaxChannelMembers bounds the members of a channel: all of them are published to
	// in one commit. Zero means 100,000.
	MaxChannelMembers int
	// MaxMemberships bounds those of all users together, at about 50 bytes each and the
	// names. Zero means 10,000,000.
	MaxMemberships int
	// MaxPresenceMembers bounds the members of a presence channel, below
	// MaxChannelMembers: all are told of each. Zero means 1,000.
	MaxPresenceMembers int
	// PresenceGrace is how long a user without a connection is still in its presence
	// channels, so that nobody hears of a reconnect; it ends with the next SweepPresence.
	// Zero means 5 s.
	PresenceGrace time.Duration
	// Ledger, which must be the Store's Backing too, is where events are written
	// before anybody sees them. Nil means that they are kept in memory alone.
	Ledger Ledger
}

func (c Config) withDefaults() Config {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&c.QueueEvents, 1024)
	def(&c.QueueBytes, 1<<20)
	def(&c.MaxConnections, 100_000)
	def(&c.MaxConnectionsPerUser, 100)
	def(&c.IdempotencyKeys, 100_000)
	def(&c.DeviceCursors, 100_000)
	def(&c.MaxChannelsPerUser, 1000)
	def(&c.MaxChannelMembers, 100_000)
	def(&c.MaxMemberships, 10_000_000)
	def(&c.MaxPresenceMembers, 1000)
	if c.PresenceGrace <= 0 {
		c.PresenceGrace = 5 * time.Second
	}
	return c
}

// Broker is safe for concurrent use.
type Broker struct {
	cfg     Config
	store   *replay.Store
	shards  []shard
	devices deviceCursors
	roster  *roster

	gatherings gatherings
	maxNotices int

	connections atomic.Int64
	refused     atomic.Uint64
	draining    atomic.Bool

	committer *committer // nil without a ledger

	broadcasting chan struct{} // has one place, which a broadcast takes for its whole time
	broadcastMu  sync.Mutex    // guards broadcasts
	broadcasts   *keyring[BroadcastReceipt]
}

// shard holds the users with a connection whose names hash to it. The store
// is cut into the same shards, so a user's pin state changes only under this
// lock.
type shard struct {
	broker *Broker

	mu       sync.Mutex
	users    map[string]*user
	keys     *keyring[Receipt]
	awaited  map[keyID]keyed[*Pending] // publishes with keys that are on their way to the disk
	seen     *seen                     // devices that have gone; nil: none has
	counters counters

	attendance *attendance // nil: nobody is a member of a presence channel

	// publishing is held to publish to a channel whose owner's name hashes here, when
	// there is no ledger.
	publishing sync.Mutex

	_ [56]byte // two shards share no cache line
}

// user is one user with at least one connection. The shard's lock guards it.
type user struct {
	name  string
	epoch string // of the log, which keeps it as long as it is pinned
	shard *shard
	log   *replay.Log
	first *Subscription
	conns int
	// member is the record that has this user as connected, if there is one.
	member *member
}

// gone undoes what connectedLocked has noted.
func (u *user) gone() {
	if u.member != nil {
		u.member.connected, u.member = nil, nil
	}
}

// New returns a broker that keeps its events in store. Nobody else may pin
// logs of the store or append to it.
func New(cfg Config, store *replay.Store) *Broker {
	cfg = cfg.withDefaults()
	n := store.Shards()
	share := max(1, cfg.IdempotencyKeys/(n+1))
	b := &Broker{cfg: cfg, store: store, shards: make([]shard, n), broadcasts: newKeyring[BroadcastReceipt](share), broadcasting: make(chan struct{}, 1)}
	for i := range b.shards {
		sh := &b.shards[i]
		sh.broker, sh.users, sh.keys = b, make(map[string]*user), newKeyring[Receipt](share)
	}
	b.devices.init(cfg.DeviceCursors, cfg.Ledger)
	b.roster = newRoster(store.ShardOf)
	b.gatherings.channels, b.maxNotices = make(map[string]*gathering), maxNotices
	if cfg.Ledger != nil {
		b.loadMemberships(cfg.Ledger)
		b.committer = newCommitter(b, cfg.Ledger)
	}
	return b
}

// Store is the log behind the broker, for reading.
func (b *Broker) Store() *replay.Store { return b.store }

// Durable reports whether what Publish has accepted is on disk.
func (b *Broker) Durable() bool { return b.committer != nil }

// Err is nil, or wraps ErrLog when nothing can be published any more.
func (b *Broker) Err() error {
	if b.committer == nil {
		return nil
	}
	if err := b.committer.ledger.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrLog, err)
	}
	return nil
}

// Close drains, and ends when all that was published is written. With a Ledger it
// must be called before that is closed; without one there is no need.
func (b *Broker) Close() {
	b.Drain()
	b.gatherings.close()
	if b.committer != nil {
		b.committer.close()
	}
}

// Drain makes every later publish and subscription fail with ErrDraining.
func (b *Broker) Drain() { b.draining.Store(true) }

func (b *Broker) shard(user string) *shard { return &b.shards[b.store.ShardOf(user)] }
