package transports_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
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

// While the session takes its time over a POST the time for the body does not
// run on, and another POST waits its turn.
func TestPOSTsAreServedOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, c := attached(t)
		ln := serveSite(t, e)
		d := e.sessions[c]
		d.OnReceive = func([]byte, bool) { time.Sleep(time.Minute) }
		began := time.Now()
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				_, r := send(t, ln, fmt.Sprintf("POST /hub?id=%s HTTP/1.1\r\nHost: h\r\nAuthorization: u\r\nContent-Length: 1\r\n\r\n%d", c.Token(), i))
				if got, took := status(t, r), time.Since(began); got != http.StatusOK || took != time.Duration(i+1)*time.Minute {
					t.Errorf("POST %d was answered %d after %v", i, got, took)
				}
			})
		}
		all.Wait()
		if got, n := d.Got(); got != "012" || n != 3 {
			t.Errorf("session got %q in %d messages", got, n)
		}
	})
}

// A POST that waits while the connection ends gets to hear of it.
func TestPOSTThatWaitsWhenTheConnectionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, c := attached(t)
		ln := serveSite(t, e)
		d := e.sessions[c]
		d.OnReceive = func([]byte, bool) { time.Sleep(time.Minute) }
		post := "POST /hub?id=" + c.Token() + " HTTP/1.1\r\nHost: h\r\nAuthorization: u\r\nContent-Length: 1\r\n\r\nx"
		_, first := send(t, ln, post)
		synctest.Wait()
		_, second := send(t, ln, post)
		synctest.Wait()
		c.Abort(transports.ReasonRevoked)
		if got := status(t, first); got != http.StatusOK {
			t.Errorf("the POST that was under way was answered %d", got)
		}
		if got := status(t, second); got != http.StatusNotFound {
			t.Errorf("the POST behind it was answered %d, want 404", got)
		}
		synctest.Wait()
		if got := d.Reason(); got != transports.ReasonRevoked {
			t.Errorf("session ended with %q", got)
		}
	})
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
