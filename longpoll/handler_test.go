package longpoll

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports/xtest"
)

// Where the socket cannot be taken over a poll stays in its handler.
func TestPollStaysInItsHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Config{})
		d := g.atDesk()
		w := httptest.NewRecorder() // knows no Hijack
		done := make(chan struct{})
		go func() { // ends with the answer
			defer close(done)
			g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/desk", nil))
		}()
		p := d.next(t)
		time.Sleep(later)
		if n := g.parker.Parked(); n != 0 {
			t.Errorf("%d parked", n)
		}
		d.say(p, "yes")
		<-done
		if w.Code != http.StatusOK || w.Body.String() != "yes" {
			t.Errorf("got %d %q", w.Code, w.Body)
		}
	})
}

func TestParkable(t *testing.T) {
	tests := []struct {
		name string
		r    http.Request
		want bool
	}{
		{"HTTP/1.1", http.Request{ProtoMajor: 1, ProtoMinor: 1}, true},
		{"HTTP/1.0", http.Request{ProtoMajor: 1}, true},
		{"HTTP/2 without TLS", http.Request{ProtoMajor: 2}, false},
		{"TLS", http.Request{ProtoMajor: 1, ProtoMinor: 1, TLS: new(tls.ConnectionState)}, false},
		{"a body", http.Request{ProtoMajor: 1, ProtoMinor: 1, ContentLength: 1}, false},
		{"a body of unknown length", http.Request{ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1}, false},
	}
	for _, tt := range tests {
		if got := parkable(&tt.r); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// A body that has not been read would be taken for the next request.
func TestPollWithABodyIsNotParked(t *testing.T) {
	for _, request := range []string{
		"GET /desk HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody",
		"GET /desk HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t, Config{})
			d := g.atDesk()
			c := g.connect()
			c.write(request + "GET /after HTTP/1.1\r\nHost: h\r\n\r\n")
			p := d.next(t)
			time.Sleep(later)
			if n := g.parker.Parked(); n != 0 {
				t.Errorf("%d parked", n)
			}
			d.say(p, "yes")
			c.want(http.StatusOK, "a/b", "yes")
			if a, _ := c.read(); a.body != "/after" {
				t.Errorf("the next request is answered %v", a)
			}
		})
	}
}

func TestPollOverTLSIsNotParked(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		g := newTCPRig(t, Config{ParkAfter: time.Nanosecond})
		d := g.atDesk()
		srv := httptest.NewUnstartedServer(g)
		srv.EnableHTTP2 = http2
		srv.StartTLS()
		t.Cleanup(srv.Close)
		got := make(chan string, 1)
		go func() { // ends with the answer
			resp, err := srv.Client().Get(srv.URL + "/desk")
			if err != nil {
				got <- err.Error()
				return
			}
			b, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			got <- resp.Proto + " " + string(b)
		}()
		p := d.next(t)
		xtest.Until(t, func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.asked > 1 // once more when it does not come to be parked
		}, "the second question")
		if n := g.parker.Parked(); n != 0 {
			t.Errorf("%d parked", n)
		}
		d.say(p, "yes")
		want := "HTTP/1.1 yes"
		if http2 {
			want = "HTTP/2.0 yes"
		}
		if s := xtest.Wait(t, got, "the answer"); s != want {
			t.Errorf("got %q, want %q", s, want)
		}
	}
}
