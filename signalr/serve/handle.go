package serve

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"hubline/longpoll"
	"hubline/signalr"
	"hubline/sse"
	"hubline/transports"
	"hubline/websocket"
)

// Handle serves a hub at a path. It panics if the path is taken.
func (s *Server) Handle(path string, hub *signalr.Hub, o Options) {
	s.hubs = append(s.hubs, hub)
	s.mount(path, o, func(c *transports.Connection, r *http.Request) (transports.Session, error) {
		return hub.Open(c, signalr.Options{User: c.User, Identity: c.Identity, Request: r, Stateful: c.Stateful()})
	})
}

// open makes the session of a connection.
type open func(*transports.Connection, *http.Request) (transports.Session, error)

// mount serves an endpoint and its negotiation.
func (s *Server) mount(path string, o Options, open open) {
	o = o.withDefaults()
	e := &transports.Endpoint{
		Scope: path, Server: s.conns, Offer: o.Transports,
		IsWebSocket: websocket.IsUpgrade, IsSSE: sse.IsRequest, NoCache: longpoll.NoCache,
		TTL: o.NegotiateTTL, MinVersion: o.MinVersion, MaxBody: o.MaxBody, Stateful: o.Stateful,
		Authenticate: o.authenticate, Open: open, Carriers: s.carriers(&o),
	}
	s.route(path, &o, e.ServeHTTP)
	s.route(path+"/negotiate", &o, e.ServeNegotiate)
}

func (s *Server) route(path string, o *Options, h http.HandlerFunc) {
	key := strings.ToLower(path)
	if s.routes[key] != nil || !strings.HasPrefix(path, "/") {
		panic("serve: path " + path + " is taken, or does not begin with a slash")
	}
	s.routes[key] = func(w http.ResponseWriter, r *http.Request) {
		if !o.allowed(r) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if !share(w, r) {
			h(w, r)
		}
	}
}

// carriers are those of every path.
func (s *Server) carriers(o *Options) transports.Carriers {
	polls := longpoll.Options{PollTimeout: o.PollTimeout, AwayTimeout: o.AwayTimeout}
	sockets := &websocket.Options{NormalClose: true}
	return transports.Carriers{
		WebSocket: func(w http.ResponseWriter, r *http.Request, c *transports.Connection) {
			websocket.Serve(s.conns, w, r, c, sockets)
		},
		SSE: func(w http.ResponseWriter, r *http.Request, c *transports.Connection) {
			sse.Serve(s.conns, w, r, c, sse.Options{Hub: true})
		},
		Poll: func(w http.ResponseWriter, r *http.Request, c *transports.Connection) {
			longpoll.Serve(s.parker.Load(), w, r, c, polls)
		},
	}
}

// authenticate answers what it refuses without a body: clients make their error
// texts of the status.
func (o *Options) authenticate(w http.ResponseWriter, r *http.Request) (transports.Who, bool) {
	user, identity, err := o.Authenticate(r)
	if err != nil {
		status := http.StatusUnauthorized
		if se, ok := errors.AsType[interface {
			error
			Status() int
		}](err); ok {
			status = se.Status()
		}
		w.WriteHeader(status)
		return transports.Who{}, false
	}
	addr, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		addr = r.RemoteAddr
	}
	return transports.Who{User: user, Identity: identity, Addr: addr}, true
}
