package longpoll

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

// rig is an HTTP server with a hub at /hub, which only polls, single polls at
// /once, and polls of the test's own source at /desk.
type rig struct {
	t        testing.TB
	server   *transports.Server
	parker   *Parker
	http     *http.Server
	endpoint *transports.Endpoint
	options  Options
	prepare  func(d *dialect.Session) // called with each session before it is bound, if set
	header   http.Header              // of the answers, as a middleware sets it
	desk     *desk                    // behind /desk
	opened   chan *dialect.Session
	addr     string
	dial     func() (net.Conn, error)
}

// newRig serves over a network in memory, for the fake clock.
func newRig(t testing.TB, cfg Config) *rig {
	ln := xtest.Listen()
	return serveRig(t, cfg, ln, ln.Dial)
}

// newTCPRig serves on the loopback.
func newTCPRig(t testing.TB, cfg Config) *rig {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveRig(t, cfg, ln, func() (net.Conn, error) {
		d := net.Dialer{}
		return d.DialContext(t.Context(), "tcp", ln.Addr().String())
	})
}

func serveRig(t testing.TB, cfg Config, ln net.Listener, dial func() (net.Conn, error)) *rig {
	g := &rig{
		t: t, server: transports.NewServer(transports.Config{}), parker: NewParker(ln.Addr(), cfg),
		opened: make(chan *dialect.Session, 10_000), addr: ln.Addr().String(), dial: dial,
	}
	g.endpoint = &transports.Endpoint{
		Scope: "/hub", Server: g.server, Offer: []transports.Transport{transports.LongPolling},
		IsWebSocket: func(*http.Request) bool { return false }, IsSSE: func(*http.Request) bool { return false },
		NoCache:      NoCache,
		Authenticate: func(http.ResponseWriter, *http.Request) (transports.Who, bool) { return transports.Who{}, true },
		Open: func(c *transports.Connection, _ *http.Request) (transports.Session, error) {
			return g.session(c), nil
		},
		Carriers: transports.Carriers{Poll: func(w http.ResponseWriter, r *http.Request, c *transports.Connection) {
			Serve(g.parker, w, r, c, g.options)
		}},
	}
	g.http = &http.Server{Handler: g, ReadHeaderTimeout: time.Hour}
	var run sync.WaitGroup
	run.Go(func() { _ = g.http.Serve(ln) })
	run.Go(func() { _ = g.http.Serve(g.parker) })
	t.Cleanup(func() {
		g.server.Shutdown(t.Context(), 0) // cuts: the context has ended
		_ = g.http.Close()                // the parker too
		run.Wait()
		if n := g.parker.Parked(); n != 0 {
			t.Errorf("%d polls are still parked", n)
		}
	})
	return g
}

func (g *rig) session(c *transports.Connection) *dialect.Session {
	d := dialect.New(c)
	if g.prepare != nil {
		g.prepare(d)
	}
	g.opened <- d
	return d
}

// ServeHTTP implements http.Handler.
func (g *rig) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	maps.Copy(w.Header(), g.header)
	switch r.URL.Path {
	case "/hub":
		g.endpoint.ServeHTTP(w, r)
	case "/new": // a connection that has had its first poll
		c := g.server.Open("/new", "user", "addr", nil, transports.LongPolling, false)
		c.Bind(g.session(c))
		k := NewConn(g.parker, c, g.options)
		c.Run(k)
		k.ServePoll(w, r)
	case "/bounced":
		NewPoll(g.parker, bouncer{}).Serve(w, r)
	case "/once":
		c := g.server.Open("/once", "user", "addr", nil, transports.LongPolling, false)
		c.Bind(g.session(c))
		wait, err := time.ParseDuration(r.URL.Query().Get("wait"))
		if err != nil {
			g.t.Error(err)
		}
		ServeOnce(g.parker, w, r, c, wait, "application/json")
	case "/desk":
		NoCache(w.Header())
		p := NewPoll(g.parker, g.desk)
		g.desk.polls <- p
		p.Serve(w, r)
	default:
		_, _ = io.WriteString(w, r.URL.Path)
	}
}

// client is one socket of a client.
type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func (g *rig) connect() *client {
	g.t.Helper()
	nc, err := g.dial()
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = nc.Close() })
	return &client{g.t, nc, bufio.NewReader(nc)}
}

func (c *client) write(raw string) {
	c.t.Helper()
	if _, err := io.WriteString(c, raw); err != nil {
		c.t.Fatal(err)
	}
}

// ask sends a request without a body.
func (c *client) ask(method, target string) {
	c.t.Helper()
	c.write(method + " " + target + " HTTP/1.1\r\nHost: h\r\n\r\n")
}

// answer is what a client got.
type answer struct {
	status int
	kind   string
	body   string
}

// read reads an answer and checks what all have in common.
func (c *client) read() (answer, *http.Response) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("reading an answer: %v", err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("reading a body: %v", err)
	}
	_ = resp.Body.Close()
	if _, err := http.ParseTime(resp.Header.Get("Date")); err != nil {
		c.t.Errorf("date: %v", err)
	}
	return answer{resp.StatusCode, resp.Header.Get("Content-Type"), string(b)}, resp
}

// want reads an answer to a poll and compares it.
func (c *client) want(status int, kind, body string) {
	c.t.Helper()
	got, resp := c.read()
	if want := (answer{status, kind, body}); got != want {
		c.t.Fatalf("got %d %q %.100q, want %d %q %.100q", got.status, got.kind, got.body, status, kind, body)
	}
	if status != http.StatusNoContent && resp.ContentLength != int64(len(body)) {
		c.t.Errorf("length %d, want %d", resp.ContentLength, len(body))
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-cache, no-store", "Pragma": "no-cache", "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
	} {
		if got := resp.Header.Get(name); got != want {
			c.t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// hub is a connection to the hub over polls.
type hub struct {
	*client
	d      *dialect.Session
	target string
}

// join negotiates, without the HTTP, and makes the first poll.
func (g *rig) join() *hub {
	g.t.Helper()
	conn, err := g.server.Negotiate("/hub", "", "addr", nil, time.Minute, false)
	if err != nil {
		g.t.Fatal(err)
	}
	h := &hub{client: g.connect(), target: "/hub?id=" + conn.Token()}
	h.ask("GET", h.target)
	h.want(http.StatusOK, typeBinary, "")
	h.d = xtest.Wait(g.t, g.opened, "the session")
	return h
}

// poll sends a poll.
func (h *hub) poll() {
	h.t.Helper()
	h.ask("GET", h.target+fmt.Sprint("&_=", time.Now().UnixMilli()))
}

// ended waits for the session's end.
func ended(t testing.TB, d *dialect.Session, want transports.Reason) {
	t.Helper()
	xtest.Wait(t, d.Over, "the session's end")
	if got := d.Reason(); got != want {
		t.Errorf("session ended with %q, want %q", got, want)
	}
}
