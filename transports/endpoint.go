package transports

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"time"
)

// Who is the outcome of authentication.
type Who struct {
	User     string // the identity that every request of a connection must share
	Identity any    // passed on to the dialect
	Addr     string
}

// Carriers serve one request each on a connection whose session is bound.
type Carriers struct {
	WebSocket func(w http.ResponseWriter, r *http.Request, c *Connection)
	SSE       func(w http.ResponseWriter, r *http.Request, c *Connection)
	Poll      func(w http.ResponseWriter, r *http.Request, c *Connection)
}

// Endpoint is the HTTP side of one hub path P: negotiate, the GET that attaches
// a transport, POST and DELETE, with the statuses and texts of ASP.NET Core.
type Endpoint struct {
	// Scope names the endpoint; tokens are good for it alone.
	Scope  string
	Server *Server
	// Offer lists the transports, in the order of preference.
	Offer    []Transport
	Carriers Carriers
	// IsWebSocket and IsSSE tell what a GET means; other GETs are polls.
	IsWebSocket, IsSSE func(r *http.Request) bool
	// NoCache sets the headers of answers to polls.
	NoCache func(h http.Header)
	// Authenticate answers the request itself when it reports false.
	Authenticate func(w http.ResponseWriter, r *http.Request) (Who, bool)
	// Open makes the session of a connection that a client attaches to. An
	// error that implements StatusError chooses the status of the answer.
	Open func(c *Connection, r *http.Request) (Session, error)
	// TTL is how long a negotiated connection waits. Zero means 15 s.
	TTL time.Duration
	// MinVersion is the lowest negotiate version served.
	MinVersion int
	// MaxBody bounds one POST, in bytes. Zero means 1 MiB.
	MaxBody int64
}

// StatusError is an error with an HTTP status.
type StatusError interface {
	error
	Status() int
}

// Texts of error answers, as people's proxies and logs know them.
const (
	textNoID      = "Connection ID required"
	textUnknown   = "No Connection with that ID"
	textChange    = "Cannot change transports mid-connection"
	textPostOnWS  = "POST requests are not allowed for WebSocket connections."
	textDelete    = "Cannot terminate this connection using the DELETE endpoint."
	textVersion   = "The client requested a non-integer protocol version."
	textNotServed = " transport not supported by this end point type"
)

// plain answers with text/plain; an empty text gives an empty body.
func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// ServeNegotiate answers P/negotiate.
func (e *Endpoint) ServeNegotiate(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		plain(w, http.StatusMethodNotAllowed, "")
		return
	}
	who, ok := e.Authenticate(w, r)
	if !ok {
		return
	}
	q := Query(r)
	v, ok := Version(q.Get("negotiateversion"))
	if !ok {
		WriteNegotiation(w, &Negotiation{Error: textVersion})
		return
	}
	if v < e.MinVersion {
		WriteNegotiation(w, &Negotiation{Error: "The client requested version '" +
			string(rune('0'+v)) + "', but the server does not support this version."})
		return
	}
	ttl := e.TTL
	if ttl == 0 {
		ttl = 15 * time.Second
	}
	c, err := e.Server.Negotiate(e.Scope, who.User, who.Addr, who.Identity, ttl, v == 0)
	if err != nil {
		w.Header().Set("Retry-After", "5")
		plain(w, http.StatusServiceUnavailable, "")
		return
	}
	n := &Negotiation{
		NegotiateVersion: &v, ConnectionID: c.ConnectionID(),
		AvailableTransports: Offers(Narrow(e.Offer, q.Get("transports"))),
	}
	if v > 0 {
		n.ConnectionToken = c.Token()
	}
	WriteNegotiation(w, n)
}

// ServeHTTP answers P.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		e.attach(w, r)
	case http.MethodPost:
		e.post(w, r)
	case http.MethodDelete:
		e.delete(w, r)
	default:
		plain(w, http.StatusMethodNotAllowed, "")
	}
}

// transportOf tells what a GET asks for.
func (e *Endpoint) transportOf(r *http.Request) Transport {
	switch {
	case e.IsSSE(r):
		return ServerSentEvents
	case e.IsWebSocket(r):
		return WebSockets
	}
	return LongPolling
}

