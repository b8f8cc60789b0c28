package serve

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"hubline/signalr"
	"hubline/transports"
)

// Handle serves a hub at a path. It panics if the path is taken.
func (s *Server) Handle(path string, hub *signalr.Hub, o Options) {
	s.hubs = append(s.hubs, hub)
	s.mount(path, o, func(c *transports.Connection, r *http.Request) (transports.Session, error) {
		so := signalr.Options{User: c.User, Identity: c.Identity, Request: r, Stateful: c.Stateful()}
		if o.Expires != nil {
			so.Expires = o.Expires(c.Identity)
		}
		return hub.Open(c, so)
	})
}

// open makes the session of a connection.
type open func(*transports.Connection, *http.Request) (transports.Session, error)

// mount serves an endpoint and its negotiation.
func (s *Server) mount(path string, o Options, open open) {
	if o.Authenticate == nil {
		o.Authenticate = func(*http.Request) (string, any, error) { return "", nil, nil }
	}
	e := NewEndpoint(path, s.conns, s.parker.Load, o)
	e.Authenticate, e.Open = o.authenticate, open
	if o.Redirect != nil {
		e.Redirect = func(r *http.Request, who transports.Who) (string, string) {
			return o.Redirect(r, who.User, who.Identity)
		}
	}
	s.route(path, &o, e.ServeHTTP)
	s.route(strings.TrimSuffix(path, "/")+"/negotiate", &o, e.ServeNegotiate)
}

func (s *Server) route(path string, o *Options, h http.HandlerFunc) {
	key := routeOf(path)
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
