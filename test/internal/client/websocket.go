package client

import (
	"context"
	"fmt"
	"net/http"

	"github.com/coder/websocket"
)

// WS is an open WebSocket.
type WS struct {
	Conn   *websocket.Conn
	Header http.Header // of the response
	sock   socket
}

// DialWS opens a WebSocket. It returns *Refused for any status but 101.
func DialWS(ctx context.Context, o Options) (*WS, error) {
	w := &WS{}
	conn, resp, err := websocket.Dial(ctx, o.target(), &websocket.DialOptions{
		HTTPClient: o.httpClient(&w.sock), HTTPHeader: o.headers(),
	})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, refused(resp)
		}
		return nil, err
	}
	conn.SetReadLimit(maxLine)
	w.Conn, w.Header = conn, resp.Header
	return w, nil
}

// Next implements Stream. A close frame of the server gives an error with
// websocket.CloseStatus, and not ErrClosed, because its code matters.
func (w *WS) Next(ctx context.Context) (Message, error) {
	kind, raw, err := w.Conn.Read(ctx)
	if err != nil {
		return Message{}, err
	}
	if kind != websocket.MessageText {
		return Message{}, fmt.Errorf("%w: frame of type %v", ErrProtocol, kind)
	}
	m, err := parse(raw)
	if err != nil {
		// The library takes a connection that is cut between two reads of a
		// message for the message's end: a half message is only the server's
		// fault if the connection goes on.
		if _, _, broken := w.Conn.Read(ctx); broken != nil {
			return m, fmt.Errorf("cut in the middle of a message: %w", broken)
		}
	}
	return m, err
}

// Send sends a text message.
func (w *WS) Send(ctx context.Context, text string) error {
	return w.Conn.Write(ctx, websocket.MessageText, []byte(text))
}

// Close implements Stream.
func (w *WS) Close() { _ = w.Conn.Close(websocket.StatusNormalClosure, "") }

// Abort implements Stream.
func (w *WS) Abort() {
	w.sock.reset()
	_ = w.Conn.CloseNow()
}
