package websocket

import (
	gorilla "github.com/gorilla/websocket"

	"hubline/transports"
)

// Listener is a session that wants to know of signs of life that carry no
// message: pings and pongs of the WebSocket protocol.
type Listener interface{ Heard() }

// Answerer is a session that asks its peer, with transports.Probe.
type Answerer interface {
	// Answered is called with the payload of each pong, which may be any. p is only
	// valid during the call.
	Answered(p []byte)
}

func (k *conn) heard() {
	if l, ok := k.c.Session().(Listener); ok {
		l.Heard()
	}
}

// ponged is told of each pong.
func (k *conn) ponged(payload []byte) {
	k.heard()
	if a, ok := k.c.Session().(Answerer); ok {
		a.Answered(payload)
	}
}

// ping notes that a pong is due. Only the last of several pings needs an
// answer (RFC 6455, section 5.5.3), so a flood of them costs nothing.
func (k *conn) ping(payload []byte) {
	k.mu.Lock()
	k.pong, k.pinged = append(k.pong[:0], payload...), true
	k.mu.Unlock()
	k.stream.Wake()
}

// onPing is called by gorilla for a ping between the fragments of a message.
func (k *conn) onPing(payload string) error {
	k.ping([]byte(payload))
	k.heard()
	return nil
}

// onPong is called by gorilla for a pong between the fragments of a message.
func (k *conn) onPong(payload string) error {
	k.ponged([]byte(payload))
	return nil
}

// onClose answers the peer's close frame: with its own code and reason, and
// with 1000 where it gave none or the endpoint wants that always, as clients of
// SignalR do.
func (k *conn) onClose(code int, text string) error {
	if code == gorilla.CloseNoStatusReceived || k.options.NormalClose {
		code, text = gorilla.CloseNormalClosure, ""
	}
	k.mu.Lock()
	k.closing = appendClose(nil, code, text)
	k.mu.Unlock()
	k.stream.Close(transports.ReasonClientClosed)
	return nil
}

// owesFarewell reports, when the reading has ended with r, whether the peer is
// still to get our close frame. A fault of the peer's decides its code.
func (k *conn) owesFarewell(r transports.Reason) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch r {
	case transports.ReasonLost:
		return false
	case transports.ReasonTooLarge, transports.ReasonProtocolError:
		k.fault = r
	}
	return !k.said
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
	if k.fault != "" {
		r = k.fault
	} else if k.options.NormalClose && (r != transports.ReasonInternal || !k.options.TellFault) {
		r = transports.ReasonDone
	}
	code, text := r.CloseCode()
	if r == transports.ReasonDisconnected {
		text = k.c.Words()
	}
	if k.options.NormalClose {
		text = ""
	}
	return appendClose(dst, code, text)
}

// Finished implements transports.Protocol: the peer's close frame is awaited,
// unless it came first. A peer whose frames cannot be read any more is only
// given the time to take ours.
func (k *conn) Finished() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.said = true
	if k.fault != "" {
		if h, ok := k.socket.Conn.(interface{ CloseWrite() error }); ok {
			_ = h.CloseWrite()
		}
	}
	return k.closing == nil
}
