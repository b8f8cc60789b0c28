package transports

import (
	"errors"
	"io"
	"net/http"
	"slices"
)

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

// get attaches a transport, or serves a further poll. The checks stand in the
// order of the reference.
func (e *Endpoint) get(w http.ResponseWriter, r *http.Request) {
	t := e.transportOf(r)
	if t == LongPolling {
		e.NoCache(w.Header())
	}
	who, ok := e.Authenticate(w, r)
	if !ok {
		return
	}
	token := Query(r).Get("id")
	if t == WebSockets {
		if token == "" { // the client has skipped the negotiation
			if e.offers(w, t) {
				e.open(w, r, e.Server.Open(e.Scope, who.User, who.Addr, who.Identity, t, true))
			}
			return
		}
		if _, ok := e.Server.Lookup(e.Scope, token); !ok {
			w.Header()["Content-Type"] = nil // none, also none of net/http's guessing
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, textUnknown)
			return
		}
	}
	c, ok := e.find(w, token, who)
	if !ok || !e.offers(w, t) {
		return
	}
	if c.Claim(t) {
		e.open(w, r, c)
		return
	}
	switch now := c.Transport(); {
	case c.Ended(), now == "": // being disposed of
		plain(w, http.StatusNotFound, "")
	case now != t:
		plain(w, http.StatusBadRequest, textChange)
	case t == WebSockets:
		if status := c.resume(r); status != 0 {
			plain(w, status, "")
			return
		}
		e.Carriers.WebSocket(w, r, c)
	case t != LongPolling, c.Carrier() == nil: // the first poll is still on its way in
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

// open begins the session of a connection that was claimed for this request.
func (e *Endpoint) open(w http.ResponseWriter, r *http.Request, c *Connection) {
	defer func() {
		if c.Carrier() == nil { // refused, or a panic is on its way up
			c.End(ReasonInternal)
		}
	}()
	s, err := e.Open(c, r)
	if err != nil {
		c.End(ReasonHandshake)
		refuse(w, err)
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

// refuse answers an error of Open. The text of an unexpected one stays inside.
func refuse(w http.ResponseWriter, err error) {
	se, ok := errors.AsType[StatusError](err)
	if !ok {
		plain(w, http.StatusInternalServerError, "")
		return
	}
	status := se.Status()
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "5")
	}
	plain(w, status, se.Error())
}
