package longpoll

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
	"hubline/transports/xtest"
	"hubline/transports/xtest/dialect"
)

const typeJSON = "application/json"

// once sends a poll to /once and waits for its session.
func (g *rig) once(wait string) (*client, *dialect.Session) {
	g.t.Helper()
	c := g.connect()
	c.ask("GET", "/once?wait="+wait)
	return c, xtest.Wait(g.t, g.opened, "the session")
}

func TestOnceIsAnsweredWithData(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		g.prepare = func(d *dialect.Session) { d.Goodbye = "[]" }
		c, d := g.once("25s")
		began := time.Now()
		time.Sleep(wait)
		d.Put(dialect.Message{Text: "[1,"}, dialect.Message{Text: "2]"})
		c.want(http.StatusOK, typeJSON, "[1,2]")
		ended(t, d, transports.ReasonDone)
		if took := time.Since(began); took != wait {
			t.Errorf("took %v, want %v", took, wait)
		}
		d.Push("late") // for nobody
		time.Sleep(time.Minute)
		if n := len(g.server.Connections()); n != 0 {
			t.Errorf("%d connections are left", n)
		}
		d.Conn.Close(transports.ReasonLost)
		c.ask("GET", "/after") // the socket lives on
		if a, _ := c.read(); a.body != "/after" {
			t.Errorf("the next request is answered %v", a)
		}
	})
}

func TestOnceFindsDataWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Config{})
		g.prepare = func(d *dialect.Session) { d.Push("[1]") }
		began := time.Now()
		c, d := g.once("25s")
		c.want(http.StatusOK, typeJSON, "[1]")
		ended(t, d, transports.ReasonDone)
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// A short wait is exact, a long one is a matter of the sweeper.
func TestOnceExpires(t *testing.T) {
	tests := []struct {
		wait  string
		least time.Duration
		most  time.Duration
	}{
		{"-1s", 0, 0},
		{"0s", 0, 0},
		{"1ms", time.Millisecond, time.Millisecond},
		{"19ms", 19 * time.Millisecond, 19 * time.Millisecond},
		{"20ms", 20 * time.Millisecond, time.Second},
		{"25s", 25 * time.Second, 26 * time.Second},
		{"1m", time.Minute, time.Minute + time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.wait, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, Config{})
				g.prepare = func(d *dialect.Session) { d.Goodbye = "[]" }
				began := time.Now()
				c, d := g.once(tt.wait)
				c.want(http.StatusOK, typeJSON, "[]") // once, or it were [][]
				if took := time.Since(began); took < tt.least || took > tt.most {
					t.Errorf("took %v, want %v to %v", took, tt.least, tt.most)
				}
				ended(t, d, transports.ReasonDone)
			})
		})
	}
}

func TestOnceIsEnded(t *testing.T) {
	ends := map[string]func(c transports.Conn){
		"Close": func(c transports.Conn) { c.Close(transports.ReasonDrain) },
		"Abort": func(c transports.Conn) { c.Abort(transports.ReasonDrain) },
		"Close, then Abort": func(c transports.Conn) {
			c.Close(transports.ReasonDrain)
			c.Abort(transports.ReasonRevoked)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, g *rig, wait time.Duration) {
				g.prepare = func(d *dialect.Session) { d.Goodbye = "[]" }
				c, d := g.once("25s")
				time.Sleep(wait)
				end(d.Conn)
				c.want(http.StatusOK, typeJSON, "[]")
				ended(t, d, transports.ReasonDrain)
			})
		})
	}
}

func TestOnceClientLeaves(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		c, d := g.once("25s")
		time.Sleep(wait)
		_ = c.Close()
		synctest.Wait()
		ended(t, d, transports.ReasonClientClosed)
		g.settled()
	})
}

// The answer is lost: the session has ended before, and only once.
func TestOnceAnswerIsLost(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		c, d := g.once("25s")
		time.Sleep(wait)
		d.Push(string(make([]byte, 10*piece)))
		synctest.Wait()
		ended(t, d, transports.ReasonDone)
		_ = c.Close()
		synctest.Wait()
		g.settled()
	})
}

// An answer that is being written is not the memory of the next one.
func TestOnceAnswersShareNoMemory(t *testing.T) {
	server := transports.NewServer(transports.Config{})
	t.Cleanup(func() { server.Shutdown(t.Context(), 0) })
	var answers []Answer
	for i := range 10 {
		conn := server.Open("/once", "user", "addr", nil, transports.LongPolling, false)
		d := dialect.New(conn)
		conn.Bind(d)
		d.Push(fmt.Sprint(i))
		a, _ := (&once{c: conn}).Answer(nil)
		answers = append(answers, a)
	}
	for i, a := range answers {
		if string(a.Body) != fmt.Sprint(i) {
			t.Errorf("answer %d has become %q", i, a.Body)
		}
	}
}

// mute is a session that knows nothing of polls.
type mute struct{ transports.Session }

func TestOnceWithoutExpirer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Config{})
		conn := g.server.Open("/once", "user", "addr", nil, transports.LongPolling, false)
		d := dialect.New(conn)
		d.Goodbye = "unheard"
		conn.Bind(mute{d})
		k := &once{c: conn}
		k.poll = NewPoll(g.parker, k)
		conn.Run(k)
		k.expire(transports.ReasonDrain)
		if a, ok := k.Answer(k.poll); ok {
			t.Errorf("answered %v", a)
		}
		d.Push("said")
		if a, ok := k.Answer(k.poll); !ok || string(a.Body) != "said" {
			t.Errorf("answered %v, %v", a, ok)
		}
		ended(t, d, transports.ReasonDrain)
	})
}
