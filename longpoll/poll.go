package longpoll

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"hubline/transports"
)

// Answer is what a poll is answered with.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
}

// Source has the answer to a poll.
type Source interface {
	// Answer returns the answer, or false while there is none. It is called
	// once more after each Wake, never twice at a time for the same poll, and
	// not again after it has returned true.
	Answer(p *Poll) (Answer, bool)
	// Gone is called instead if the client has left.
	Gone(p *Poll)
}

// Poll is one request that waits for its answer.
type Poll struct {
	parker *Parker
	source Source

	wake chan struct{} // for the handler, while the poll is not parked

	mu       sync.Mutex
	header   []byte   // lines of the answer, besides its own
	conn     net.Conn // set when parked
	keep     bool     // the socket may serve another request
	busy     bool     // a goroutine is asking the source
	again    bool     // woken while busy
	answered bool
	written  bool          // the answer has left, the socket is free
	left     chan struct{} // closed when answered; made by a watcher that holds a byte
}

// NewPoll returns a poll that Serve is to be called on.
func NewPoll(parker *Parker, source Source) *Poll {
	return &Poll{parker: parker, source: source, wake: make(chan struct{}, 1)}
}

// Wake has the source asked again. It never blocks.
func (p *Poll) Wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn == nil {
		select {
		case p.wake <- struct{}{}:
		default:
		}
		return
	}
	p.wakeParkedLocked()
}

// wakeParkedLocked asks the source in a goroutine of its own, which ends when
// there is no answer yet or it is written.
func (p *Poll) wakeParkedLocked() {
	if p.answered {
		return
	}
	if p.busy {
		p.again = true
		return
	}
	p.busy = true
	p.parker.wg.Go(p.answerParked)
}

// Serve answers the request, or parks it and returns.
func (p *Poll) Serve(w http.ResponseWriter, r *http.Request) {
	park := time.NewTimer(p.parker.cfg.ParkAfter)
	defer park.Stop()
	parkable := r.ProtoMajor == 1 && r.TLS == nil
	for {
		if a, ok := p.source.Answer(p); ok {
			write(w, a)
			return
		}
		select {
		case <-p.wake:
		case <-r.Context().Done():
			p.source.Gone(p)
			return
		case <-park.C:
			if parkable && p.park(w, r) {
				return
			}
		}
	}
}

func write(w http.ResponseWriter, a Answer) {
	h := w.Header()
	if a.ContentType != "" {
		h.Set("Content-Type", a.ContentType)
	}
	if a.Status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the client's loss is noticed by its next request
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
	rest, _ := rw.Reader.Peek(rw.Reader.Buffered())
	rest = append([]byte(nil), rest...) // the reader's buffer is not ours to keep
	p.mu.Lock()
	p.header, p.conn = header, nc
	p.keep = !r.Close && r.ProtoAtLeast(1, 1)
	p.mu.Unlock()
	var idle transports.Waiter
	stand := func() { p.watch(nc, rest) }
	if len(rest) == 0 && idle.Bind(nc) {
		stand = func() { // nothing else on this goroutine's stack while it waits
			idle.Wait()
			p.watch(nc, nil)
		}
	}
	if !p.parker.add(nc, stand) {
		_ = nc.Close()
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
			p.parker.remove(nc)
			_ = nc.Close()
			p.mu.Lock()
			tell := !p.answered
			p.answered = true
			p.mu.Unlock()
			if tell {
				p.source.Gone(p)
			}
			return
		}
		rest = append(rest, b[0])
	}
	p.mu.Lock()
	if p.left = make(chan struct{}); p.written {
		close(p.left)
	}
	p.mu.Unlock()
	select {
	case <-p.left:
		p.parker.giveBack(nc, rest)
	case <-p.parker.done:
		p.parker.remove(nc)
		_ = nc.Close()
	}
}

// answerParked asks the source until it has an answer or nothing new came up.
func (p *Poll) answerParked() {
	for {
		if a, ok := p.source.Answer(p); ok {
			p.finish(a)
			return
		}
		p.mu.Lock()
		if !p.again {
			p.busy = false
			p.mu.Unlock()
			return
		}
		p.again = false
		p.mu.Unlock()
	}
}

// finish writes the answer of a parked poll.
func (p *Poll) finish(a Answer) {
	p.mu.Lock()
	if p.answered { // the client left while the answer was made
		p.mu.Unlock()
		return
	}
	p.answered = true
	nc, keep, head := p.conn, p.keep, p.header
	p.header = nil
	p.mu.Unlock()

	_ = nc.SetWriteDeadline(time.Now().Add(p.parker.cfg.WriteTimeout))
	_, err := nc.Write(appendResponse(nil, head, keep, a))
	if err != nil || !keep {
		_ = nc.Close() // the watcher sees it
		return
	}
	_ = nc.SetWriteDeadline(time.Time{})
	_ = nc.SetReadDeadline(time.Now().Add(p.parker.cfg.KeepAlive))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.written = true; p.left != nil {
		close(p.left)
	}
}

// appendResponse appends the whole HTTP/1.1 response (RFC 9112).
func appendResponse(b, header []byte, keep bool, a Answer) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(a.Status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(a.Status)...)
	b = append(b, "\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	b = append(b, header...)
	if a.ContentType != "" {
		b = append(b, "\r\nContent-Type: "...)
		b = append(b, a.ContentType...)
	}
	if a.Status != http.StatusNoContent {
		b = append(b, "\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(a.Body)), 10)
	}
	if !keep {
		b = append(b, "\r\nConnection: close"...)
	}
	b = append(b, "\r\n\r\n"...)
	if a.Status == http.StatusNoContent {
		return b
	}
	return append(b, a.Body...)
}

// appendHeader appends the header's lines, each behind a line end, in one piece
// that is cheaper to keep than the map.
func appendHeader(b []byte, header http.Header) []byte {
	for name, values := range header {
		for _, v := range values {
			b = append(b, "\r\n"...)
			b = append(b, name...)
			b = append(b, ": "...)
			b = append(b, v...)
		}
	}
	return b
}
