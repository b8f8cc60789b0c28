package subscribe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"
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

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	h.mu.Lock()
	h.requests = append(h.requests, request{
		since: query.Get("since"), wait: query.Get("wait"), limit: query.Get("limit"), types: query.Get("types"),
		token: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), at: time.Now(),
	})
	var now turn
	if len(h.turns) > 0 {
		now, h.turns = h.turns[0], h.turns[1:]
	}
	seq, gap := h.start(query.Get("since"))
	seq -= min(seq, now.overlap)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	h.cancels = append(h.cancels, cancel)
	h.mu.Unlock()
	if now.lifetime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, now.lifetime)
		defer cancel()
	}
	switch {
	case now.status != 0:
		if now.retryAfter != "" {
			w.Header().Set("Retry-After", now.retryAfter)
		}
		w.WriteHeader(now.status)
		fmt.Fprint(w, now.body)
	case now.body != "":
		fmt.Fprint(w, now.body)
	case query.Has("wait"):
		h.poll(ctx, w, now, seq, gap)
	case r.Header.Get("Upgrade") != "":
		upgrader := gorilla.Upgrader{}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		if now.silent {
			conn.SetPingHandler(func(string) error { return nil })
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() { // ends when the connection is closed
			defer cancel()
			for {
				if _, _, err := conn.ReadMessage(); err != nil {
					return
				}
			}
		}()
		h.stream(ctx, now, seq, gap, func(_, _, envelope string) error {
			if envelope == "" {
				return conn.WriteControl(gorilla.PingMessage, nil, time.Now().Add(time.Second))
			}
			return conn.WriteMessage(gorilla.TextMessage, []byte(envelope))
		})
	default:
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		flusher := http.NewResponseController(w)
		h.stream(ctx, now, seq, gap, func(id, name, envelope string) error {
			text := ""
			if id != "" {
				text += "id: " + id + "\n"
			}
			if name != "" {
				text += "event: " + name + "\n"
			}
			if envelope != "" {
				text += "data: " + envelope + "\n"
			}
			if text == "" {
				text = ":\n"
			}
			if _, err := fmt.Fprint(w, text, "\n"); err != nil {
				return err
			}
			return flusher.Flush()
		})
	}
}

// stream serves a WebSocket or an event stream until it is cut. An empty
// envelope is a keep-alive.
func (h *hub) stream(ctx context.Context, now turn, seq uint64, gap *Gap, send func(id, name, envelope string) error) {
	if now.silent {
		<-ctx.Done()
		return
	}
	kept := h.cursor(seq)
	_ = send(kept, "hubline.ready", fmt.Sprintf(`{"type":"hubline.ready","data":{"connectionId":"c","cursor":%q}}`, kept))
	if gap != nil {
		data, _ := json.Marshal(gap)
		_ = send(kept, "hubline.gap", `{"type":"hubline.gap","data":`+string(data)+`}`)
	}
	for _, envelope := range now.extra {
		_ = send("", "", envelope)
	}
	for sent := 0; ; {
		wait, cancel := context.WithTimeout(ctx, 15*time.Second)
		envelopes := h.next(wait, seq)
		cancel()
		if ctx.Err() != nil {
			break
		}
		if now.idle && len(envelopes) > 0 {
			seq += uint64(len(envelopes))
			id := h.cursor(seq)
			if send(id, "", "") != nil || send("", "", fmt.Sprintf(`{"type":"hubline.cursor","data":{"cursor":%q}}`, id)) != nil {
				return
			}
			continue
		}
		if len(envelopes) == 0 && send("", "", "") != nil {
			return
		}
		for _, envelope := range envelopes {
			seq++
			if send(h.cursor(seq), "", envelope) != nil {
				return
			}
			if sent++; sent == now.dropAfter {
				if now.closing != "" {
					_ = send("", "hubline.closing", now.closing)
				}
				return
			}
		}
		if now.closing != "" && now.dropAfter == 0 {
			_ = send("", "hubline.closing", now.closing)
			return
		}
	}
}

func (h *hub) poll(ctx context.Context, w http.ResponseWriter, now turn, seq uint64, gap *Gap) {
	if now.silent {
		<-ctx.Done()
		return
	}
	h.mu.Lock()
	asked := h.requests[len(h.requests)-1]
	wait, _ := strconv.Atoi(asked.wait)
	limit, _ := strconv.Atoi(asked.limit)
	h.mu.Unlock()
	waiting, cancel := context.WithTimeout(ctx, time.Duration(wait)*time.Second)
	defer cancel()
	envelopes := h.next(waiting, seq)
	if errors.Is(ctx.Err(), context.Canceled) {
		panic(http.ErrAbortHandler)
	}
	if now.idle {
		seq, envelopes = seq+uint64(len(envelopes)), nil
	}
	if now.dropAfter > 0 {
		envelopes = envelopes[:min(len(envelopes), now.dropAfter)]
	}
	envelopes = append(append([]string{}, now.extra...), envelopes[:min(limit, len(envelopes))]...)
	seq += uint64(len(envelopes) - len(now.extra))
	data, _ := json.Marshal(gap)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"events":[%s],"cursor":%q,"gap":%s}`, strings.Join(envelopes, ","), h.cursor(seq), data)
}
