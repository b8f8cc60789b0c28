package transports_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
	"hubline/transports/xtest/dialect"
)

// serve runs a connection on a stream over a pipe. Its client reads until the
// end if it is polite. over tells when the client saw the end.
func serve(s *transports.Server, polite bool) (d *dialect.Session, over func() time.Duration) {
	server, client := net.Pipe()
	c, d := open(s)
	d.Goodbye = "goodbye"
	st := transports.NewStream(server, &lines{await: !polite}, s.Writers(), s.SendTimeout())
	c.Run(st)
	st.Start(d)
	s.Go(func() { // ends with the socket
		for {
			if _, err := server.Read(make([]byte, 16)); err != nil {
				break
			}
		}
		r, _ := st.Reason()
		st.Abort(r)
		c.End(r)
	})
	var mu sync.Mutex
	began := time.Now()
	took := time.Duration(-1)
	if polite {
		go func() { // ends with the socket
			for {
				if _, err := client.Read(make([]byte, 64)); err != nil {
					break
				}
			}
			mu.Lock()
			took = time.Since(began)
			mu.Unlock()
		}()
	}
	return d, func() time.Duration {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return took
	}
}

func TestShutdownSpreadsEvenly(t *testing.T) {
	for _, n := range []int{1, 2, 7, 1000} {
		synctest.Test(t, func(t *testing.T) {
			s := transports.NewServer(transports.Config{})
			var ends []func() time.Duration
			for range n {
				_, over := serve(s, true)
				ends = append(ends, over)
			}
			const spread = 4 * time.Second
			began := time.Now()
			s.Shutdown(t.Context(), spread)
			if got := time.Since(began); got > spread {
				t.Errorf("%d connections: Shutdown took %v, want at most %v", n, got, spread)
			}
			quarters := [4]int{}
			for _, over := range ends {
				at := over()
				if at < 0 || at > spread {
					t.Fatalf("a client saw its end after %v", at)
				}
				quarters[min(3, at*4/spread)]++
			}
			for i, q := range quarters {
				if n == 1000 && (q < 240 || q > 260) {
					t.Errorf("%d of %d ended in quarter %d", q, n, i+1)
				}
			}
		})
	}
}

func TestShutdownEnds(t *testing.T) {
	const bound = 8 * time.Second
	tests := []struct {
		name     string
		prepare  func(t *testing.T, s *transports.Server)
		min, max time.Duration
	}{
		{"nothing", func(*testing.T, *transports.Server) {}, 0, 0},
		{"only negotiated", func(t *testing.T, s *transports.Server) { negotiate(t, s, "/a", "u") }, 0, 0},
		{"polite clients", func(_ *testing.T, s *transports.Server) { serve(s, true) }, 0, 0},
		{"a client that reads nothing", func(_ *testing.T, s *transports.Server) { serve(s, false) }, 5 * time.Second, bound},
		{"a carrier that does not end", func(_ *testing.T, s *transports.Server) {
			c, _ := open(s)
			c.Run(&noted{c: c})
		}, bound, bound},
		{"a request that has not got to its carrier", func(_ *testing.T, s *transports.Server) {
			open(s)
		}, bound, bound},
		{"a request that has not got to its session", func(_ *testing.T, s *transports.Server) {
			s.Open("scope", "user", "addr", nil, transports.WebSockets, true)
		}, bound, bound},
		{"a session that is stuck", func(t *testing.T, s *transports.Server) {
			c, d := open(s)
			c.Run(&noted{c: c})
			d.OnReceive = func([]byte, bool) { time.Sleep(time.Hour) }
			go func() { _ = c.Deliver([]byte("x"), true) }() // ends after an hour
		}, bound + 5*time.Second, bound + 5*time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := transports.NewServer(transports.Config{})
				tt.prepare(t, s)
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), bound)
				defer cancel()
				began := time.Now()
				s.Shutdown(ctx, 0)
				if got := time.Since(began); got < tt.min || got > tt.max {
					t.Errorf("Shutdown took %v, want %v to %v", got, tt.min, tt.max)
				}
				if n := len(s.Connections()); n != 0 {
					t.Errorf("%d connections are left", n)
				}
				s.Shutdown(ctx, time.Hour) // once is enough
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// Whoever attaches while the server stops is told to leave, and waited for.
func TestShutdownMeetsLatecomers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := transports.NewServer(transports.Config{})
		for range 10 {
			serve(s, true)
		}
		early, _ := s.Negotiate("/a", "u", "addr", nil, time.Minute, false)
		done := make(chan struct{})
		began := time.Now()
		go func() { // ends with Shutdown
			defer close(done)
			s.Shutdown(t.Context(), 10*time.Second)
		}()
		time.Sleep(3 * time.Second)
		if early.Claim(transports.WebSockets) {
			t.Error("a ticket is still good")
		}
		if _, err := s.Negotiate("/a", "u", "addr", nil, time.Minute, false); err == nil {
			t.Error("a stopping server still negotiates")
		}
		d, over := serve(s, true)
		if got := over(); got != 0 || d.Reason() != transports.ReasonDrain {
			t.Errorf("the latecomer left after %v with %q", got, d.Reason())
		}
		<-done
		if got := time.Since(began); got > 10*time.Second {
			t.Errorf("Shutdown took %v", got)
		}
		d, over = serve(s, true) // too late even for that
		if got := over(); got != 0 || d.Reason() != transports.ReasonDrain {
			t.Errorf("the straggler left after %v with %q", got, d.Reason())
		}
	})
}

// When the time is up all are cut at once, and those who still come as well.
func TestShutdownCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := transports.NewServer(transports.Config{SendTimeout: time.Hour})
		var ds []*dialect.Session
		for range 100 {
			d, _ := serve(s, false)
			ds = append(ds, d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		s.Shutdown(ctx, time.Minute)
		if got := time.Since(began); got != time.Second {
			t.Errorf("Shutdown took %v, want 1 s", got)
		}
		for _, d := range ds {
			if d.Reason() != transports.ReasonDrain {
				t.Fatalf("a connection ended with %q", d.Reason())
			}
		}
		d, _ := serve(s, false)
		synctest.Wait()
		if d.Reason() != transports.ReasonDrain {
			t.Errorf("the straggler ended with %q", d.Reason())
		}
	})
}
