package longpoll

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hubline/transports"
)

// ask asks the source until it has an answer or nothing new has come up.
func (p *Poll) ask() {
	for {
		if a, ok := p.source.Answer(p); ok {
			p.finish(a)
			return
		}
		p.mu.Lock()
		if p.again && !p.settled {
			p.again = false
			p.mu.Unlock()
			continue
		}
		p.busy = false
		if p.closing { // the watcher sees it
			_ = p.conn.Close()
			p.settleLocked(false)
		}
		gone := p.left && !p.answered
		p.answered = p.answered || gone
		p.mu.Unlock()
		if gone {
			p.source.Gone(p)
		}
		return
	}
}

// finish writes the answer of a parked poll.
func (p *Poll) finish(a Answer) {
	p.mu.Lock()
	p.answered = true
	if p.settled { // the client has left in the meantime
		p.busy = false
		p.mu.Unlock()
		p.lost(a, transports.ReasonLost)
		return
	}
	keep, head := p.keep, p.header
	p.header = nil
	p.mu.Unlock()

	err := p.send(appendResponse(nil, head, keep, a))

	p.mu.Lock()
	p.busy = false
	switch free := err == nil && p.keep; {
	case free:
		_ = p.conn.SetWriteDeadline(time.Time{})
		_ = p.conn.SetReadDeadline(time.Now().Add(p.parker.cfg.KeepAlive))
		p.settleLocked(true)
	case err == nil && halfClose(p.conn):
		p.settleLocked(false)
	default:
		_ = p.conn.Close()
		p.settleLocked(false)
	}
	p.mu.Unlock()
	if err != nil {
		p.lost(a, reasonOf(err))
	} else {
		p.source.Written(p)
	}
}

// lost tells of an answer that did not arrive. An empty one was none.
func (p *Poll) lost(a Answer, r transports.Reason) {
	if len(a.Body) > 0 {
		p.source.Lost(p, r)
	} else {
		p.source.Written(p)
	}
}

// piece is how much of an answer, in bytes, must be taken within one
// WriteTimeout: a slow client may take longer for a long answer.
const piece = 64 << 10

// send writes b to the parked socket.
func (p *Poll) send(b []byte) error {
	for len(b) > 0 {
		p.mu.Lock()
		if !p.closing { // else close has set the last deadline
			_ = p.conn.SetWriteDeadline(time.Now().Add(p.parker.cfg.WriteTimeout))
		}
		p.mu.Unlock()
		n, err := p.conn.Write(b[:min(len(b), piece)])
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// lingerTime is how long a client may take to end a connection that serves no
// further request.
const lingerTime = time.Second

// halfClose ends our side of the connection. The watcher waits for the other.
func halfClose(nc net.Conn) bool {
	h, ok := nc.(interface{ CloseWrite() error })
	if !ok || h.CloseWrite() != nil {
		return false
	}
	_ = nc.SetReadDeadline(time.Now().Add(lingerTime))
	return true
}

// appendResponse appends the whole HTTP/1.1 response (RFC 9112).
func appendResponse(b, header []byte, keep bool, a Answer) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(a.Status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(a.Status)...)
	b = append(b, "\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	b = append(b, header...)
	if a.ContentType != "" {
		b = append(b, "\r\nContent-Type: "...)
		b = append(b, a.ContentType...)
	}
	if a.Status != http.StatusNoContent {
		b = append(b, "\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(a.Body)), 10)
	}
	if !keep {
		b = append(b, "\r\nConnection: close"...)
	}
	b = append(b, "\r\n\r\n"...)
	if a.Status == http.StatusNoContent {
		return b
	}
	return append(b, a.Body...)
}

// appendHeader appends the header's lines, each behind a line end, in one piece
// that is cheaper to keep than the map.
func appendHeader(b []byte, header http.Header) []byte {
	for name, values := range header {
		for _, v := range values {
			b = append(b, "\r\n"...)
			b = append(b, name...)
			b = append(b, ": "...)
			b = append(b, oneLine.Replace(v)...)
		}
	}
	return b
}

// oneLine keeps a value from ending its line, as net/http does.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")
