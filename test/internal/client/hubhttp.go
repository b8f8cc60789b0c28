package client

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
)

// HubSSE is a hub connection over Server-Sent Events.
type HubSSE struct {
	in   inbox
	body *bufio.Reader
	end  context.CancelFunc
	sock socket
}

// DialHubSSE negotiates, connects and shakes hands.
func DialHubSSE(ctx context.Context, o Options) (*HubSSE, error) {
	o, err := hubNegotiate(ctx, hubOptions(o))
	if err != nil {
		return nil, err
	}
	h := &HubSSE{}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, end)
	r, err := http.NewRequestWithContext(life, http.MethodGet, o.target(), nil)
	if err != nil {
		end()
		return nil, err
	}
	r.Header = o.headers()
	r.Header.Set("Accept", "text/event-stream")
	resp, err := o.httpClient(&h.sock).Do(r)
	if err != nil {
		end()
		return nil, err
	}
	stop()
	if resp.StatusCode != http.StatusOK {
		defer end()
		return nil, refused(resp)
	}
	h.body, h.end = bufio.NewReader(resp.Body), end
	if err := hubPost(ctx, o, handshake); err != nil {
		h.Abort()
		return nil, err
	}
	return h, nil
}

// Next implements Stream.
func (h *HubSSE) Next(ctx context.Context) (Message, error) {
	stop := context.AfterFunc(ctx, h.end)
	defer stop()
	for {
		if m, ok, err := h.in.next(); ok || err != nil {
			return m, err
		}
		payload, err := h.event()
		if err == nil {
			err = h.in.add(payload)
		}
		if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return Message{}, err
		}
	}
}

// event reads one event as the .NET client does: data fields with one space,
// comments and empty lines, all ended by CRLF, and nothing else.
func (h *HubSSE) event() ([]byte, error) {
	var data []string
	for {
		line, err := h.body.ReadString('\n')
		switch {
		case errors.Is(err, io.EOF) && line == "" && data == nil:
			return nil, ErrClosed
		case err != nil:
			return nil, err
		}
		line, ok := strings.CutSuffix(line, "\r\n")
		switch value, field := strings.CutPrefix(line, "data: "); {
		case !ok:
			return nil, bad("line without CRLF: %.100q", line)
		case field:
			data = append(data, value)
		case strings.HasPrefix(line, ":"):
		case line != "":
			return nil, bad("line that is no data: %.100q", line)
		case data != nil:
			return []byte(strings.Join(data, "\n")), nil
		}
	}
}

// Close implements Stream.
func (h *HubSSE) Close() { h.end() }

// Abort implements Stream.
func (h *HubSSE) Abort() {
	h.sock.reset()
	h.end()
}

// HubPoll is a hub connection over long polling.
type HubPoll struct {
	o    Options
	http *http.Client
	in   inbox
	sock socket
}

// DialHubPoll negotiates, sends the first poll, which is answered at once, and
// shakes hands.
func DialHubPoll(ctx context.Context, o Options) (*HubPoll, error) {
	o, err := hubNegotiate(ctx, hubOptions(o))
	if err != nil {
		return nil, err
	}
	h := &HubPoll{o: o}
	h.http = o.httpClient(&h.sock)
	first, err := h.poll(ctx)
	if err != nil {
		return nil, err
	}
	if len(first) > 0 {
		return nil, bad("the first poll was answered with %.100q, which a client throws away", first)
	}
	return h, hubPost(ctx, o, handshake)
}

func (h *HubPoll) poll(ctx context.Context) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.o.target(), nil)
	if err != nil {
		return nil, err
	}
	r.Header = h.o.headers()
	resp, err := h.http.Do(r)
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNoContent:
		resp.Body.Close()
		return nil, ErrClosed
	default:
		return nil, refused(resp)
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// Next implements Stream.
func (h *HubPoll) Next(ctx context.Context) (Message, error) {
	for {
		if m, ok, err := h.in.next(); ok || err != nil {
			return m, err
		}
		payload, err := h.poll(ctx)
		if err == nil {
			err = h.in.add(payload)
		}
		if err != nil {
			return Message{}, err
		}
	}
}

// Close implements Stream: it says goodbye as the stock client does, to whom an
// answer does not matter.
func (h *HubPoll) Close() {
	o := h.o
	o.Address = ""
	if r, err := http.NewRequest(http.MethodDelete, o.target(), nil); err == nil {
		r.Header = o.headers()
		_, _ = roundTrip(o, r)
	}
	h.http.CloseIdleConnections()
}

// Abort implements Stream.
func (h *HubPoll) Abort() { h.sock.reset() }
