package subscribe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	gorilla "github.com/gorilla/websocket"
)

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
