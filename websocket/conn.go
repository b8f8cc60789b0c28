package websocket

import (
	"bufio"
	"net/http"
	"sync"
	"time"

	gorilla "github.com/gorilla/websocket"

	"hubline/transports"
)

// Options of one endpoint's WebSockets.
type Options struct {
	// MaxMessageBytes bounds one incoming message; a longer one closes the
	// connection with 1009. Zero means no bound of the carrier's own, for
	// dialects whose messages do not follow the carrier's.
	MaxMessageBytes int64
	// NormalClose ends every stream with 1000 and no text, as SignalR's
	// clients expect, instead of a code that tells the reason. Faults in the
	// WebSocket protocol keep their codes.
	NormalClose bool
	// TellFault ends a stream with 1011 for transports.ReasonInternal even with
	// NormalClose: for dialects that have no word of their own for it.
	TellFault bool
}

// upgradeTimeout bounds the writing of the answer to an upgrade.
const upgradeTimeout = 10 * time.Second

// headerPool lets upgrades share a buffer: gorilla's own writing half is used
// for nothing but the answer to the upgrade.
var headerPool sync.Pool

var upgrader = gorilla.Upgrader{
	HandshakeTimeout: upgradeTimeout,
	// The buffer for reading is the hijacker's.
	WriteBufferSize: 256,
	WriteBufferPool: &headerPool,
	// The endpoint has checked the origin against its own list.
	CheckOrigin: func(*http.Request) bool { return true },
	Error: func(w http.ResponseWriter, r *http.Request, status int, reason error) {
		w.Header().Set("Sec-WebSocket-Version", "13") // RFC 6455, section 4.4
		http.Error(w, reason.Error(), status)
	},
}

// IsUpgrade reports whether the request asks for a WebSocket.
func IsUpgrade(r *http.Request) bool { return gorilla.IsWebSocketUpgrade(r) }

// conn is the carrier: the protocol of its stream and the reading half.
type conn struct {
	framer
	server  *transports.Server
	stream  *transports.Stream
	ws      *gorilla.Conn
	c       *transports.Connection
	options *Options
	socket  socket
	idle    transports.Waiter
	reader  *bufio.Reader // gorilla's; without a buffer while idle
	lender  *bufio.Reader // whose buffer reader has; nil: its own
	deaf    bool          // the session takes no more; the reader's

	mu      sync.Mutex
	pong    []byte // the answer that the last ping waits for
	pinged  bool
	closing []byte            // the peer's close frame was read; the answer to it
	said    bool              // our close frame has been written
	fault   transports.Reason // what the peer did to the protocol
}

// Serve upgrades the request and serves c, whose session is bound, until it
// ends. It returns right after the upgrade. When the upgrade fails it has
// answered the request and ended c.
func Serve(s *transports.Server, w http.ResponseWriter, r *http.Request, c *transports.Connection, o *Options) {
	k := &conn{server: s, c: c, options: o}
	ws, err := upgrader.Upgrade(hijacker{w, k}, r, nil)
	if err != nil {
		c.GiveUp(transports.ReasonHandshake)
		return
	}
	k.ws, k.socket.upgraded = ws, true
	ws.SetReadLimit(o.MaxMessageBytes)
	ws.SetPingHandler(k.onPing)
	ws.SetPongHandler(k.onPong)
	ws.SetCloseHandler(k.onClose)
	k.stream = transports.NewStream(k.socket.Conn, k, s.Writers(), s.SendTimeout())
	if !c.Attach(k.stream, k) {
		return
	}
	if !k.idle.Bound() { // with TLS: wait inside the reader
		s.Do(k)
		return
	}
	k.giveBack()
	// Ends when the socket has something to read.
	s.Go(k.park)
}
