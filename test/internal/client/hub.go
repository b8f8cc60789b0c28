package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/coder/websocket"
)

// A hub client speaks SignalR's JSON protocol, as far as it takes to receive events
// from /hubs/events: negotiate, handshake, invocations. It asks for meta=1, so that
// its messages are as complete as those of the native transports.

// recordSeparator ends every hub message.
const recordSeparator = 0x1e

const handshake = `{"protocol":"json","version":1}` + "\x1e"

// hubOptions are o for the hub's path.
func hubOptions(o Options) Options {
	q := url.Values{"meta": {"1"}, "control": {"1"}}
	maps.Copy(q, o.Query)
	o.Query = q
	if o.Path == "" {
		o.Path = "/hubs/events"
	}
	return o
}

// hubNegotiate asks for a connection and returns options with its id. The request
// goes past o.Address: only what carries events is to be cut.
func hubNegotiate(ctx context.Context, o Options) (Options, error) {
	n := o
	n.Address = ""
	n.Path += "/negotiate"
	n.Query = url.Values{"negotiateVersion": {"1"}}
	maps.Copy(n.Query, o.Query)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.target(), nil)
	if err != nil {
		return o, err
	}
	r.Header = n.headers()
	body, err := roundTrip(n, r)
	if err != nil {
		return o, err
	}
	var offer Offer
	if err := json.Unmarshal(body, &offer); err != nil || offer.ConnectionToken == "" {
		return o, fmt.Errorf("%w: negotiate answer %.200s: %w", ErrProtocol, body, err)
	}
	q := url.Values{"id": {offer.ConnectionToken}}
	maps.Copy(q, o.Query)
	o.Query = q
	return o, nil
}

// roundTrip sends one request over a socket of its own and returns the body of a
// 200.
func roundTrip(o Options, r *http.Request) ([]byte, error) {
	var sock socket
	resp, err := o.httpClient(&sock).Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refused(resp)
	}
	defer sock.reset()
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// hubPost sends bytes to the server on transports that carry only the other way.
func hubPost(ctx context.Context, o Options, text string) error {
	o.Address = ""
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.target(), strings.NewReader(text))
	if err != nil {
		return err
	}
	r.Header = o.headers()
	r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	_, err = roundTrip(o, r)
	return err
}

// inbox holds the hub messages of payloads that were read.
type inbox struct {
	shaken  bool // the handshake was answered
	waiting [][]byte
}

// add takes a payload, which holds whole messages.
func (b *inbox) add(payload []byte) error {
	if len(payload) == 0 {
		return nil
	}
	if payload[len(payload)-1] != recordSeparator {
		return fmt.Errorf("%w: payload does not end with a record separator: %.200q", ErrProtocol, payload)
	}
	b.waiting = append(b.waiting, bytes.Split(payload[:len(payload)-1], []byte{recordSeparator})...)
	if !b.shaken {
		if string(b.waiting[0]) != "{}" {
			return fmt.Errorf("%w: handshake answered with %.200q", ErrProtocol, b.waiting[0])
		}
		b.shaken, b.waiting = true, b.waiting[1:]
	}
	return nil
}

// next returns the next message that concerns events.
func (b *inbox) next() (m Message, ok bool, err error) {
	for len(b.waiting) > 0 {
		raw := b.waiting[0]
		b.waiting = b.waiting[1:]
		if m, ok, err = parseHub(raw); ok || err != nil {
			return m, ok, err
		}
	}
	return m, false, nil
}

// invocation is a hub message of type 1, with the fields of others.
type invocation struct {
	Type         int               `json:"type"`
	Headers      map[string]string `json:"headers"`
	InvocationID *string           `json:"invocationId"`
	Target       string            `json:"target"`
	Arguments    []json.RawMessage `json:"arguments"`
	Error        string            `json:"error"`
}

// parseHub reads a hub message. It reports false for pings.
func parseHub(raw []byte) (m Message, ok bool, err error) {
	var in invocation
	if err := json.Unmarshal(raw, &in); err != nil {
		return m, false, fmt.Errorf("%w: hub message %.200q: %w", ErrProtocol, raw, err)
	}
	switch in.Type {
	case 1:
		m, err = in.message(raw)
		return m, err == nil, err
	case 6:
		return m, false, nil
	case 7:
		if in.Error != "" {
			return m, false, fmt.Errorf("%w: closed with %q", ErrProtocol, in.Error)
		}
		return m, false, ErrClosed
	}
	return m, false, fmt.Errorf("%w: hub message of type %d: %.200q", ErrProtocol, in.Type, raw)
}

func (in *invocation) message(raw []byte) (Message, error) {
	m := Message{Raw: raw, Type: in.Target}
	if in.InvocationID != nil || len(in.Arguments) == 0 {
		return m, fmt.Errorf("%w: invocation with an id or without arguments: %.200q", ErrProtocol, raw)
	}
	m.Data = in.Arguments[0]
	if strings.HasPrefix(in.Target, "hubline.") {
		m.Kind = Kind(in.Target)
		return m, m.control()
	}
	m.Kind = Event
	var meta struct {
		Seq     uint64 `json:"seq"`
		Cursor  string `json:"cursor"`
		ID      string `json:"id"`
		TS      int64  `json:"ts"`
		Channel string `json:"channel"`
	}
	if err := json.Unmarshal(in.Arguments[len(in.Arguments)-1], &meta); err != nil || len(in.Arguments) != 2 {
		return m, fmt.Errorf("%w: event without meta: %.200q", ErrProtocol, raw)
	}
	var err error
	if m.Cursor, err = ParseCursor(meta.Cursor); err != nil {
		return m, err
	}
	if in.Headers["cursor"] != meta.Cursor || in.Headers["seq"] != fmt.Sprint(meta.Seq) || m.Cursor.Seq != meta.Seq {
		return m, fmt.Errorf("%w: headers %v stand beside %+v", ErrProtocol, in.Headers, meta)
	}
	m.ID, m.TS, m.Channel = meta.ID, meta.TS, meta.Channel
	return m, nil
}

// HubWS is a hub connection over a WebSocket.
type HubWS struct {
	ws *WS
	in inbox
}

// DialHubWS connects and shakes hands.
func DialHubWS(ctx context.Context, o Options) (*HubWS, error) {
	ws, err := DialWS(ctx, hubOptions(o))
	if err != nil {
		return nil, err
	}
	if err := ws.Send(ctx, handshake); err != nil {
		ws.Abort()
		return nil, err
	}
	return &HubWS{ws: ws}, nil
}

// Next implements Stream.
func (h *HubWS) Next(ctx context.Context) (Message, error) {
	for {
		if m, ok, err := h.in.next(); ok || err != nil {
			return m, err
		}
		kind, payload, err := h.ws.Conn.Read(ctx)
		if err != nil {
			return Message{}, err
		}
		if kind != websocket.MessageText {
			return Message{}, fmt.Errorf("%w: JSON in a frame of type %v", ErrProtocol, kind)
		}
		if err := h.in.add(payload); err != nil {
			// See WS.Next: the library may take a cut for an end.
			if _, _, broken := h.ws.Conn.Read(ctx); broken != nil {
				return Message{}, fmt.Errorf("cut in the middle of a message: %w", broken)
			}
			return Message{}, err
		}
	}
}

// Close implements Stream.
func (h *HubWS) Close() { h.ws.Close() }

// Abort implements Stream.
func (h *HubWS) Abort() { h.ws.Abort() }
