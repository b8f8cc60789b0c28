package transports

import "time"

// Session is a dialect's side of one connection.
type Session interface {
	// Fill lays waiting messages into b, whole messages only, until nothing
	// waits or b.Full() reports true. It returns true when more waits. It must
	// not block.
	Fill(b *Batch) (more bool)

	// Receive takes bytes from the client, in any chunking. end reports that
	// the carrier's own message (a WebSocket message, a POST body) ends with
	// p; byte-stream dialects ignore it. Receive may block to slow the client
	// down. p is only valid during the call. An error ends the connection
	// with ReasonProtocolError unless the session has closed it already;
	// ErrEnded says that it has, or takes nothing from this carrier any more.
	Receive(p []byte, end bool) error

	// Tick is called by the sweeper when the time that it returned last has
	// come (to the second) and once right after the start. The zero time
	// means never again.
	Tick(now time.Time) (next time.Time)

	// Leave asks the session to say goodbye and then Close its Conn: the
	// server stops, or an administrator ends the connection (see WordsOf). It may be called from
	// any goroutine, also after Closed, and must not block.
	Leave(reason Reason)

	// Closed tells that the connection is over. The session gives back all
	// that it holds.
	Closed(reason Reason)
}

// Interrupter is a Session whose Receive may wait for something else than time.
type Interrupter interface {
	// Interrupt tells that the connection is over: a Receive that waits must
	// return, since Closed is called behind it. It is called from any
	// goroutine, perhaps more than once, and must not block.
	Interrupt()
}

func interrupt(s Session) {
	if i, ok := s.(Interrupter); ok {
		i.Interrupt()
	}
}

// Conn is a carrier's side of one connection, as a dialect sees it.
type Conn interface {
	// ConnectionID is the public name of the connection.
	ConnectionID() string
	// Transport tells which carrier serves the connection.
	Transport() Transport
	// Wake says that Fill has something to lay out.
	Wake()
	// Close lets what waits go out, then ends the connection. The first
	// reason given wins.
	Close(reason Reason)
	// Abort ends the connection at once.
	Abort(reason Reason)
}

// Transport names a carrier. The text is the exact name of negotiate answers.
type Transport string

// The carriers, in the order in which they are offered.
const (
	WebSockets       Transport = "WebSockets"
	ServerSentEvents Transport = "ServerSentEvents"
	LongPolling      Transport = "LongPolling"
)

// All lists the transports in the order of preference.
func All() []Transport { return []Transport{WebSockets, ServerSentEvents, LongPolling} }

// Label is the transport's value in metrics, logs and the JSON of the API.
func (t Transport) Label() string {
	switch t {
	case WebSockets:
		return "ws"
	case ServerSentEvents:
		return "sse"
	case LongPolling:
		return "poll"
	}
	return "none"
}

// Binary reports whether the carrier can move arbitrary bytes.
func (t Transport) Binary() bool { return t != ServerSentEvents }
