package transports_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"hubline/transports"
	"hubline/transports/xtest/dialect"
)

// site is an endpoint whose carriers only note that they were called.
type site struct {
	*transports.Endpoint
	sessions map[*transports.Connection]*dialect.Session
	served   []string
	openErr  error
}

// newSite returns an endpoint at /hub in a synctest bubble. Users are named by
// the Authorization header; without one nobody is let in.
func newSite(t testing.TB, s *transports.Server) *site {
	e := &site{sessions: map[*transports.Connection]*dialect.Session{}}
	carry := func(name string) func(http.ResponseWriter, *http.Request, *transports.Connection) {
		return func(w http.ResponseWriter, _ *http.Request, c *transports.Connection) {
			e.served = append(e.served, name)
			if c.Carrier() == nil {
				c.Run(&noted{c: c})
			}
			w.WriteHeader(http.StatusAccepted) // none of the endpoint's own
		}
	}
	e.Endpoint = &transports.Endpoint{
		Scope: "/hub", Server: s, Offer: transports.All(),
		Carriers:    transports.Carriers{WebSocket: carry("ws"), SSE: carry("sse"), Poll: carry("poll")},
		IsWebSocket: func(r *http.Request) bool { return r.Header.Get("Upgrade") == "websocket" },
		IsSSE:       func(r *http.Request) bool { return r.Header.Get("Accept") == "text/event-stream" },
		NoCache:     func(h http.Header) { h.Set("Cache-Control", "none") },
		Authenticate: func(w http.ResponseWriter, r *http.Request) (transports.Who, bool) {
			user := r.Header.Get("Authorization")
			if user == "" {
				w.WriteHeader(http.StatusUnauthorized)
			}
			return transports.Who{User: user, Addr: "192.0.2.1"}, user != ""
		},
		Open: func(c *transports.Connection, _ *http.Request) (transports.Session, error) {
			if e.openErr != nil {
				return nil, e.openErr
			}
			d := dialect.New(c)
			e.sessions[c] = d
			return d, nil
		},
	}
	return e
}

// request is one request to a site.
type request struct {
	method, kind, target, user, body string
}

// do serves a request; kind is the transport that a GET asks for.
func (e *site) do(q request) *httptest.ResponseRecorder {
	r := httptest.NewRequest(q.method, q.target, strings.NewReader(q.body))
	if q.user != "" {
		r.Header.Set("Authorization", q.user)
	}
	switch q.kind {
	case "ws":
		r.Header.Set("Upgrade", "websocket")
	case "sse":
		r.Header.Set("Accept", "text/event-stream")
	}
	w := httptest.NewRecorder()
	if strings.Contains(r.URL.Path, "/negotiate") {
		e.ServeNegotiate(w, r)
	} else {
		e.ServeHTTP(w, r)
	}
	return w
}

// coded is an error with a status.
type coded int

func (c coded) Error() string { return "not now" }
func (c coded) Status() int   { return int(c) }

