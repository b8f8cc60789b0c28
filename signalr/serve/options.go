package serve

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"hubline/transports"
)

// Options of one path.
type Options struct {
	raw bool // it is no hub's

	// Authenticate tells whose a request is; every request of a connection
	// must be the same user's. The identity is for Caller.Identity. An error is
	// answered 401 without a body, or with the status of its method
	// Status() int. Nil lets everybody in, without a name.
	Authenticate func(r *http.Request) (user string, identity any, err error)
	// Expires tells when an identity's credentials end: a hub's connection is
	// closed then, to the second, and its client may come back with new ones. The
	// zero time is never. Nil means that connections outlive their credentials, as
	// in ASP.NET Core.
	Expires func(identity any) time.Time
	// Redirect, if set, may send a client elsewhere when it negotiates: to another
	// hub's URL, with a token that it uses there in place of its own. An empty URL
	// lets it stay.
	Redirect func(r *http.Request, user string, identity any) (url, accessToken string)
	// Transports that are offered, in the order of preference. Nil means all.
	Transports []transports.Transport
	// AllowedOrigins lists the origins, such as "https://app.example", whose
	// pages may connect besides the server's own; "*" is any. A browser's
	// request from another one is answered 403.
	AllowedOrigins []string
	// PollTimeout is how long a poll waits. Zero means 90 s.
	PollTimeout time.Duration
	// AwayTimeout is how long a client may take between two polls. Zero means
	// 15 s.
	AwayTimeout time.Duration
	// NegotiateTTL is how long a negotiated connection waits for its client.
	// Zero means 15 s.
	NegotiateTTL time.Duration
	// Stateful grants stateful reconnect to clients that ask for it: a WebSocket
	// that is lost may be replaced within 15 s, and nothing is lost or doubled.
	// Each such connection keeps up to 100,000 bytes (signalr.Config) more.
	Stateful bool
	// MinVersion is the lowest version of the negotiation that is served.
	MinVersion int
	// MaxBody bounds one POST, in bytes. Zero means 1 MiB.
	MaxBody int64
	// BodyTimeout is how long the body of a POST may take to arrive. Zero means
	// 30 s.
	BodyTimeout time.Duration
}

// allowed reports whether the request may come from the page that it comes from.
func (o *Options) allowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(o.AllowedOrigins, "*") || slices.Contains(o.AllowedOrigins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

// share sets what lets a page of another origin read the answer (Fetch standard,
// section "CORS protocol"), credentials included, since SignalR's clients send
// them unless told otherwise. It reports whether the request was only a question.
func share(w http.ResponseWriter, r *http.Request) (preflight bool) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Add("Vary", "Origin")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "7200")
	w.WriteHeader(http.StatusNoContent)
	return true
}
