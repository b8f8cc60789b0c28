package serve

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hubline/longpoll"
	"hubline/signalr"
	"hubline/transports"
)

// Config of a Server. The zero value works.
type Config struct {
	// MaxNegotiated bounds connections that were negotiated and that nobody
	// has connected to. Zero means 10,000; one user may have a tenth of them.
	MaxNegotiated int
	// SendTimeout is how long one write to a client may take before the
	// client is closed as slow. Zero means 10 s.
	SendTimeout time.Duration
	// ReadHeaderTimeout is how long a request's header may take. It counts
	// for Serve and ListenAndServe. Zero means 10 s.
	ReadHeaderTimeout time.Duration
	// Spread is the time over which Shutdown closes connections, so that
	// their clients do not come back all at once. Zero means at once.
	Spread time.Duration
}

// Server serves hubs under their paths. Paths are given to it before the first
// request; then it is safe for concurrent use.
type Server struct {
	cfg    Config
	conns  *transports.Server
	parker atomic.Pointer[longpoll.Parker]
	routes map[string]http.HandlerFunc // by routeOf
	hubs   []*signalr.Hub
	raw    sync.WaitGroup // handlers of streams

	mu    sync.Mutex
	http  []*http.Server
	fresh map[net.Conn]struct{} // sockets on which nothing has come yet
	down  bool
}

// New starts a server without paths. Shutdown ends it.
func New(cfg Config) *Server {
	if cfg.ReadHeaderTimeout == 0 {
		cfg.ReadHeaderTimeout = 10 * time.Second
	}
	s := &Server{
		cfg: cfg, routes: make(map[string]http.HandlerFunc),
		conns: transports.NewServer(transports.Config{MaxNegotiated: cfg.MaxNegotiated, SendTimeout: cfg.SendTimeout}),
	}
	// In somebody else's http.Server polls wait in their handlers.
	s.parker.Store(longpoll.NewParker(nil, longpoll.Config{ParkAfter: math.MaxInt64, WriteTimeout: cfg.SendTimeout}))
	return s
}

// routeOf is what a path is known by: its case does not count, nor does a slash at
// its end.
func routeOf(path string) string {
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	return strings.ToLower(path)
}

// ServeHTTP implements http.Handler. Paths count whatever their case, with or
// without a slash at their end; others are answered 404.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := s.routes[routeOf(r.URL.Path)]; h != nil {
		h(w, r)
		return
	}
	http.NotFound(w, r)
}

// noteState is the hook of http.Servers.
func (s *Server) noteState(nc net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(s.fresh, nc)
	case s.down:
		_ = nc.Close()
	default:
		if s.fresh == nil {
			s.fresh = make(map[net.Conn]struct{})
		}
		s.fresh[nc] = struct{}{}
	}
}

// ListenAndServe is Serve on a TCP address.
func (s *Server) ListenAndServe(addr string) error {
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return err
	}
	return s.Serve(ln)
}

// Serve answers requests over HTTP/1.1 until Shutdown, and then returns
// http.ErrServerClosed. Polls that wait take no goroutine of net/http's here.
func (s *Server) Serve(ln net.Listener) error {
	parker := longpoll.NewParker(ln.Addr(), longpoll.Config{WriteTimeout: s.cfg.SendTimeout})
	srv := &http.Server{Handler: s, ReadHeaderTimeout: s.cfg.ReadHeaderTimeout, IdleTimeout: 2 * time.Minute, ConnState: s.noteState}
	s.mu.Lock()
	if s.down {
		s.mu.Unlock()
		_ = ln.Close()
		return http.ErrServerClosed
	}
	s.http = append(s.http, srv)
	s.parker.Store(parker)
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { // ends when the server is closed, which closes its listeners
		defer close(done)
		_ = srv.Serve(parker)
	}()
	err := srv.Serve(ln)
	_ = parker.Close()
	<-done
	return err
}

// Shutdown ends all connections in order: clients are told that they may
// reconnect, what waits for them is sent. What is left when ctx ends is cut; then
// its error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.down = true
	servers, fresh := s.http, s.fresh
	s.fresh = nil
	s.mu.Unlock()
	for nc := range fresh { // http.Server would wait 5 s for what browsers keep in reserve
		_ = nc.Close()
	}
	s.conns.Shutdown(ctx, s.cfg.Spread)
	var errs []error
	for _, srv := range servers {
		errs = append(errs, srv.Shutdown(ctx))
	}
	done := make(chan struct{})
	go func() { // ends with the last method; one that never returns is the program's mistake
		defer close(done)
		for _, h := range s.hubs {
			h.Wait()
		}
		s.raw.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	return errors.Join(append(errs, context.Cause(ctx))...)
}
