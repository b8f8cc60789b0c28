package longpoll

import (
	"net"
	"sync"
	"time"
)

// Config of a Parker. The zero value works.
type Config struct {
	// ParkAfter is how long a poll waits in its HTTP handler before it is
	// parked. Zero means 20 ms.
	ParkAfter time.Duration
	// KeepAlive is how long a parked socket may wait for its next request
	// after the answer. Zero means 2 minutes.
	KeepAlive time.Duration
	// WriteTimeout bounds the writing of an answer, or of each 64 KiB of a
	// long one. Zero means 10 s.
	WriteTimeout time.Duration
}

// Parker keeps the sockets of waiting polls outside the HTTP server. It is a
// net.Listener that an http.Server must Serve beside its main one: sockets come
// back to the server through it. It is safe for concurrent use.
type Parker struct {
	cfg  Config
	addr net.Addr
	back chan net.Conn
	done chan struct{}

	mu     sync.Mutex
	parked map[*Poll]struct{}
	closed bool
	wg     sync.WaitGroup // watchers, and those who ask for their polls
}

// NewParker returns a Parker for a server at addr.
func NewParker(addr net.Addr, cfg Config) *Parker {
	if cfg.ParkAfter == 0 {
		cfg.ParkAfter = 20 * time.Millisecond
	}
	if cfg.KeepAlive == 0 {
		cfg.KeepAlive = 2 * time.Minute
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = 10 * time.Second
	}
	return &Parker{
		cfg: cfg, addr: addr,
		back: make(chan net.Conn), done: make(chan struct{}),
		parked: make(map[*Poll]struct{}),
	}
}

// Accept implements net.Listener.
func (p *Parker) Accept() (net.Conn, error) {
	select {
	case c := <-p.back:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (p *Parker) Addr() net.Addr { return p.addr }

// Close implements net.Listener: it closes every parked socket and waits for
// their goroutines. An answer that is being written gets a second more.
func (p *Parker) Close() error {
	p.mu.Lock()
	var polls []*Poll
	if !p.closed {
		p.closed = true
		close(p.done)
		for poll := range p.parked {
			polls = append(polls, poll)
		}
	}
	p.mu.Unlock()
	for _, poll := range polls { // whose locks come before ours
		poll.close()
	}
	p.wg.Wait()
	return nil
}

// Parked is how many sockets are outside the HTTP server.
func (p *Parker) Parked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.parked)
}

// add registers a poll whose socket was taken over and starts its watcher. It
// reports false after Close.
func (p *Parker) add(poll *Poll, watch func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.parked[poll] = struct{}{}
	// Ends when the socket goes back or is closed, by Close at the latest.
	p.wg.Go(watch)
	return true
}

func (p *Parker) remove(poll *Poll) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.parked, poll)
}

// giveBack hands the poll's socket to the HTTP server; first was read from it
// already.
func (p *Parker) giveBack(poll *Poll, c net.Conn, first []byte) {
	p.remove(poll)
	_ = c.SetReadDeadline(time.Time{})
	select {
	case p.back <- &returned{Conn: c, first: first}:
	case <-p.done:
		_ = c.Close()
	}
}

// returned is a socket whose first bytes have been read before.
type returned struct {
	net.Conn
	first []byte
}

func (r *returned) Read(p []byte) (int, error) {
	if len(r.first) > 0 {
		n := copy(p, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	return r.Conn.Read(p)
}

// Unwrap is the socket itself, once all that was read before has been served.
func (r *returned) Unwrap() net.Conn {
	if len(r.first) > 0 {
		return r
	}
	return r.Conn
}
