package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A publish body of about 300 bytes.
const sampleBody = `{"type":"backup.progress","data":{"step":3,"of":12,"file":"/srv/data/photos/2024/IMG_20240321_101500.jpg",` +
	`"bytes":48311223,"rate":18.4,"eta":"2026-11-21T10:15:00Z","labels":["nightly","photos"],"note":"caf\u00e9 – 80 % done","ok":true},` +
	`"contextId":"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0","ttlSeconds":3600}`

// BenchmarkDecodeEvent: from a publish body to the event.
func BenchmarkDecodeEvent(b *testing.B) {
	body := []byte(sampleBody)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := scanEvent(body)
		if err == nil {
			_, err = f.event(time.Now())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// sink is a response that costs nothing.
type sink struct {
	header http.Header
	status int
}

func (w *sink) Header() http.Header              { return w.header }
func (w *sink) WriteHeader(status int)           { w.status = status }
func (w *sink) Write(p []byte) (int, error)      { return len(p), nil }
func (w *sink) SetReadDeadline(time.Time) error  { return nil }
func (w *sink) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkPublishHandler: a publish without the HTTP server.
func BenchmarkPublishHandler(b *testing.B) {
	f := newFixture(b)
	for name, credentials := range map[string]string{"key": keyAll, "token": backendToken(f)} {
		b.Run(name, func(b *testing.B) {
			serveBench(b, f, "/api/v1/users/anna/events", credentials, sampleBody, http.StatusCreated)
		})
	}
}

// BenchmarkBatchHandler: batches of 100 for 100 users, without the HTTP server.
func BenchmarkBatchHandler(b *testing.B) {
	f := newFixture(b, func(s *setup) { s.MaxBatchItems, s.MaxBatchBytes = 1000, 1<<20 })
	var items strings.Builder
	for i := range 100 {
		fmt.Fprintf(&items, `,{"user":"u%d","event":%s}`, i, sampleBody)
	}
	serveBench(b, f, "/api/v1/events:batch", keyAll, "["+items.String()[1:]+"]", http.StatusOK)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/item")
}

func serveBench(b *testing.B, f *fixture, path, credentials, content string, want int) {
	body := strings.NewReader(content)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, path, body)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+credentials)
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = "192.0.2.1:1234"
	w, rc := &sink{header: http.Header{}}, r.Body
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(content)
		r.Body = rc
		clear(w.header)
		if f.api.ServeHTTP(w, r); w.status != want {
			b.Fatal(w.status)
		}
	}
}

// TestPublishAllocates guards the path: the event's three, the user's name, the
// body's deadline, and one of the log.
func TestPublishAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	f := newFixture(t)
	body := strings.NewReader("")
	r := f.request(http.MethodPost, "/api/v1/users/anna/events", keyAll, sampleBody)
	w, rc := &sink{header: http.Header{}}, io.NopCloser(body)
	if n := testing.AllocsPerRun(1000, func() {
		body.Reset(sampleBody)
		r.Body = rc
		clear(w.header)
		f.api.ServeHTTP(w, r)
	}); n > 6 || w.status != http.StatusCreated {
		t.Errorf("%v allocations, status %d", n, w.status)
	}
}

// BenchmarkPublishLoopback: a publish over one kept connection, with a client
// that does as little as it can.
func BenchmarkPublishLoopback(b *testing.B) {
	f := newFixture(b)
	c, err := net.Dial("tcp", f.ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	req := fmt.Sprintf("POST /api/v1/users/anna/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		keyAll, len(sampleBody), sampleBody)
	in := bufio.NewReader(c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.WriteString(c, req); err != nil {
			b.Fatal(err)
		}
		if err := skipAnswer(in); err != nil {
			b.Fatal(err)
		}
	}
}

// skipAnswer reads past an answer whose length is announced.
func skipAnswer(in *bufio.Reader) error {
	n := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			_, err := in.Discard(n)
			return err
		}
		if text, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			for _, c := range strings.TrimSpace(text) {
				n = n*10 + int(c-'0')
			}
		}
	}
}
