// Package subscribe follows one user's events over any native transport of a
// Hubline server, for as long as it takes: it reconnects by itself, resumes from
// the last cursor, drops what it has seen already and reports gaps.
package subscribe

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Transport names one of the three ways to /events.
type Transport string

// The transports that Run knows.
const (
	WebSocket Transport = "ws"
	SSE       Transport = "sse"
	LongPoll  Transport = "poll"
)

// Config says what to follow and how. The zero value of each field but Server
// and Token works.
type Config struct {
	// Server is the address of the server with its base path, http or https.
	Server string
	// Transport defaults to WebSocket.
	Transport Transport
	// Since is where to begin: a cursor, a seq, "0", "latest" or "device".
	// Empty means "latest".
	Since string
	// Types narrows the events to these types. Empty means all.
	Types []string
	// Token returns the bearer token for the next connection. It is called
	// before each one, so that a token that ended is replaced.
	Token func(context.Context) (string, error)

	// MaxEventBytes bounds one event as it stands on the wire. Zero means 16 MiB.
	MaxEventBytes int
	// MaxAnswerBytes bounds the answer to one poll that holds several events; a
	// larger one is asked for event by event. Zero means 64 MiB.
	MaxAnswerBytes int
	// Silence is after how long without a byte the server counts as gone; it
	// speaks every 15 s. Zero means 45 s.
	Silence time.Duration
	// PollWait is how long the server may hold a poll. Zero means 25 s.
	PollWait time.Duration
	// MinRetry and MaxRetry bound the mean of the pause before a reconnect: it
	// grows from one to the other, and the pause itself is anything from zero
	// to twice the mean (full jitter), so that clients that lost their server
	// together do not come back together. Zero means 250 ms and 15 s.
	MinRetry, MaxRetry time.Duration
	// Stable is how long a connection must have lived for the pauses to begin
	// at MinRetry again. Zero means 10 s.
	Stable time.Duration
	// Dial replaces the network in tests. Nil means TCP.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

func (c Config) withDefaults() Config {
	c.Transport = cmp.Or(c.Transport, WebSocket)
	c.Since = cmp.Or(c.Since, "latest")
	c.MaxEventBytes = cmp.Or(c.MaxEventBytes, 16<<20)
	c.MaxAnswerBytes = cmp.Or(c.MaxAnswerBytes, 64<<20)
	c.Silence = cmp.Or(c.Silence, 45*time.Second)
	c.PollWait = cmp.Or(c.PollWait, 25*time.Second)
	c.MinRetry = cmp.Or(c.MinRetry, 250*time.Millisecond)
	c.MaxRetry = cmp.Or(c.MaxRetry, 15*time.Second)
	c.Stable = cmp.Or(c.Stable, 10*time.Second)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	}
	return c
}

// Handler receives what happens. The functions are called one at a time, in
// order; nil ones are skipped.
type Handler struct {
	// Event receives each event once. An error ends Run and is returned by it.
	Event func(Event) error
	// Gap receives each announced gap, before the event that follows it.
	Gap func(Gap)
	// Connected is called when the server has accepted a connection (or the
	// first poll of a series).
	Connected func()
	// Disconnected is called when a connection has ended, with the reason and
	// the pause before the next one.
	Disconnected func(reason error, pause time.Duration)
}

// Run follows events until ctx ends, and then returns ctx's error. It returns
// earlier only when trying again cannot help: the server refuses the request (a
// *[StatusError]), the first one has a certificate that does not count here or speaks no
// TLS, an event is over the limit, the token cannot be had or the handler returned an
// error.
func Run(ctx context.Context, cfg Config, handler Handler) error {
	cfg = cfg.withDefaults()
	base, err := url.Parse(strings.TrimRight(cfg.Server, "/"))
	if err != nil {
		return err
	}
	transport := &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: cfg.Dial,
		// A proxy that compresses a stream also holds it back.
		DisableCompression:  true,
		TLSHandshakeTimeout: 10 * time.Second,
	}
	defer transport.CloseIdleConnections()
	s := &subscriber{
		cfg: cfg, base: base, handler: handler,
		client: &http.Client{Transport: transport},
		retry: backoff.ExponentialBackOff{
			InitialInterval: cfg.MinRetry, MaxInterval: cfg.MaxRetry, Multiplier: 2, RandomizationFactor: 1,
		},
		position: position{since: cfg.Since},
	}
	return s.run(ctx)
}

// subscriber is the state of one Run. It is used by one goroutine.
type subscriber struct {
	cfg      Config
	base     *url.URL
	handler  Handler
	client   *http.Client
	retry    backoff.ExponentialBackOff
	position position

	// connected is set once the server has accepted the present connection,
	// everConnected once it has accepted any.
	connected, everConnected bool
	// closing is what the server said before it closed the connection.
	closing *Closing
}

func (s *subscriber) run(ctx context.Context) error {
	follow := map[Transport]func(context.Context, string) error{
		WebSocket: s.followWebSocket, SSE: s.followSSE, LongPoll: s.followPoll,
	}[s.cfg.Transport]
	if follow == nil {
		return &permanentError{errUnknownTransport}
	}
	for {
		token, err := s.cfg.Token(ctx)
		if err != nil {
			return err
		}
		began := time.Now()
		s.connected, s.closing = false, nil
		err = follow(ctx, token)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.final(err) {
			return unwrapFinal(err)
		}
		if s.connected && time.Since(began) >= s.cfg.Stable {
			s.retry.Reset()
		}
		pause := s.pause(err)
		if s.handler.Disconnected != nil {
			s.handler.Disconnected(s.reason(err), pause)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// accepted notes that the server has accepted the connection.
func (s *subscriber) accepted() {
	if s.connected {
		return
	}
	s.connected, s.everConnected = true, true
	if s.handler.Connected != nil {
		s.handler.Connected()
	}
}

// endpoint returns the address of /events with the query common to all
// transports.
func (s *subscriber) endpoint() *url.URL {
	u := *s.base
	u.Path += "/events"
	u.RawPath = ""
	query := url.Values{"since": {s.position.since}}
	if len(s.cfg.Types) > 0 {
		query.Set("types", strings.Join(s.cfg.Types, ","))
	}
	u.RawQuery = query.Encode()
	return &u
}
