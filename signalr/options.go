package signalr

import (
	"fmt"
	"net/http"
	"time"

	"hubline/replay"
)

// Options describe one client.
type Options struct {
	User, Device string
	// Since is where events begin.
	Since replay.Since
	// Control asks for hubline.ready. Gaps are announced in any case.
	Control bool
	// Meta adds a last argument {seq, cursor, id, ts, channel} to every event.
	Meta bool
	// IssuedAt is when the client's token was made: a logout from before is
	// not replayed to it. Zero: no logout is replayed.
	IssuedAt time.Time
	// Stateful lets the client bring another WebSocket for the connection when
	// its own is lost, if its handshake asks for it.
	Stateful bool
	// Expires is when the connection is closed, to the second; the client may
	// come back, with new credentials. Zero: never.
	Expires time.Time
	// Identity is what authentication found, for Caller.Identity.
	Identity any
	// Request is the one that opens the connection, for Caller.Request. Nil
	// saves its memory.
	Request *http.Request
}

// ReadQuery sets what stands in the hub's URL: since, control and meta. get
// returns a parameter's value, empty if it is absent. Without since the
// device's saved cursor counts, if there is a device, else only new events.
// The error wraps replay.ErrCursor.
func (o *Options) ReadQuery(get func(key string) string) error {
	text := get("since")
	since, err := replay.ParseSince(text)
	if err != nil {
		return fmt.Errorf("since: %w", err)
	}
	if text == "" && o.Device != "" {
		since = replay.Since{Kind: replay.SinceDevice}
	}
	o.Since = since
	o.Control = text != "" || get("control") == "1"
	o.Meta = get("meta") == "1"
	return nil
}
