package app

import (
	"bufio"
	"net"
	"net/http"
)

// mounted serves within an HTTP server that is not ours. A socket that is taken over
// and comes back, as those of long polls do, would come back to another server than
// the one it came from, and what else that serves would be gone. So only those are
// taken over that never come back: WebSockets. The rest waits in its handler.
type mounted struct{ next http.Handler }

// ServeHTTP implements http.Handler.
func (m mounted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		w = settled{w}
	}
	m.next.ServeHTTP(w, r)
}

// settled is a writer whose socket stays where it is.
type settled struct{ http.ResponseWriter }

// Unwrap is for http.ResponseController: flushing and deadlines are the server's. It
// would find a Hijacker too, but that it looks at each writer itself first.
func (s settled) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Hijack implements http.Hijacker, and refuses.
func (s settled) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, http.ErrNotSupported
}

// Flush implements http.Flusher.
func (s settled) Flush() { _ = http.NewResponseController(s.ResponseWriter).Flush() }
