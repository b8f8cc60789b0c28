package sse

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"hubline/transports"
)

// Options of one stream.
type Options struct {
	// Hub frames events as SignalR's clients want them.
	Hub bool
	// Pad sends a first comment of 2 KiB, for proxies and antivirus software
	// that hold back a response until so much of it has come.
	Pad bool
	// Retry is told to EventSource as the time to wait before it reconnects.
	// Zero says nothing. It is not sent with Hub.
	Retry time.Duration
}

const padding = 2 << 10

// IsRequest reports whether the Accept header names text/event-stream, without
// parameters, as SignalR's clients send it.
func IsRequest(r *http.Request) bool {
	for _, v := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), "text/event-stream") {
				return true
			}
		}
	}
	return false
}

// setHeader sets what keeps proxies from buffering, transforming or storing the
// stream: X-Accel-Buffering is nginx's, the rest is RFC 9111 and 9110.
func setHeader(h http.Header, o Options) {
	h.Set("Content-Type", "text/event-stream")
	if o.Hub {
		// The spelling of ASP.NET Core.
		h.Set("Cache-Control", "no-cache,no-store")
	} else {
		h.Set("Cache-Control", "no-cache, no-store, no-transform")
	}
	h.Set("Pragma", "no-cache")
	h.Set("Content-Encoding", "identity")
	h.Set("X-Accel-Buffering", "no")
}

// first is what leaves at once: browsers fire open only after some bytes.
func first(o Options) []byte {
	var b []byte
	switch {
	case o.Hub:
		b = append(b, ":\r\n"...)
	case o.Pad:
		b = append(b, ':')
		b = append(b, strings.Repeat(" ", padding-3)...)
		b = append(b, "\n\n"...)
	default:
		b = append(b, ":\n\n"...)
	}
	if o.Retry > 0 && !o.Hub {
		b = append(b, "retry: "...)
		b = strconv.AppendInt(b, o.Retry.Milliseconds(), 10)
		b = append(b, "\n\n"...)
	}
	return b
}

func framerOf(o Options) transports.Framer {
	if o.Hub {
		return hubFramer{}
	}
	return framer{}
}

// Serve answers the request with the events of c, whose session is bound. Over
// HTTP/1.x it returns at once and the stream goes on; else when it has ended.
func Serve(s *transports.Server, w http.ResponseWriter, r *http.Request, c *transports.Connection, o Options) {
	setHeader(w.Header(), o)
	// What a client sends as the body of a GET is net/http's to skip.
	if r.ProtoMajor == 1 && r.ContentLength == 0 {
		head := appendHead(nil, w.Header())
		if nc, _, err := http.NewResponseController(w).Hijack(); err == nil {
			serveSocket(s, nc, c, append(head, first(o)...), framerOf(o))
			return
		}
	}
	serveRequest(s, w, r, c, o)
}
