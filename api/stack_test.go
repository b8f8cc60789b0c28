package api

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stack is a client's WebSocket stack, of which the test decides when it reads, answers
// and dies.
type stack struct {
	f    *fixture
	conn net.Conn
	r    *bufio.Reader // what it has not read is as in the system's buffers
	over bool          // the server has ended it
}

// Opcodes of frames.
const (
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
)

// stack opens a WebSocket of an inMemory fixture.
func (f *fixture) stack(path, token string) *stack {
	f.Helper()
	nc := must(f.ln.(*pipes).dial(f.Context()))
	f.Cleanup(func() { _ = nc.Close() })
	s := &stack{f: f, conn: nc, r: bufio.NewReaderSize(nc, 1<<20)}
	_, err := fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, token)
	if err != nil {
		f.Fatal(err)
	}
	resp := must(http.ReadResponse(s.r, nil))
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		f.Fatalf("%s: status %d", path, resp.StatusCode)
	}
	return s
}

// read takes the next frame, if one comes within a moment.
func (s *stack) read() (op byte, payload string, ok bool) {
	_ = s.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	head, err := s.r.Peek(2)
	if err != nil {
		s.over = !errors.Is(err, os.ErrDeadlineExceeded)
		return 0, "", false
	}
	n, wide := int(head[1]), 0
	if n == 126 {
		wide = 2
	}
	if head, err = s.r.Peek(2 + wide); err != nil {
		return 0, "", false
	}
	op = head[0] & 0x0f
	if wide > 0 {
		n = int(binary.BigEndian.Uint16(head[2:]))
	}
	frame, err := s.r.Peek(2 + wide + n)
	if err != nil {
		return 0, "", false
	}
	payload = string(frame[2+wide:])
	_, _ = s.r.Discard(2 + wide + n)
	return op, payload, true
}

// write sends a frame. It reports false when the connection is over.
func (s *stack) write(op byte, payload string) bool {
	_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second))
	b := []byte{0x80 | op, 0x80 | byte(len(payload)), 0, 0, 0, 0} // the mask is 0
	_, err := s.conn.Write(append(b, payload...))
	return err == nil
}

// seen is an event, or the notice of a gap, that a client has read.
type seen struct {
	from, to uint64
	kind     string
}

// nativeSeen reads an envelope. It reports false for other messages.
func (f *fixture) nativeSeen(text string) (seen, bool) {
	f.Helper()
	m := loose[struct {
		Type string
		Seq  uint64
		Data json.RawMessage
	}](f, text)
	if m.Type == "hubline.gap" {
		g := loose[seenGap](f, string(m.Data))
		return seen{g.From, g.To, m.Type}, true
	}
	return seen{m.Seq, m.Seq, m.Type}, m.Seq > 0
}

type seenGap struct{ From, To uint64 }

// hubSeen reads the messages of a payload in JSON.
func (f *fixture) hubSeen(payload string) (all []seen) {
	f.Helper()
	for text := range strings.SplitSeq(payload, rs) {
		if text == "" {
			continue
		}
		m := loose[struct {
			Type      int
			Target    string
			Headers   map[string]string
			Arguments []json.RawMessage
		}](f, text)
		switch {
		case m.Type != 1:
		case m.Target == "hubline.gap":
			g := loose[seenGap](f, string(m.Arguments[0]))
			all = append(all, seen{g.From, g.To, m.Target})
		case m.Headers["seq"] != "":
			seq := must(strconv.ParseUint(m.Headers["seq"], 10, 64))
			all = append(all, seen{seq, seq, m.Target})
		}
	}
	return all
}

// loose reads JSON of which only some fields are of interest.
func loose[T any](f *fixture, text string) (v T) {
	f.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		f.Fatalf("%v in %.200s", err, text)
	}
	return v
}

// lines reads a body by lines.
type lines struct{ *bufio.Scanner }

func newLines(r io.Reader) lines { return lines{bufio.NewScanner(r)} }

// until reads to a line that contains the text. The next that is an invocation must.
func (l lines) until(t testing.TB, text string) {
	t.Helper()
	for l.Scan() {
		if !strings.Contains(l.Text(), `"type":1`) {
			continue
		}
		if !strings.Contains(l.Text(), text) {
			t.Fatalf("got %s, want %s", l.Text(), text)
		}
		return
	}
	t.Fatalf("the stream has ended before %s: %v", text, l.Err())
}
