package longpoll

import (
	"io"
	"net"
	"net/http"
	"time"

	"hubline/transports"
)

// parkable reports whether the socket of a waiting request can be taken over.
// The body of a request would be taken for the request after it, by which a
// client could slip one past a proxy: net/http is left to skip it.
func parkable(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.TLS == nil && r.ContentLength == 0
}

// park takes the socket over. It reports false where that is not possible.
func (p *Poll) park(w http.ResponseWriter, r *http.Request) bool {
	header := appendHeader(nil, w.Header())
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	if u, ok := nc.(*returned); ok {
		nc = u.Unwrap()
	}
	rest, _ := rw.Peek(rw.Reader.Buffered())
	rest = append([]byte(nil), rest...) // the reader's buffer is not ours to keep
	stand := func() { p.watch(nc, rest) }
	if idle := new(transports.Waiter); len(rest) == 0 && idle.Bind(nc) {
		stand = func() { // nothing else on this goroutine's stack while it waits
			_ = idle.Wait() // an error of the socket ends the watch as its end does
			p.watch(nc, nil)
		}
	}
	p.mu.Lock()
	p.header, p.conn, p.wake = header, nc, nil
	p.keep = !r.Close && r.ProtoAtLeast(1, 1)
	parked := p.parker.add(p, stand)
	if !parked {
		_ = nc.Close()
		p.answered = true
	}
	p.mu.Unlock()
	if !parked {
		p.source.Gone(p)
		return true
	}
	p.Wake() // what came up during the move
	return true
}

// watch waits for the client's next request, or for its end.
func (p *Poll) watch(nc net.Conn, rest []byte) {
	if len(rest) == 0 {
		var b [1]byte
		if _, err := io.ReadFull(nc, b[:]); err != nil {
			p.leave(nc)
			return
		}
		rest = append(rest, b[0])
	}
	if p.awaitSettled() {
		p.parker.giveBack(p, nc, rest)
		return
	}
	// What the client still sends is read: closing a socket with bytes in it
	// would take the answer back from a client that has not read it yet.
	_, _ = io.Copy(io.Discard, nc)
	p.leave(nc)
}

// awaitSettled reports whether the socket may serve another request, when that
// is known: a write has its time limit.
func (p *Poll) awaitSettled() (free bool) {
	next := make(chan struct{})
	p.mu.Lock()
	if p.next = next; p.settled {
		close(next)
	}
	p.mu.Unlock()
	<-next // closed by settleLocked
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.free
}

// Releaser is a socket that wants to know when it carries no poll any more and waits
// for its next request: whoever counts sockets counts it as any other again. Released
// must not block.
type Releaser interface{ Released() }

// settleLocked notes what becomes of the socket; if not free it is closed, or
// about to be.
func (p *Poll) settleLocked(free bool) {
	if p.settled {
		return
	}
	p.settled, p.free = true, free
	if r, ok := p.conn.(Releaser); ok && free {
		r.Released()
	}
	if p.next != nil {
		close(p.next)
	}
}

// leave ends the watch over a socket that has ended.
func (p *Poll) leave(nc net.Conn) {
	p.parker.remove(p)
	_ = nc.Close()
	p.mu.Lock()
	p.left, p.settled = true, true
	gone := !p.answered && !p.busy // else whoever is busy finds out
	p.answered = p.answered || gone
	p.mu.Unlock()
	if gone {
		p.source.Gone(p)
	}
}

// lastWrite is how long an answer that is being written may still take when
// the parker closes.
const lastWrite = time.Second

// close ends a parked poll, but lets an answer go out that is on its way.
func (p *Poll) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing = true
	if p.busy {
		p.keep = false
		_ = p.conn.SetWriteDeadline(time.Now().Add(lastWrite))
		return
	}
	_ = p.conn.Close()
	p.settleLocked(false)
}
