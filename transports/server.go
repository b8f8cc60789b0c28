package transports

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of this package.
var (
	// ErrTooMany: as many connections are negotiated and not yet used as may
	// be, or the server stops.
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
	// MaxNegotiatedPerUser bounds one user's, so that one cannot take the
	// places of all. Zero means a tenth of MaxNegotiated, at least 1.
	MaxNegotiatedPerUser int
	// MaxNegotiatedPerAddress bounds those of one address without a user, which
	// cost nobody a name. Zero means as many as a user's.
	MaxNegotiatedPerAddress int
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
	if c.MaxNegotiatedPerUser == 0 {
		c.MaxNegotiatedPerUser = max(1, c.MaxNegotiated/10)
	}
	if c.MaxNegotiatedPerAddress == 0 {
		c.MaxNegotiatedPerAddress = c.MaxNegotiatedPerUser
	}
	if c.SendTimeout == 0 {
		c.SendTimeout = 10 * time.Second
	}
	if c.EarlyBytes == 0 {
		c.EarlyBytes = 32 << 10
	}
	return c
}

// Server holds what all connections share: the registry, the writers and the
// sweeper.
type Server struct {
	cfg     Config
	writers *Writers
	wheel   *Wheel
	pool    *pool
	registry

	ends      ends
	phase     atomic.Int32
	conns     *group // connections that a request has attached to
	tasks     *group // goroutines
	stopWheel context.CancelFunc
	shutdown  sync.Once
}

// Phases of a server.
const (
	phaseRunning  int32 = iota
	phaseDraining       // whoever comes is told to leave
	phaseCut            // whoever comes is cut
)

// NewServer starts the shared goroutines; Shutdown ends them.
func NewServer(cfg Config) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		cfg: cfg.withDefaults(), writers: NewWriters(), wheel: NewWheel(), pool: newPool(),
		conns: newGroup(), tasks: newGroup(), stopWheel: cancel,
	}
	s.init()
	// Ends with Shutdown.
	s.tasks.Go(func() { s.wheel.Run(ctx) })
	return s
}

// Writers are the shared writing goroutines.
func (s *Server) Writers() *Writers { return s.writers }

// SendTimeout is the configured bound of one write.
func (s *Server) SendTimeout() time.Duration { return s.cfg.SendTimeout }

// Go runs a goroutine that ends with a connection; Shutdown waits for it.
func (s *Server) Go(f func()) { s.tasks.Go(f) }
