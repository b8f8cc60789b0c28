package app

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// readDeadline is what a socket may take for its reads. While the HTTP server serves
// it, that is told anew some eight times a request, for the headers, the body, what
// comes behind it and the rest until the next request, and hardly ever is there a
// read for which it matters: all of the request has arrived with the first one. So it
// is only noted, and looked at when there is a read: one that stands already, and
// ends too early, is as good as none until it has struck.
type readDeadline struct {
	mu      sync.Mutex
	want    int64  // counted from the listener's epoch; 0: none
	set     int64  // what stands on the socket, the same way
	reading int    // reads under way
	watch   *watch // a read that was put off, or nil
}

// since counts a deadline from the listener's epoch. What is past is negative for
// sure only if it is far past, as the server's interruption of a read.
func (l *sockets) since(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	if d := int64(t.Sub(l.epoch)); d != 0 {
		return d
	}
	return -1
}

// fits reports whether a read may begin with what stands on the socket. If that is
// earlier than what is wanted the read has to be repeated; where it has struck
// already, as after an interruption, that would be for sure.
func (d *readDeadline) fits() bool {
	switch {
	case d.set == d.want:
		return true
	case d.set < 0:
		return false
	case d.want == 0:
		return true
	default:
		return d.set != 0 && d.set < d.want
	}
}

// applyLocked sets what is wanted.
func (s *socket) applyLocked() error {
	d := &s.read
	var t time.Time
	if d.want != 0 {
		t = s.from.epoch.Add(time.Duration(d.want))
	}
	d.set = d.want
	return s.Conn.SetReadDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (s *socket) SetReadDeadline(t time.Time) error {
	d := &s.read
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.want = s.from.since(t); d.want != 0 {
		d.unwatchLocked()
	}
	if s.served.Load() && d.reading == 0 {
		return nil
	}
	return s.applyLocked()
}

// errInterrupted is how a read ends that was interrupted before it began: the server
// watches the socket while a request is handled, and most handlers are done before
// the watcher has had its turn. Nothing needs to be told to the socket for it.
var errInterrupted = &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}

// Read implements net.Conn.
func (s *socket) Read(p []byte) (int, error) {
	d := &s.read
	d.mu.Lock()
	if s.served.Load() && !s.ended.Load() {
		if len(p) == 1 && d.want == 0 && d.watch == nil {
			s.putOffLocked()
		}
		if d.want < 0 && !s.ended.Load() { // it may have ended meanwhile
			d.mu.Unlock()
			return 0, errInterrupted
		}
	}
	d.reading++
	if !d.fits() {
		_ = s.applyLocked() // it fails on a closed socket, as the read does
	}
	d.mu.Unlock()
	n, err := s.Conn.Read(p)
	for n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && s.early() {
		n, err = s.Conn.Read(p)
	}
	d.mu.Lock()
	d.reading--
	d.mu.Unlock()
	return n, err
}

// early reports whether a read has been ended by a deadline that was not wanted, and
// sets the one that is.
func (s *socket) early() bool {
	d := &s.read
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.want != 0 && d.want <= int64(time.Since(s.from.epoch)) {
		return false
	}
	return s.applyLocked() == nil
}
