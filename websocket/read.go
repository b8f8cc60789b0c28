package websocket

import (
	"errors"
	"io"
	"net"
	"sync"

	gorilla "github.com/gorilla/websocket"

	"hubline/transports"
)

// chunk is the size of the pooled buffers into which messages are read.
const chunk = 4 << 10

var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// park waits for the socket. It is a goroutine of its own, with a stack that
// stays small; what comes is read by one of the server's workers, and then
// another such goroutine waits. It ends when there is something to read, the
// end of the socket included.
func (k *conn) park() {
	_ = k.idle.Wait() // that the peer is gone is as good as any error
	k.server.Do(k)
}

// Work implements transports.Task: it reads what has come. Where the socket
// cannot be waited for otherwise it goes on to the end.
func (k *conn) Work() {
	bound := k.idle.Bound()
	if bound {
		k.borrow()
	}
	err := k.readOne()
	for err == nil && !(bound && k.reader.Buffered() == 0) {
		err = k.readOne()
	}
	if bound {
		k.giveBack()
	}
	if err != nil {
		k.finish(err)
		return
	}
	// Ends when the socket has something again.
	k.server.Go(k.park)
}

// readOne reads one message, or one ping or pong between messages. Those are
// not left to gorilla, which would go on to wait for a message behind them, on
// a stack that an idle connection should not have.
func (k *conn) readOne() error {
	if done, err := k.readControl(); done || err != nil {
		return err
	}
	_, r, err := k.ws.NextReader()
	if err != nil {
		return err
	}
	if k.deaf {
		_, err = io.Copy(io.Discard, r)
		return err
	}
	return k.readMessage(r)
}

// readControl reads a ping or pong, if that comes next.
func (k *conn) readControl() (done bool, err error) {
	head, err := k.reader.Peek(2)
	if err != nil {
		return false, err
	}
	n := int(head[1] &^ maskBit)
	if head[0] != finPing && head[0] != finPong || head[1]&maskBit == 0 || n > maxControl {
		return false, nil // a message, a close frame, or an error that gorilla tells
	}
	frame, err := k.reader.Peek(maskedHeader + n)
	if err != nil {
		return false, err
	}
	mask, payload := frame[2:maskedHeader], frame[maskedHeader:]
	for i := range payload {
		payload[i] ^= mask[i%len(mask)] // the buffer is ours
	}
	if head[0] == finPing {
		k.ping(payload)
		k.heard()
	} else {
		k.ponged(payload)
	}
	_, err = k.reader.Discard(maskedHeader + n)
	return true, err
}

// readMessage hands one message over, in pieces if it is long. The buffer is
// borrowed only now that there is something to read.
func (k *conn) readMessage(r io.Reader) error {
	buf := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buf)
	for {
		n, err := io.ReadFull(r, buf[:])
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		if k.c.DeliverFrom(k.stream, buf[:n], last) != nil {
			// The session has ended the connection. What follows is dropped,
			// but read, until the peer has answered our close frame.
			k.deaf = true
			_, err := io.Copy(io.Discard, r)
			return err
		}
		if last {
			return nil
		}
	}
}

// finish is called once, with the error that ended the reading.
func (k *conn) finish(err error) {
	r := reasonOf(err)
	if k.owesFarewell(r) {
		k.stream.Close(r)
		// Until the stream has closed the socket, or the peer has.
		_, _ = io.Copy(io.Discard, k.socket.Conn)
	}
	if own, ok := k.stream.Reason(); ok {
		r = own
	}
	k.stream.Abort(r)
	k.c.Lost(k.stream, r)
}

// reasonOf tells from gorilla's error how the peer ended the connection.
func reasonOf(err error) transports.Reason {
	if ce, ok := errors.AsType[*gorilla.CloseError](err); ok {
		if ce.Code == gorilla.CloseAbnormalClosure { // gorilla's name for the end of the socket
			return transports.ReasonLost
		}
		return transports.ReasonClientClosed
	}
	if errors.Is(err, gorilla.ErrReadLimit) {
		return transports.ReasonTooLarge
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return transports.ReasonLost
	}
	return transports.ReasonProtocolError
}
