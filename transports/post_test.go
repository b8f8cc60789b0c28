package transports_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
	"hubline/transports/xtest"
)

// serveSite serves a site over a network in memory.
func serveSite(t *testing.T, e *site) *xtest.Listener {
	t.Helper()
	ln := xtest.Listen()
	srv := &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { // ends with Close
		defer close(done)
		_ = srv.Serve(ln)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return ln
}

// send sends a raw request on a connection of its own.
func send(t *testing.T, ln *xtest.Listener, raw string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

func status(t *testing.T, r *bufio.Reader) int {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// attached is a site with one polling connection.
func attached(t *testing.T) (*site, *transports.Connection) {
	s := newServer(t, transports.Config{})
	e := newSite(t, s)
	c := negotiate(t, s, "/hub", "u")
	e.do(request{method: "GET", target: "/hub?id=" + c.Token(), user: "u"})
	return e, c
}

func TestSlowBodyIsRefused(t *testing.T) {
	tests := []struct {
		name  string
		after func(c net.Conn)
		want  int
		took  time.Duration
		got   string
	}{
		{"never comes", func(net.Conn) {}, http.StatusBadRequest, 30 * time.Second, ""},
		{"comes in time", func(c net.Conn) {
			time.Sleep(29 * time.Second)
			_, _ = io.WriteString(c, "lo")
		}, http.StatusOK, 29 * time.Second, "hello"},
		{"trickles", func(c net.Conn) {
			time.Sleep(29 * time.Second)
			_, _ = io.WriteString(c, "l")
		}, http.StatusBadRequest, 30 * time.Second, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, c := attached(t)
				ln := serveSite(t, e)
				began := time.Now()
				nc, r := send(t, ln, "POST /hub?id="+c.Token()+" HTTP/1.1\r\nHost: h\r\nAuthorization: u\r\nContent-Length: 5\r\n\r\nhel")
				go tt.after(nc)
				if got := status(t, r); got != tt.want || time.Since(began) != tt.took {
					t.Errorf("answered %d after %v, want %d after %v", got, time.Since(began), tt.want, tt.took)
				}
				if got, _ := e.sessions[c].Got(); got != tt.got {
					t.Errorf("session got %q, want %q: half a body is none", got, tt.got)
				}
			})
		})
	}
}

// The time for the body does not run on while the session takes its own.
func TestSlowSessionBreaksNoPOST(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, c := attached(t)
		ln := serveSite(t, e)
		e.sessions[c].OnReceive = func([]byte, bool) { time.Sleep(time.Hour) }
		nc, r := send(t, ln, post(c, "x"))
		if got := status(t, r); got != http.StatusOK {
			t.Errorf("answered %d", got)
		}
		go func() { _, _ = io.WriteString(nc, post(c, "y")) }() // ends with the write
		if got := status(t, r); got != http.StatusOK {
			t.Errorf("the next one was answered %d", got)
		}
	})
}

func post(c *transports.Connection, body string) string {
	return fmt.Sprintf("POST /hub?id=%s HTTP/1.1\r\nHost: h\r\nAuthorization: u\r\nContent-Length: %d\r\n\r\n%s", c.Token(), len(body), body)
}

func TestPOSTsAreServedOneAtATime(t *testing.T) {
	e, c := attached(t)
	d := e.sessions[c]
	began, goOn := make(chan struct{}), make(chan struct{})
	d.OnReceive = func([]byte, bool) {
		began <- struct{}{} // two at a time would be seen by the race detector
		<-goOn
	}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if w := e.do(request{method: "POST", target: "/hub?id=" + c.Token(), user: "u", body: "x"}); w.Code != http.StatusOK {
				t.Errorf("answered %d", w.Code)
			}
		})
	}
	for range 10 {
		<-began
		select {
		case <-began:
			t.Fatal("two POSTs are served at a time")
		case goOn <- struct{}{}:
		}
	}
	all.Wait()
	if got, n := d.Got(); got != "xxxxxxxxxx" || n != 10 {
		t.Errorf("session got %q in %d messages", got, n)
	}
}

