package app

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// piece is how much must be taken within one write timeout, in bytes: a slow peer
// may take longer for a long answer.
const piece = 64 << 10

// socket is an accepted socket. While the HTTP server writes to it every write
// has a deadline, which the server's own option, one for a whole answer from the
// arrival of its request, does not give: answers to slow uploads would come too
// late, and long answers to slow readers would be cut.
type socket struct {
	net.Conn

	from   *sockets
	peer   netip.Addr  // by which it is counted while it is served; may be none
	served atomic.Bool // by the HTTP server, not taken over by a carrier
	// until is the deadline that stands, counted from the listener's epoch; 0:
	// none, or not ours.
	until atomic.Int64
	ended atomic.Bool
	read  readDeadline
}

// Write implements net.Conn. The deadline is pushed only when less than the
// timeout is left of it, and then by a quarter more, since setting it costs more
// than everything else here.
func (s *socket) Write(p []byte) (n int, err error) {
	if !s.served.Load() {
		return s.Conn.Write(p)
	}
	for {
		if now := int64(time.Since(s.from.epoch)); s.until.Load()-now < int64(s.from.timeout) {
			s.push(now)
		}
		k, err := s.Conn.Write(p[:min(len(p), piece)])
		n += k
		if p = p[k:]; err != nil || len(p) == 0 {
			return n, err
		}
	}
}

func (s *socket) push(now int64) {
	until := now + int64(s.from.timeout)*5/4
	if s.Conn.SetWriteDeadline(s.from.epoch.Add(time.Duration(until))) == nil {
		s.until.Store(until)
	}
}

// SetDeadline implements net.Conn.
func (s *socket) SetDeadline(t time.Time) error {
	s.read.mu.Lock()
	defer s.read.mu.Unlock()
	s.read.want = s.from.since(t)
	s.read.set = s.read.want
	if s.read.want != 0 {
		s.read.unwatchLocked()
	}
	s.until.Store(0)
	return s.Conn.SetDeadline(t)
}

// SetWriteDeadline implements net.Conn. That there be none is what the HTTP server
// asks for behind every answer: ours may stand until the next.
func (s *socket) SetWriteDeadline(t time.Time) error {
	if t.IsZero() && s.served.Load() && s.until.Load() != 0 {
		return nil
	}
	s.until.Store(0)
	return s.Conn.SetWriteDeadline(t)
}

// Close implements net.Conn.
func (s *socket) Close() error {
	if s.ended.CompareAndSwap(false, true) {
		s.from.open.Add(-1)
		s.serve(false)
		s.read.mu.Lock()
		s.read.unwatchLocked()
		s.read.mu.Unlock()
	}
	return s.Conn.Close()
}

// serve notes whether the HTTP server has the socket, and so by whom it is counted:
// by its peer's address, or as the connection that it has become.
func (s *socket) serve(served bool) {
	switch {
	case s.served.Swap(served) == served:
	case !served:
		s.from.peers.leave(s.peer)
	default:
		s.from.peers.add(s.peer)
		if s.ended.Load() { // meanwhile
			s.serve(false)
		}
	}
}

// Released implements longpoll.Releaser: the poll that had taken the socket over has
// been answered.
func (s *socket) Released() { s.serve(true) }

// CloseWrite lets the peer read the end of an answer before the socket is closed.
func (s *socket) CloseWrite() error {
	if h, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SyscallConn implements syscall.Conn, by which carriers read and write without
// blocking.
func (s *socket) SyscallConn() (syscall.RawConn, error) {
	if c, ok := s.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
