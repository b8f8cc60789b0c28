package serve

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
)

// told is a hubless endpoint that writes what it is told to, and when each of its
// connections ended.
type told struct {
	write chan string
	mu    sync.Mutex
	ended []time.Duration
}

func tell(s *Server, o Options) *told {
	d := &told{write: make(chan string, 1)}
	began := time.Now()
	s.HandleStream("/p", func(ctx context.Context, c *Stream) {
		select {
		case text := <-d.write:
			_, _ = io.WriteString(c, text)
		case <-ctx.Done():
		}
		<-ctx.Done()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.ended = append(d.ended, time.Since(began))
	}, o)
	return d
}

// ends waits until all are at rest.
func (d *told) ends() []time.Duration {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	slices.Sort(d.ended)
	return d.ended
}

// Every option does what it says, at the path that it was given for.
func TestOptionsCount(t *testing.T) {
	for name, tt := range map[string]struct {
		o    Options
		then func(t *testing.T, n *network)
	}{
		"MaxBody": {Options{MaxBody: 10}, func(t *testing.T, n *network) {
			_, at := n.negotiate("/p")
			for length, want := range map[int]int{10: http.StatusOK, 11: http.StatusRequestEntityTooLarge} {
				if got, _ := n.do("POST", at, strings.Repeat("x", length)); got != want {
					t.Errorf("%d bytes: %d", length, got)
				}
			}
		}},
		"BodyTimeout": {Options{BodyTimeout: 5 * time.Second}, func(t *testing.T, n *network) {
			_, at := n.negotiate("/p")
			began := time.Now()
			post := n.send(strings.TrimSuffix(request("POST", at, "", "hello"), "lo"))
			if got, _ := n.answer(post); got != http.StatusBadRequest || time.Since(began) != 5*time.Second {
				t.Errorf("%d after %v", got, time.Since(began))
			}
		}},
		"NegotiateTTL": {Options{NegotiateTTL: 3 * time.Second}, func(t *testing.T, n *network) {
			_, early := n.negotiate("/p")
			_, late := n.negotiate("/p")
			time.Sleep(3*time.Second - 1)
			if got, _ := n.do("GET", early, ""); got != http.StatusOK {
				t.Errorf("in time: %d", got)
			}
			time.Sleep(time.Nanosecond)
			if got, _ := n.do("GET", late, ""); got != http.StatusNotFound {
				t.Errorf("too late: %d", got)
			}
		}},
		"PollTimeout": {Options{PollTimeout: 7 * time.Second}, func(t *testing.T, n *network) {
			_, at := n.negotiate("/p")
			n.do("GET", at, "")
			began := time.Now()
			got, body := n.do("GET", at, "")
			if took := time.Since(began); got != http.StatusOK || body != "" || took < 7*time.Second || took > 8*time.Second {
				t.Errorf("%d %q after %v", got, body, took)
			}
		}},
		"AwayTimeout": {Options{PollTimeout: time.Second, AwayTimeout: 4 * time.Second}, func(t *testing.T, n *network) {
			_, at := n.negotiate("/p")
			n.do("GET", at, "")
			for i, want := range []int{http.StatusOK, http.StatusNotFound} {
				time.Sleep(time.Duration(3*(i+1)) * time.Second)
				if got, _ := n.do("GET", at, ""); got != want {
					t.Errorf("away for %d s: %d", 3*(i+1), got)
				}
			}
		}},
		"Transports, MinVersion": {Options{MinVersion: 1, Transports: []transports.Transport{transports.LongPolling, transports.WebSockets}}, func(t *testing.T, n *network) {
			if _, body := n.do("POST", "/p/negotiate", ""); !strings.Contains(body, "does not support this version") {
				t.Errorf("version 0: %s", body)
			}
			_, body := n.do("POST", "/p/negotiate?negotiateVersion=1", "")
			_, offer, _ := strings.Cut(body, `"availableTransports":`)
			if want := `[{"transport":"LongPolling","transferFormats":["Text","Binary"]},{"transport":"WebSockets","transferFormats":["Text","Binary"]}]}`; offer != want {
				t.Errorf("offered %s", offer)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(Config{})
				tell(s, tt.o)
				tt.then(t, inMemory(t, s))
			})
		})
	}
}

func TestMaxNegotiatedCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{MaxNegotiated: 20})
		tell(s, Options{})
		n := inMemory(t, s)
		for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusServiceUnavailable} { // a tenth
			if got, _ := n.negotiate("/p"); got != want {
				t.Errorf("number %d: %d, want %d", i+1, got, want)
			}
		}
	})
}

// A client that takes nothing is given up after SendTimeout, whatever it reads with.
func TestSendTimeoutCounts(t *testing.T) {
	for name, read := range map[string]func(n *network, at string){
		"ServerSentEvents": func(n *network, at string) {
			n.send(request("GET", at, "Accept: text/event-stream\r\n", ""))
		},
		"WebSockets": func(n *network, at string) {
			n.upgrade(at)
		},
		"LongPolling": func(n *network, at string) {
			n.do("GET", at, "")
			n.send(request("GET", at, "", ""))
		},
		"LongPolling in another server": func(n *network, at string) {
			n.do("GET", at, "")
			n.send(request("GET", at, "", ""))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(Config{SendTimeout: 3 * time.Second})
				d := tell(s, Options{})
				began := time.Now()
				var n *network
				if strings.HasSuffix(name, "server") {
					n = mounted(t, s)
				} else {
					n = inMemory(t, s)
				}
				_, at := n.negotiate("/p")
				read(n, at)
				d.write <- strings.Repeat("x", 32<<10)
				time.Sleep(20*time.Second - time.Since(began))
				if got := d.ends(); len(got) != 1 || got[0] < 3*time.Second || got[0] >= 4*time.Second {
					t.Errorf("it ended after %v", got)
				}
			})
		})
	}
}

// mounted serves s in an http.Server that knows nothing of it.
func mounted(t *testing.T, s *Server) *network {
	t.Helper()
	n := newNetwork(t)
	srv := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(n.ln) }) // ends with Close
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		_ = srv.Close()
		serving.Wait()
	})
	return n
}

// Over the time of Spread: of two connections one ends at once, and one after half
// of it.
func TestSpreadCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Spread: 10 * time.Second})
		d := tell(s, Options{})
		n := inMemory(t, s)
		for range 2 {
			_, at := n.negotiate("/p")
			client := n.send(request("GET", at, "Accept: text/event-stream\r\n", ""))
			go func() { _, _ = io.Copy(io.Discard, bufio.NewReader(client)) }() // ends with the stream
		}
		synctest.Wait()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		got := d.ends()
		for i := range got {
			got[i] = got[i].Truncate(100 * time.Millisecond)
		}
		if !slices.Equal(got, []time.Duration{0, 5 * time.Second}) {
			t.Errorf("they ended after %v", got)
		}
	})
}
