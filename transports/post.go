package transports

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// maxPosts is how many POSTs of one connection may wait for each other. SignalR's
// clients have one at a time since 3.0; before, each message was one, at once.
const maxPosts = 256

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
	// One at a time, from before the body is read: others must not cost its memory.
	if c.posts.Add(1) > maxPosts {
		c.posts.Add(-1)
		w.Header().Set("Retry-After", "1")
		plain(w, http.StatusTooManyRequests, "")
		return
	}
	defer c.posts.Add(-1)
	c.posting.Lock()
	defer c.posting.Unlock()
	body, err := e.body(w, r)
	if _, ok := errors.AsType[StatusError](err); ok { // whoever brought the request does not want it
		refuse(w, err)
		return
	}
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

// body reads a whole body: half a body must not reach the session.
func (e *Endpoint) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit, timeout := e.MaxBody, e.BodyTimeout
	if limit == 0 {
		limit = 1 << 20
	}
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(timeout)) // not supported by some test doubles
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err == nil {
		// The session may take its time now, and net/http watches the socket.
		_ = rc.SetReadDeadline(time.Time{})
	}
	return body, err
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
