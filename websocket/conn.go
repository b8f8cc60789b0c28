package websocket

import (
	"errors"
	"io"
	"net/http"
	"sync"

	gorilla "github.com/gorilla/websocket"

	"hubline/transports"
)

// Options of one endpoint's WebSockets.
type Options struct {
	// MaxMessageBytes bounds one incoming message; a longer one closes the
	// connection with 1009. Zero means no bound of the carrier's own, for
	// dialects whose messages do not follow the carrier's.
	MaxMessageBytes int64
	// NormalClose ends every stream of ours with 1000 and no text, as
	// SignalR's clients expect, instead of a code that tells the reason.
	NormalClose bool
}

// readBufferSize is the buffer of each connection's reader, in bytes: room for
// the largest control frame. What is longer is read past it, in larger pieces.
const readBufferSize = 136

// chunk is the size of the pooled buffers into which messages are read.
const chunk = 4 << 10

var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// headerPool lets upgrades share a buffer: gorilla's own writing half is used
// for nothing but the answer to the upgrade.
var headerPool sync.Pool

var upgrader = gorilla.Upgrader{
	ReadBufferSize:  readBufferSize,
	WriteBufferSize: 256,
	WriteBufferPool: &headerPool,
	// The endpoint has checked the origin against its own list.
	CheckOrigin: func(*http.Request) bool { return true },
	Error: func(w http.ResponseWriter, r *http.Request, status int, reason error) {
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
	socket  counting
	idle    transports.Waiter
	parsed  int64 // bytes of frames that have been consumed from socket, at least

	mu      sync.Mutex
	pong    []byte // the answer that the last ping waits for; nil: none
	pinged  bool
	closing []byte // the peer's close frame was read; the answer to it
}

// Serve upgrades the request and serves c, whose session is bound, until it
// ends. It returns right after the upgrade. When the upgrade fails it has
// answered the request and ended c.
func Serve(s *transports.Server, w http.ResponseWriter, r *http.Request, c *transports.Connection, o *Options) {
	k := &conn{server: s, c: c, options: o}
	ws, err := upgrader.Upgrade(hijacker{w, &k.socket}, r, nil)
	if err != nil {
		c.End(transports.ReasonHandshake)
		return
	}
	k.ws = ws
	ws.SetReadLimit(o.MaxMessageBytes)
	ws.SetPingHandler(k.onPing)
	ws.SetPongHandler(k.onPong)
	ws.SetCloseHandler(k.onClose)
	k.stream = transports.NewStream(k.socket.Conn, k, s.Writers(), s.SendTimeout())
	c.Run(k.stream)
	k.stream.Start(c.Session())
	if !k.idle.Bind(k.socket.Conn) { // with TLS: wait inside the reader
		s.Do(k)
		return
	}
	// Ends when the socket has something to read.
	s.Go(k.park)
}

// park waits for the socket. It is a goroutine of its own, with a stack that
// stays small; what comes is read by one of the server's workers, and then
// another such goroutine waits. It ends when there is something to read, the
// end of the socket included.
func (k *conn) park() {
	k.idle.Wait()
	k.server.Do(k)
}

// Work implements transports.Task: it reads what has come.
func (k *conn) Work() {
	for {
		err := k.readOne()
		if err != nil {
			k.end(err)
			return
		}
		if k.idle.Bound() && k.parsed == k.socket.read {
			// Nothing is left over in gorilla's buffer: parsed never counts
			// more than was consumed.
			// Ends when the socket has something again.
			k.server.Go(k.park)
			return
		}
	}
}

// end is called once, when the socket has failed or was closed.
func (k *conn) end(err error) {
	r, ours := k.stream.Reason()
	if !ours {
		r = reasonOf(err)
	}
	k.stream.Abort(r)
	k.c.End(r)
}

func (k *conn) readOne() error {
	_, r, err := k.ws.NextReader()
	if err != nil {
		return err
	}
	return k.readMessage(r)
}

// readMessage hands one message over, in pieces if it is long. The buffer is
// borrowed only now that there is something to read.
func (k *conn) readMessage(r io.Reader) error {
	buf := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buf)
	total := 0
	for {
		n, err := io.ReadFull(r, buf[:])
		total += n
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		if err := k.c.Deliver(buf[:n], last); err != nil {
			// The session has ended the connection; what follows is read
			// and dropped until the closing handshake is through.
			k.drain()
			return err
		}
		if last {
			k.parsed += int64(total + maskedHeader(total))
			return nil
		}
	}
}

// drain reads on without listening, so that the close frame of the peer is
// seen. It ends with the socket, closed at the latest by the stream's
// deadline after its farewell.
func (k *conn) drain() {
	for {
		_, r, err := k.ws.NextReader()
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return
		}
	}
}

// reasonOf tells from gorilla's error how the peer ended the connection.
func reasonOf(err error) transports.Reason {
	if ce, ok := errors.AsType[*gorilla.CloseError](err); ok && ce.Code != gorilla.CloseAbnormalClosure {
		return transports.ReasonClientClosed
	}
	if errors.Is(err, gorilla.ErrReadLimit) {
		return transports.ReasonTooLarge
	}
	return transports.ReasonLost
}

// onPing notes that a pong is due. Only the last of several pings needs an
// answer (RFC 6455, section 5.5.3), so a flood of them costs nothing.
func (k *conn) onPing(data string) error {
	k.parsed += int64(len(data) + maskedHeader(len(data)))
	k.mu.Lock()
	k.pong, k.pinged = append(k.pong[:0], data...), true
	k.mu.Unlock()
	k.heard()
	k.stream.Wake()
	return nil
}

func (k *conn) onPong(data string) error {
	k.parsed += int64(len(data) + maskedHeader(len(data)))
	k.heard()
	return nil
}

// Listener is a session that wants to know of signs of life that carry no
// message: pings and pongs of the WebSocket protocol.
type Listener interface{ Heard() }

func (k *conn) heard() {
	if l, ok := k.c.Session().(Listener); ok {
		l.Heard()
	}
}

// onClose answers the peer's close frame: with its own code and reason, and
// with 1000 where it gave none, as clients of SignalR expect.
func (k *conn) onClose(code int, text string) error {
	if code == gorilla.CloseNoStatusReceived {
		code, text = gorilla.CloseNormalClosure, ""
	}
	k.mu.Lock()
	k.closing = appendClose(nil, code, text)
	k.mu.Unlock()
	k.stream.Close(transports.ReasonClientClosed)
	return nil
}

// Urgent implements transports.Protocol.
func (k *conn) Urgent(dst []byte) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pinged {
		dst = appendControl(dst, finPong, k.pong)
		k.pong, k.pinged = nil, false
	}
	return dst
}

// Farewell implements transports.Protocol.
func (k *conn) Farewell(dst []byte, r transports.Reason) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closing != nil {
		return append(dst, k.closing...)
	}
	code, text := r.CloseCode()
	if k.options.NormalClose {
		if code = transports.CodeNormal; r == transports.ReasonInternal {
			code = transports.CodeInternal
		}
		text = ""
	}
	return appendClose(dst, code, text)
}

// Finished implements transports.Protocol: the peer's close frame is awaited,
// unless it was the first.
func (k *conn) Finished() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.closing == nil
}