// TestStatusTable is the status table of the reference, row by row. TOKEN stands
// for the token of a connection that the preparation made.
func TestStatusTable(t *testing.T) {
	var (
		fresh   = func(*site, *transports.Connection) {}
		started = func(kind string) func(*site, *transports.Connection) {
			return func(e *site, c *transports.Connection) {
				e.do(request{method: "GET", kind: kind, target: "/hub?id=" + c.Token(), user: "u"})
			}
		}
		claimed = func(tr transports.Transport) func(*site, *transports.Connection) {
			return func(_ *site, c *transports.Connection) { c.Claim(tr) }
		}
		ending = func(e *site, c *transports.Connection) {
			started("poll")(e, c)
			c.End(transports.ReasonDone)
			e.Server.Remember(c) // as if the request had found it just before
		}
		only = func(ts ...transports.Transport) func(*site, *transports.Connection) {
			return func(e *site, _ *transports.Connection) { e.Offer = ts }
		}
		fails = func(err error) func(*site, *transports.Connection) {
			return func(e *site, _ *transports.Connection) { e.openErr = err }
		}
	)
	const plain = "text/plain"
	tests := []struct {
		name    string
		prepare func(*site, *transports.Connection)
		request request
		status  int
		kind    string // content type
		body    string
	}{
		{"negotiate by GET", fresh, request{method: "GET", target: "/hub/negotiate", user: "u"}, 405, plain, ""},
		{"negotiate by nobody", fresh, request{method: "POST", target: "/hub/negotiate"}, 401, "", ""},
		{"PUT", fresh, request{method: "PUT", target: "/hub?id=TOKEN", user: "u"}, 405, plain, ""},
		{"HEAD", fresh, request{method: "HEAD", target: "/hub?id=TOKEN", user: "u"}, 405, plain, ""},

		{"poll by nobody", fresh, request{method: "GET", target: "/hub?id=TOKEN"}, 401, "", ""},
		{"POST by nobody", fresh, request{method: "POST", target: "/hub?id=TOKEN"}, 401, "", ""},
		{"DELETE by nobody", fresh, request{method: "DELETE", target: "/hub?id=TOKEN"}, 401, "", ""},
		{"poll by another", fresh, request{method: "GET", target: "/hub?id=TOKEN", user: "v"}, 403, "", ""},
		{"SSE by another", fresh, request{method: "GET", kind: "sse", target: "/hub?id=TOKEN", user: "v"}, 403, "", ""},
		{"WebSocket by another", fresh, request{method: "GET", kind: "ws", target: "/hub?id=TOKEN", user: "v"}, 403, "", ""},
		{"further poll by another", started("poll"), request{method: "GET", target: "/hub?id=TOKEN", user: "v"}, 403, "", ""},
		{"POST by another", started("poll"), request{method: "POST", target: "/hub?id=TOKEN", user: "v"}, 403, "", ""},
		{"DELETE by another", started("poll"), request{method: "DELETE", target: "/hub?id=TOKEN", user: "v"}, 403, "", ""},

		{"poll without id", fresh, request{method: "GET", target: "/hub", user: "u"}, 400, plain, "Connection ID required"},
		{"SSE with an empty id", fresh, request{method: "GET", kind: "sse", target: "/hub?id=", user: "u"}, 400, plain, "Connection ID required"},
		{"POST without id", fresh, request{method: "POST", target: "/hub", user: "u"}, 400, plain, "Connection ID required"},
		{"DELETE without id", fresh, request{method: "DELETE", target: "/hub", user: "u"}, 400, plain, "Connection ID required"},

		{"poll, unknown", fresh, request{method: "GET", target: "/hub?id=x", user: "u"}, 404, plain, "No Connection with that ID"},
		{"SSE, unknown", fresh, request{method: "GET", kind: "sse", target: "/hub?id=x", user: "u"}, 404, plain, "No Connection with that ID"},
		{"POST, unknown", fresh, request{method: "POST", target: "/hub?id=x", user: "u"}, 404, plain, "No Connection with that ID"},
		{"DELETE, unknown", fresh, request{method: "DELETE", target: "/hub?id=x", user: "u"}, 404, plain, "No Connection with that ID"},
		{"WebSocket, unknown", fresh, request{method: "GET", kind: "ws", target: "/hub?id=x", user: "u"}, 404, "", "No Connection with that ID"},
		{"id compared by the byte", fresh, request{method: "GET", target: "/hub?id=TOKEN%20", user: "u"}, 404, plain, "No Connection with that ID"},

		{"WebSocket without id", fresh, request{method: "GET", kind: "ws", target: "/hub", user: "u"}, 202, "", ""},
		{"WebSocket", fresh, request{method: "GET", kind: "ws", target: "/hub?id=TOKEN", user: "u"}, 202, "", ""},
		{"SSE", fresh, request{method: "GET", kind: "sse", target: "/hub?id=TOKEN", user: "u"}, 202, "", ""},
		{"first poll", fresh, request{method: "GET", target: "/hub?id=TOKEN&_=1", user: "u"}, 202, "", ""},
		{"further poll", started("poll"), request{method: "GET", target: "/hub?iD=TOKEN", user: "u"}, 202, "", ""},

		{"WebSocket is not offered", only(transports.LongPolling), request{method: "GET", kind: "ws", target: "/hub?id=TOKEN", user: "u"}, 404, plain, "WebSockets transport not supported by this end point type"},
		{"WebSocket without id is not offered", only(), request{method: "GET", kind: "ws", target: "/hub", user: "u"}, 404, plain, "WebSockets transport not supported by this end point type"},
		{"SSE is not offered", only(transports.LongPolling), request{method: "GET", kind: "sse", target: "/hub?id=TOKEN", user: "u"}, 404, plain, "ServerSentEvents transport not supported by this end point type"},
		{"polls are not offered", only(transports.WebSockets), request{method: "GET", target: "/hub?id=TOKEN", user: "u"}, 404, plain, "LongPolling transport not supported by this end point type"},

		{"SSE on a WebSocket", started("ws"), request{method: "GET", kind: "sse", target: "/hub?id=TOKEN", user: "u"}, 400, plain, "Cannot change transports mid-connection"},
		{"poll on SSE", started("sse"), request{method: "GET", target: "/hub?id=TOKEN", user: "u"}, 400, plain, "Cannot change transports mid-connection"},
		{"WebSocket on polls", started("poll"), request{method: "GET", kind: "ws", target: "/hub?id=TOKEN", user: "u"}, 400, plain, "Cannot change transports mid-connection"},
		{"second SSE", started("sse"), request{method: "GET", kind: "sse", target: "/hub?id=TOKEN", user: "u"}, 409, plain, ""},
		{"second WebSocket", started("ws"), request{method: "GET", kind: "ws", target: "/hub?id=TOKEN", user: "u"}, 409, plain, ""},
		{"poll beside the first", claimed(transports.LongPolling), request{method: "GET", target: "/hub?id=TOKEN", user: "u"}, 409, plain, ""},
		{"poll on an ending connection", ending, request{method: "GET", target: "/hub?id=TOKEN", user: "u"}, 404, plain, ""},
		{"SSE on an ending connection", ending, request{method: "GET", kind: "sse", target: "/hub?id=TOKEN", user: "u"}, 404, plain, ""},

		{"POST to a WebSocket", started("ws"), request{method: "POST", target: "/hub?id=TOKEN", user: "u"}, 405, plain, "POST requests are not allowed for WebSocket connections."},
		{"POST before the GET", fresh, request{method: "POST", target: "/hub?id=TOKEN", user: "u", body: "x"}, 200, plain, ""},
		{"POST on SSE", started("sse"), request{method: "POST", target: "/hub?Id=TOKEN", user: "u", body: "x"}, 200, plain, ""},
		{"POST on polls", started("poll"), request{method: "POST", target: "/hub?ID=TOKEN", user: "u", body: "x"}, 200, plain, ""},
		{"POST to an ending connection", ending, request{method: "POST", target: "/hub?id=TOKEN", user: "u", body: "x"}, 404, plain, ""},
		{"too long a POST", started("poll"), request{method: "POST", target: "/hub?id=TOKEN", user: "u", body: strings.Repeat("x", 1<<20+1)}, 413, plain, ""},
		{"longest POST", started("poll"), request{method: "POST", target: "/hub?id=TOKEN", user: "u", body: strings.Repeat("x", 1<<20)}, 200, plain, ""},
		{"too much before the GET", fresh, request{method: "POST", target: "/hub?id=TOKEN", user: "u", body: strings.Repeat("x", 32<<10+1)}, 413, plain, ""},

		{"DELETE on polls", started("poll"), request{method: "DELETE", target: "/hub?id=TOKEN", user: "u"}, 202, plain, ""},
		{"DELETE on SSE", started("sse"), request{method: "DELETE", target: "/hub?id=TOKEN", user: "u"}, 400, plain, "Cannot terminate this connection using the DELETE endpoint."},
		{"DELETE on a WebSocket", started("ws"), request{method: "DELETE", target: "/hub?id=TOKEN", user: "u"}, 400, plain, "Cannot terminate this connection using the DELETE endpoint."},
		{"DELETE before the GET", fresh, request{method: "DELETE", target: "/hub?id=TOKEN", user: "u"}, 400, plain, "Cannot terminate this connection using the DELETE endpoint."},

		{"dialect is full", fails(coded(429)), request{method: "GET", target: "/hub?id=TOKEN", user: "u"}, 429, plain, "not now"},
		{"dialect stops", fails(fmt.Errorf("wrapped: %w", coded(503))), request{method: "GET", target: "/hub?id=TOKEN", user: "u"}, 503, plain, "not now"},
		{"dialect breaks", fails(errors.New("secret")), request{method: "GET", kind: "ws", target: "/hub", user: "u"}, 500, plain, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, transports.Config{})
				e := newSite(t, s)
				c := negotiate(t, s, "/hub", "u")
				tt.prepare(e, c)
				tt.request.target = strings.ReplaceAll(tt.request.target, "TOKEN", c.Token())
				w := e.do(tt.request)
				if w.Code != tt.status || w.Body.String() != tt.body {
					t.Errorf("answer is %d %q, want %d %q", w.Code, w.Body, tt.status, tt.body)
				}
				if got := w.Header().Get("Content-Type"); got != tt.kind {
					t.Errorf("content type is %q, want %q", got, tt.kind)
				}
				poll := tt.request.method == "GET" && tt.request.kind == "" && !strings.Contains(tt.request.target, "negotiate")
				if got := w.Header().Get("Cache-Control") == "none"; got != poll {
					t.Errorf("no-cache headers: %v, want %v", got, poll)
				}
				if got, want := w.Header().Get("Retry-After") != "", tt.status == 429 || tt.status == 503; got != want {
					t.Errorf("Retry-After: %v, want %v", got, want)
				}
				if got, want := w.Header().Get("Allow") != "", tt.status == 405 && tt.body == ""; got != want {
					t.Errorf("Allow: %v, want %v", got, want)
				}
			})
		})
	}
}

func TestAttachingServesTheRightTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		e := newSite(t, s)
		for _, kind := range []string{"ws", "sse", "poll"} {
			c := negotiate(t, s, "/hub", "u")
			e.do(request{method: "GET", kind: kind, target: "/hub?id=" + c.Token(), user: "u"})
			if got := c.Transport().Label(); got != kind {
				t.Errorf("a GET for %s attached %s", kind, got)
			}
		}
		c := negotiate(t, s, "/hub", "u")
		e.do(request{method: "GET", target: "/hub?id=" + c.Token(), user: "u"})
		e.do(request{method: "GET", target: "/hub?id=" + c.Token(), user: "u"})
		if diff := cmp.Diff([]string{"ws", "sse", "poll", "poll", "poll"}, e.served); diff != "" {
			t.Errorf("served (-want +got):\n%s", diff)
		}
		if n := len(e.sessions); n != 4 {
			t.Errorf("%d sessions were opened, want 4", n)
		}
	})
}

// A connection whose session cannot be opened, or whose handler breaks off, is
// gone.
func TestFailedAttachLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, transports.Config{})
		e := newSite(t, s)
		attach := func() *transports.Connection {
			c := negotiate(t, s, "/hub", "u")
			defer func() { _ = recover() }()
			e.do(request{method: "GET", target: "/hub?id=" + c.Token(), user: "u"})
			return c
		}
		e.openErr = coded(429)
		attach()
		e.openErr = nil
		e.Carriers.Poll = func(http.ResponseWriter, *http.Request, *transports.Connection) { panic("broken") }
		attach()
		for c, d := range e.sessions {
			if d.Reason() != transports.ReasonInternal || !c.Ended() {
				t.Errorf("session ended with %q", d.Reason())
			}
		}
		e.Open = func(*transports.Connection, *http.Request) (transports.Session, error) { panic("broken") }
		attach()
		if n, m := len(s.Connections()), s.Negotiated(); n != 0 || m != 0 {
			t.Errorf("%d attached and %d negotiated connections are left", n, m)
		}
	})
}
