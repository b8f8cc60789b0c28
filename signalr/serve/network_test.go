package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"hubline/transports/xtest"
)

// network is a server in a synctest bubble, where its timers can be tested on the
// fake clock. Each request has a connection of its own.
type network struct {
	t  *testing.T
	ln *xtest.Listener
}

func newNetwork(t *testing.T) *network {
	n := &network{t, xtest.Listen()}
	t.Cleanup(func() { _ = n.ln.Close() })
	return n
}

// inMemory serves s without sockets until the test ends.
func inMemory(t *testing.T, s *Server) *network {
	t.Helper()
	n := newNetwork(t)
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(n.ln) }) // ends with Shutdown
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
	return n
}

// send sends what is given of a request and returns the client's end.
func (n *network) send(raw string) net.Conn {
	n.t.Helper()
	c, err := n.ln.Dial()
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, raw); err != nil {
		n.t.Fatal(err)
	}
	return c
}

// request is a whole one.
func request(method, target, header, body string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: h\r\n" + header + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// upgrade makes a WebSocket, of which the client reads no more than the answer.
func (n *network) upgrade(target string) net.Conn {
	n.t.Helper()
	c := n.send("GET " + target + " HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		n.t.Fatal(resp, err)
	}
	return c
}

// answer reads a whole answer.
func (n *network) answer(r io.Reader) (status int, body string) {
	n.t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(r), nil)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func (n *network) do(method, target, body string) (status int, answer string) {
	n.t.Helper()
	return n.answer(n.send(request(method, target, "", body)))
}

// negotiate returns the status, and the target of the requests that follow.
func (n *network) negotiate(path string) (status int, target string) {
	n.t.Helper()
	status, body := n.do("POST", path+"/negotiate?negotiateVersion=1", "")
	if status != http.StatusOK {
		return status, ""
	}
	var o struct{ ConnectionToken string }
	if err := json.Unmarshal([]byte(body), &o); err != nil {
		n.t.Fatal(err)
	}
	return status, path + "?id=" + o.ConnectionToken
}
