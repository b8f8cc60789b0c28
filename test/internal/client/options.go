package client

import (
	"context"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"hubline/test/internal/document"
)

// Options say how to connect.
type Options struct {
	URL   string // of the server, without a path
	Path  string // empty: /events
	Token string // in the header
	// InQuery sends the token as access_token.
	InQuery bool
	Since   string
	// LastEventID is sent as the header of that name (SSE).
	LastEventID string
	Query       url.Values // further parameters
	Header      http.Header
	// Address, if set, is dialled in place of the URL's host: a proxy.
	Address string
}

// target is the URL to ask.
func (o *Options) target() string {
	path := o.Path
	if path == "" {
		path = "/events"
	}
	path, own, _ := strings.Cut(path, "?")
	q, err := url.ParseQuery(own)
	if err != nil {
		panic("client: path with a broken query: " + path)
	}
	maps.Copy(q, o.Query)
	if o.Since != "" {
		q.Set("since", o.Since)
	}
	if o.InQuery && o.Token != "" {
		q.Set("access_token", o.Token)
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return o.URL + path
}

// headers are what to send.
func (o *Options) headers() http.Header {
	h := o.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if o.Token != "" && !o.InQuery {
		h.Set("Authorization", "Bearer "+o.Token)
	}
	if o.LastEventID != "" {
		h.Set("Last-Event-ID", o.LastEventID)
	}
	return h
}

// socket remembers the connection under an HTTP client, so that it can be torn.
type socket struct {
	mu   sync.Mutex
	conn net.Conn
}

func (s *socket) dialer(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if address != "" {
			addr = address
		}
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			s.mu.Lock()
			s.conn = c
			s.mu.Unlock()
		}
		return c, err
	}
}

// reset tears the connection with a TCP reset.
func (s *socket) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return
	}
	if tc, ok := s.conn.(*net.TCPConn); ok {
		_ = tc.SetLinger(0)
	}
	_ = s.conn.Close()
}

// httpClient returns a client with a transport of its own.
func (o *Options) httpClient(s *socket) *http.Client {
	return &http.Client{
		Transport: document.Transport(&http.Transport{
			DialContext: s.dialer(o.Address), DisableCompression: true, DisableKeepAlives: false, MaxConnsPerHost: 1,
		}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Refused is returned when the server answers with another status than the
// transport begins with.
type Refused struct {
	Status int
	Header http.Header
	Body   []byte
}

// Error implements error.
func (r *Refused) Error() string { return http.StatusText(r.Status) + ": " + string(r.Body) }

// Stream is an open connection of any transport.
type Stream interface {
	// Next returns the next message, or ErrClosed after an orderly end. The
	// stream is of no use once an error was returned.
	Next(ctx context.Context) (Message, error)
	// Close leaves in order.
	Close()
	// Abort tears the connection with a TCP reset.
	Abort()
}
