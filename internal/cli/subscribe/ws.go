package subscribe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	gorilla "github.com/gorilla/websocket"

	"hubline/internal/cli/eventstream"
)

// controlTimeout bounds writing a ping or a goodbye.
const controlTimeout = 5 * time.Second

// followWebSocket reads one WebSocket to its end and returns why it ended.
func (s *subscriber) followWebSocket(ctx context.Context, token string) error {
	conn, err := s.dialWebSocket(ctx, token)
	if err != nil {
		return err
	}
	defer conn.Close()
	// Ends the blocking read below when the caller goes away.
	release := context.AfterFunc(ctx, func() {
		goodbye := gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, "")
		_ = conn.WriteControl(gorilla.CloseMessage, goodbye, time.Now().Add(controlTimeout)) // best effort
		conn.Close()
	})
	defer release()
	s.accepted()

	alive := func(string) error { return conn.SetReadDeadline(time.Now().Add(s.cfg.Silence)) }
	conn.SetPongHandler(alive)
	answer := conn.PingHandler()
	conn.SetPingHandler(func(payload string) error { return errors.Join(alive(""), answer(payload)) })
	conn.SetReadLimit(int64(s.cfg.MaxEventBytes))

	// A server speaks every 15 s, but a proxy may answer for one that is gone:
	// a ping must come back from the other end. Ends with this function.
	done := make(chan struct{})
	defer close(done)
	go ping(conn, s.cfg.Silence/3, done)

	for {
		_ = alive("") // fails only when the read below does
		kind, text, err := conn.ReadMessage()
		if err != nil {
			return webSocketError(err)
		}
		if kind != gorilla.TextMessage {
			return errors.New("the server sent a binary message")
		}
		if err := s.message(text); err != nil {
			return err
		}
	}
}

func (s *subscriber) dialWebSocket(ctx context.Context, token string) (*gorilla.Conn, error) {
	u := s.endpoint()
	u.Scheme = "ws" + strings.TrimPrefix(u.Scheme, "http")
	query := u.Query()
	query.Set("control", "1")
	u.RawQuery = query.Encode()
	dialer := gorilla.Dialer{
		Proxy: http.ProxyFromEnvironment, NetDialContext: s.cfg.Dial, HandshakeTimeout: s.cfg.Silence,
	}
	conn, resp, err := dialer.DialContext(ctx, u.String(), http.Header{"Authorization": {"Bearer " + token}})
	if err == nil {
		return conn, nil
	}
	if resp != nil && errors.Is(err, gorilla.ErrBadHandshake) {
		defer resp.Body.Close() // gorilla keeps the first 1,024 bytes of it
		if resp.StatusCode < 300 {
			return nil, fmt.Errorf("a proxy or another server answered %d instead of upgrading to a WebSocket", resp.StatusCode)
		}
		return nil, refusal(resp)
	}
	return nil, err
}

// ping sends a ping every interval until done is closed or the connection fails.
func ping(conn *gorilla.Conn, interval time.Duration, done <-chan struct{}) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			if conn.WriteControl(gorilla.PingMessage, nil, time.Now().Add(controlTimeout)) != nil {
				return
			}
		}
	}
}

// webSocketError says in words how a WebSocket ended.
func webSocketError(err error) error {
	if errors.Is(err, gorilla.ErrReadLimit) {
		return eventstream.ErrTooLong
	}
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && timeout.Timeout() {
		return errSilence
	}
	if closed, ok := errors.AsType[*gorilla.CloseError](err); ok && closed.Code != gorilla.CloseAbnormalClosure {
		return fmt.Errorf("closed by the server: %d %s", closed.Code, printable(closed.Text))
	}
	return err
}
