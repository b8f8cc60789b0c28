package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
)

// Polled is the answer to one long poll.
type Polled struct {
	Events []Message
	Cursor Cursor
	Gap    *Missing
	Header http.Header
}

// Poller sends one long poll after the other over one socket.
type Poller struct {
	o    Options
	http *http.Client
	sock socket

	since string
	ready []Message // of the last answer, not yet taken
}

// NewPoller returns a poller that begins at o.Since. It connects when it polls.
func NewPoller(o Options) *Poller {
	p := &Poller{o: o, since: o.Since}
	p.http = o.httpClient(&p.sock)
	return p
}

// DialPoll is NewPoller for use as a stream: the first poll is sent at once.
func DialPoll(ctx context.Context, o Options) (*Poller, error) {
	p := NewPoller(o)
	a, err := p.Poll(ctx)
	if err != nil {
		return nil, err
	}
	p.take(a)
	return p, nil
}

// Poll sends one poll from where the last answer ended. It returns *Refused for
// any status but 200.
func (p *Poller) Poll(ctx context.Context) (*Polled, error) {
	o := p.o
	o.Since = p.since
	o.Query = url.Values{}
	maps.Copy(o.Query, p.o.Query)
	if o.Query.Get("wait") == "" && o.Header.Get("Accept") == "" {
		o.Query.Set("wait", "25")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.target(), nil)
	if err != nil {
		return nil, err
	}
	r.Header = o.headers()
	resp, err := p.http.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refused(resp)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	a, err := parsePolled(body)
	if err != nil {
		return nil, err
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		return nil, fmt.Errorf("%w: content type is %q", ErrProtocol, got)
	}
	a.Header = resp.Header
	p.since = a.Cursor.String()
	// A ticket is good for one poll.
	p.o.Path = ""
	return a, nil
}

func parsePolled(body []byte) (*Polled, error) {
	var raw struct {
		Events []json.RawMessage `json:"events"`
		Cursor *string           `json:"cursor"`
		Gap    *Missing          `json:"gap"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fmt.Errorf("%w: poll answer %.200s: %w", ErrProtocol, body, err)
	}
	if raw.Events == nil || raw.Cursor == nil {
		return nil, fmt.Errorf("%w: poll answer without events or cursor: %.200s", ErrProtocol, body)
	}
	a := &Polled{Gap: raw.Gap}
	var err error
	if a.Cursor, err = ParseCursor(*raw.Cursor); err != nil {
		return nil, err
	}
	for _, e := range raw.Events {
		m, err := parse(e)
		if err != nil {
			return nil, err
		}
		if m.Kind != Event {
			return nil, fmt.Errorf("%w: %s among the events of a poll", ErrProtocol, m.Kind)
		}
		a.Events = append(a.Events, m)
	}
	return a, nil
}

// take turns an answer into messages.
func (p *Poller) take(a *Polled) {
	if a.Gap != nil {
		at := Cursor{Epoch: a.Cursor.Epoch, Seq: a.Gap.To}
		p.ready = append(p.ready, Message{Kind: Gap, Gap: *a.Gap, Cursor: at})
	}
	p.ready = append(p.ready, a.Events...)
	p.ready = append(p.ready, Message{Kind: Move, Cursor: a.Cursor})
}

// Next implements Stream.
func (p *Poller) Next(ctx context.Context) (Message, error) {
	for len(p.ready) == 0 {
		a, err := p.Poll(ctx)
		if err != nil {
			return Message{}, err
		}
		p.take(a)
	}
	m := p.ready[0]
	p.ready = p.ready[1:]
	return m, nil
}

// Close implements Stream.
func (p *Poller) Close() { p.http.CloseIdleConnections() }

// Abort implements Stream.
func (p *Poller) Abort() { p.sock.reset() }