// POSTs that wait their turn when the connection ends get to hear of it.
func TestPOSTsThatWaitWhenTheConnectionEnds(t *testing.T) {
	e, c := attached(t)
	d := e.sessions[c]
	d.OnReceive = func([]byte, bool) { c.Abort(transports.ReasonRevoked) }
	codes := make(chan int, 10)
	for range cap(codes) {
		go func() { // ends with the answer
			codes <- e.do(request{method: "POST", target: "/hub?id=" + c.Token(), user: "u", body: "x"}).Code
		}()
	}
	count := map[int]int{}
	for range cap(codes) {
		count[<-codes]++
	}
	if count[http.StatusOK] != 1 || count[http.StatusNotFound] != cap(codes)-1 {
		t.Errorf("answers %v, want one 200 and 404 for the others", count)
	}
	<-d.Over
	if got := d.Reason(); got != transports.ReasonRevoked {
		t.Errorf("session ended with %q", got)
	}
}

func TestBodyOfAnyForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, c := attached(t)
		ln := serveSite(t, e)
		head := "POST /hub?id=" + c.Token() + " HTTP/1.1\r\nHost: h\r\nAuthorization: u\r\n"
		nc, r := send(t, ln, head+"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
		if got := status(t, r); got != http.StatusOK {
			t.Errorf("chunked: %d", got)
		}
		for _, tt := range []struct {
			text string
			want int
		}{
			{head + "\r\n", http.StatusOK}, // without a body
			{head + "Content-Type: application/octet-stream\r\nContent-Length: 1\r\n\r\n\x00", http.StatusOK},
			{head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense", http.StatusBadRequest},
		} {
			go func() { _, _ = io.WriteString(nc, tt.text) }() // ends with the write
			if got := status(t, r); got != tt.want {
				t.Errorf("%.40q: %d, want %d", strings.TrimPrefix(tt.text, head), got, tt.want)
			}
		}
		if got, n := e.sessions[c].Got(); got != "abcde\x00" || n != 3 {
			t.Errorf("session got %q in %d messages", got, n)
		}
	})
}

// POSTs that wait for each other cost no memory for their bodies, and are not many.
func TestWaitingPOSTsAreBounded(t *testing.T) {
	const limit = 256
	e, c := attached(t)
	began, goOn := make(chan struct{}, 1), make(chan struct{})
	e.sessions[c].OnReceive = func([]byte, bool) {
		began <- struct{}{}
		<-goOn
	}
	var reads atomic.Int32
	do := func() int {
		r := httptest.NewRequest(http.MethodPost, "/hub?id="+c.Token(), watched{strings.NewReader("x"), &reads})
		r.Header.Set("Authorization", "u")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w.Code
	}
	codes := make(chan int, 2*limit)
	for range cap(codes) {
		go func() { codes <- do() }() // ends with the answer
	}
	for range limit { // those over the limit do not wait
		if got := <-codes; got != http.StatusTooManyRequests {
			t.Errorf("answered %d", got)
		}
	}
	for i := range limit {
		<-began
		if n := reads.Load(); int(n) != i+1 {
			t.Errorf("%d bodies were read when %d were served", n, i+1)
		}
		goOn <- struct{}{}
	}
	for range limit {
		if got := <-codes; got != http.StatusOK {
			t.Errorf("answered %d", got)
		}
	}
	go func() { <-began; goOn <- struct{}{} }() // ends with the last POST
	if got := do(); got != http.StatusOK {
		t.Errorf("afterwards: %d", got)
	}
}

// watched counts bodies that were read.
type watched struct {
	*strings.Reader
	reads *atomic.Int32
}

func (w watched) Read(p []byte) (int, error) {
	if w.Len() > 0 {
		w.reads.Add(1)
	}
	return w.Reader.Read(p)
}
