package longpoll

import (
	"errors"
	"net"
	"net/http"
	"os"
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
	// Written is called after Answer when it has been written, as far as can
	// be told.
	Written(p *Poll)
	// Lost is called after Answer when the body could not be written.
	Lost(p *Poll, r transports.Reason)
}

// Poll is one request that waits for its answer.
type Poll struct {
	parker *Parker
	source Source

	wake chan struct{} // for the handler, while the poll is not parked

	mu       sync.Mutex
	header   []byte        // lines of the answer, besides its own
	conn     net.Conn      // set when parked
	keep     bool          // the socket may serve another request
	busy     bool          // a goroutine is asking the source, or writes the answer
	again    bool          // woken while busy
	answered bool          // the source has been told, or has told, the end
	settled  bool          // the socket has nothing to do with this poll any more
	free     bool          // settled, and it may serve another request
	left     bool          // the watcher has seen the socket's end
	closing  bool          // the parker closes
	next     chan struct{} // closed when settled; made by a watcher that holds a byte
}

// NewPoll returns a poll that Serve is to be called on.
func NewPoll(parker *Parker, source Source) *Poll {
	return &Poll{parker: parker, source: source, wake: make(chan struct{}, 1)}
}

// Wake has the source asked again. It never blocks.
func (p *Poll) Wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.conn == nil:
		select {
		case p.wake <- struct{}{}:
		default:
		}
	case p.answered || p.settled:
	case p.busy:
		p.again = true
	default:
		p.busy = true
		// Ends when there is no answer yet, or it is written. The watcher is
		// counted as well, so that Close waits for both.
		p.parker.wg.Go(p.ask)
	}
}

// Serve answers the request, or parks it and returns.
func (p *Poll) Serve(w http.ResponseWriter, r *http.Request) {
	park := time.NewTimer(p.parker.cfg.ParkAfter)
	defer park.Stop()
	for {
		if a, ok := p.source.Answer(p); ok {
			if err := p.write(w, a); err != nil {
				p.source.Lost(p, reasonOf(err))
			} else {
				p.source.Written(p)
			}
			return
		}
		select {
		case <-p.wake:
		case <-r.Context().Done():
			p.source.Gone(p)
			return
		case <-park.C:
			if parkable(r) && p.park(w, r) {
				return
			}
		}
	}
}

// write answers in the handler. That the last few bytes did not reach the
// client shows only in its next request.
func (p *Poll) write(w http.ResponseWriter, a Answer) error {
	rc := http.NewResponseController(w)
	writeHead(w, a)
	for body := a.Body; len(body) > 0; {
		_ = rc.SetWriteDeadline(time.Now().Add(p.parker.cfg.WriteTimeout))
		n, err := w.Write(body[:min(len(body), piece)])
		if err != nil {
			return err
		}
		body = body[n:]
	}
	return nil
}

func writeHead(w http.ResponseWriter, a Answer) {
	h := w.Header()
	if a.ContentType != "" {
		h.Set("Content-Type", a.ContentType)
	}
	if a.Status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.Status)
}

// reasonOf tells why a write has failed.
func reasonOf(err error) transports.Reason {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return transports.ReasonSlow
	}
	return transports.ReasonLost
}
