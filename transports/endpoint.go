package transports

import (
	"io"
	"net/http"
	"strconv"
	"strings"
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
	// Redirect, if set, may send a client elsewhere when it negotiates, with a token
	// for there. An empty URL lets it stay.
	Redirect func(r *http.Request, who Who) (url, accessToken string)
	// Open makes the session of a connection that a client attaches to. An
	// error that implements StatusError chooses the status of the answer.
	Open func(c *Connection, r *http.Request) (Session, error)
	// TTL is how long a negotiated connection waits. Zero means 15 s.
	TTL time.Duration
	// MinVersion is the lowest negotiate version served.
	MinVersion int
	// Stateful grants stateful reconnect to clients that ask for it.
	Stateful bool
	// MaxBody bounds one POST, in bytes. Zero means 1 MiB.
	MaxBody int64
	// BodyTimeout is how long the body of a POST may take to arrive. Zero
	// means 30 s.
	BodyTimeout time.Duration
}

// StatusError is an error with an HTTP status. Its text is shown to the client.
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
		w.Header().Set("Allow", "POST")
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
			strconv.Itoa(v) + "', but the server does not support this version."})
		return
	}
	if e.Redirect != nil {
		if url, token := e.Redirect(r, who); url != "" {
			WriteNegotiation(w, &Negotiation{URL: url, AccessToken: token})
			return
		}
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
	// As .NET reads a bool.
	c.stateful = e.Stateful && strings.EqualFold(strings.TrimSpace(q.Get("usestatefulreconnect")), "true")
	n := &Negotiation{
		UseStatefulReconnect: c.stateful, NegotiateVersion: &v, ConnectionID: c.ConnectionID(),
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
		e.get(w, r)
	case http.MethodPost:
		e.post(w, r)
	case http.MethodDelete:
		e.delete(w, r)
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		plain(w, http.StatusMethodNotAllowed, "")
	}
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