// attach serves a GET. The checks stand in the order of the reference.
func (e *Endpoint) attach(w http.ResponseWriter, r *http.Request) {
	t := e.transportOf(r)
	if t == LongPolling {
		e.NoCache(w.Header())
	}
	who, ok := e.Authenticate(w, r)
	if !ok {
		return
	}
	token := Query(r).Get("id")
	if token == "" && t == WebSockets {
		if e.offers(w, t) {
			e.open(w, r, e.Server.Open(e.Scope, who.User, who.Addr, who.Identity, t, true))
		}
		return
	}
	c, ok := e.find(w, token, who)
	if !ok || !e.offers(w, t) {
		return
	}
	if c.Claim(t) {
		e.open(w, r, c)
		return
	}
	switch {
	case c.Transport() != t:
		plain(w, http.StatusBadRequest, textChange)
	case t != LongPolling:
		plain(w, http.StatusConflict, "")
	case c.Ended():
		plain(w, http.StatusNotFound, textUnknown)
	case c.Carrier() == nil: // the first poll is still on its way in
		plain(w, http.StatusConflict, "")
	default:
		e.Carriers.Poll(w, r, c)
	}
}

func (e *Endpoint) offers(w http.ResponseWriter, t Transport) bool {
	if slices.Contains(e.Offer, t) {
		return true
	}
	plain(w, http.StatusNotFound, string(t)+textNotServed)
	return false
}

// find looks the connection up and refuses another user's.
func (e *Endpoint) find(w http.ResponseWriter, token string, who Who) (*Connection, bool) {
	if token == "" {
		plain(w, http.StatusBadRequest, textNoID)
		return nil, false
	}
	c, ok := e.Server.Lookup(e.Scope, token)
	if !ok {
		plain(w, http.StatusNotFound, textUnknown)
		return nil, false
	}
	if c.User != who.User {
		w.WriteHeader(http.StatusForbidden)
		return nil, false
	}
	return c, true
}

// open begins the session of a connection that was claimed for this request.
func (e *Endpoint) open(w http.ResponseWriter, r *http.Request, c *Connection) {
	s, err := e.Open(c, r)
	if err != nil {
		c.End(ReasonHandshake)
		status := http.StatusInternalServerError
		if se, ok := errors.AsType[StatusError](err); ok {
			status = se.Status()
		}
		if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "5")
		}
		plain(w, status, err.Error())
		return
	}
	c.Bind(s)
	switch c.Transport() {
	case WebSockets:
		e.Carriers.WebSocket(w, r, c)
	case ServerSentEvents:
		e.Carriers.SSE(w, r, c)
	default:
		e.Carriers.Poll(w, r, c)
	}
}

// post serves the client's bytes on transports that only carry the server's.
func (e *Endpoint) post(w http.ResponseWriter, r *http.Request) {
	who, ok := e.Authenticate(w, r)
	if !ok {
		return
	}
	c, ok := e.find(w, Query(r).Get("id"), who)
	if !ok {
		return
	}
	if c.Transport() == WebSockets {
		plain(w, http.StatusMethodNotAllowed, textPostOnWS)
		return
	}
	limit := e.MaxBody
	if limit == 0 {
		limit = 1 << 20
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status = http.StatusRequestEntityTooLarge
		}
		plain(w, status, "")
		return
	}
	switch err := c.Deliver(body, true); {
	case errors.Is(err, ErrTooLarge):
		plain(w, http.StatusRequestEntityTooLarge, "")
	case errors.Is(err, ErrEnded):
		plain(w, http.StatusNotFound, "")
	default:
		// What the dialect refuses, it answers in its own protocol.
		plain(w, http.StatusOK, "")
	}
}

// delete serves the goodbye of long-polling clients.
func (e *Endpoint) delete(w http.ResponseWriter, r *http.Request) {
	who, ok := e.Authenticate(w, r)
	if !ok {
		return
	}
	c, ok := e.find(w, Query(r).Get("id"), who)
	if !ok {
		return
	}
	if c.Transport() != LongPolling {
		plain(w, http.StatusBadRequest, textDelete)
		return
	}
	c.Abort(ReasonClientClosed)
	plain(w, http.StatusAccepted, "")
}
