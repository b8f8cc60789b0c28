package subscribe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// turn is how the hub treats one connection (or poll).
type turn struct {
	status     int           // refuse with this status
	retryAfter string        // header of a refusal
	body       string        // of a refusal, or of a 200 with the wrong content
	dropAfter  int           // cut the connection after this many events, if > 0
	overlap    uint64        // begin this many events too early
	closing    string        // say this before cutting the connection
	silent     bool          // send nothing at all, not even keep-alives
	idle       bool          // send keep-alives that move the cursor, no events
	extra      []string      // envelopes to send before anything else
	lifetime   time.Duration // cut the connection after this time, if > 0
}

// request is what a client asked for.
type request struct {
	since, wait, limit, types, token string
	at                               time.Time
}

// hub is a small server that follows the contract for one user, over an
// in-memory network. It keeps its events in memory and plays turns.
type hub struct {
	mu       sync.Mutex
	epoch    atomic.Value // string; changes only in restart
	oldest   uint64
	events   []string // types; seq is index + 1
	changed  chan struct{}
	turns    []turn // for the next connections; then a plain one
	requests []request
	cancels  []context.CancelFunc // of the live connections, and dead ones

	conns chan net.Conn
	done  chan struct{}
}

// newHub starts a hub that stops with the test.
func newHub(t *testing.T, turns ...turn) *hub {
	h := &hub{
		oldest: 1, changed: make(chan struct{}), turns: turns,
		conns: make(chan net.Conn), done: make(chan struct{}),
	}
	h.epoch.Store("k7q2")
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(h) }) // ends when the cleanup closes it
	t.Cleanup(func() {
		close(h.done)
		_ = server.Close()
		wg.Wait()
	})
	return h
}

func (h *hub) Addr() net.Addr { return &net.TCPAddr{} }
func (h *hub) Close() error   { return nil }

func (h *hub) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *hub) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := newPipe()
	select {
	case h.conns <- server:
		return client, nil
	case <-h.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (h *hub) publish(types ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, types...)
	close(h.changed)
	h.changed = make(chan struct{})
}

// restart loses everything: the connections break and a new epoch begins.
func (h *hub) restart(epoch string, types ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epoch.Store(epoch)
	h.events = types
	for _, cancel := range h.cancels {
		cancel()
	}
}

func (h *hub) requested() []request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]request(nil), h.requests...)
}

func (h *hub) cursor(seq uint64) string {
	return h.epoch.Load().(string) + "-" + strconv.FormatUint(seq, 10)
}

func (h *hub) envelope(seq uint64) string {
	return fmt.Sprintf(`{"id":"id-%d","seq":%d,"cursor":%q,"type":%q,"ts":1763596800000,"data":{"n":%d}}`,
		seq, seq, h.cursor(seq), h.events[seq-1], seq)
}

// next returns the events after seq, or waits until there are some or ctx ends.
func (h *hub) next(ctx context.Context, seq uint64) (envelopes []string) {
	for {
		h.mu.Lock()
		for n := seq + 1; n <= uint64(len(h.events)); n++ {
			envelopes = append(envelopes, h.envelope(n))
		}
		changed := h.changed
		h.mu.Unlock()
		if len(envelopes) > 0 {
			return envelopes
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		case <-h.done:
			return nil
		}
	}
}

// start finds where a client begins and which gap it must be told of.
func (h *hub) start(since string) (seq uint64, gap *Gap) {
	head := uint64(len(h.events))
	epoch, seq, err := parseCursor(since)
	switch {
	case since == "latest":
		return head, nil
	case err != nil:
		seq, _ = strconv.ParseUint(since, 10, 64)
	case epoch != h.epoch.Load():
		return h.oldest - 1, &Gap{From: h.oldest, To: head, Reason: "epoch"}
	}
	if seq+1 < h.oldest {
		return h.oldest - 1, &Gap{From: seq + 1, To: h.oldest - 1, Reason: "evicted"}
	}
	return seq, nil
}
