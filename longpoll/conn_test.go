package longpoll

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports/xtest/dialect"
)

// soon and later are when something happens during a poll: while it waits in its
// handler, and when it is parked.
const (
	soon  = 5 * time.Millisecond
	later = 5 * time.Second
)

// both runs a test on the fake clock with polls that are parked and that are not.
func both(t *testing.T, f func(t *testing.T, g *rig, wait time.Duration)) {
	t.Helper()
	for _, wait := range []time.Duration{soon, later} {
		t.Run(fmt.Sprint("after ", wait), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, newRig(t, Config{}), wait) })
		})
	}
}

// at checks when something happened, to the second of the sweeper.
func at(t testing.TB, began time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(began); got < want || got > want+time.Second {
		t.Errorf("it took %v, want %v and at most a second more", got, want)
	}
}

func TestPollIsAnsweredWithData(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		h := g.join()
		h.d.Push("waits")
		for i := range 5 {
			h.poll()
			h.want(http.StatusOK, typeBinary, "waits")
			began := time.Now()
			h.poll()
			time.Sleep(wait)
			h.d.Put(dialect.Message{Text: "a"}, dialect.Message{Text: fmt.Sprint(i)})
			h.want(http.StatusOK, typeBinary, fmt.Sprint("a", i))
			if got := time.Since(began); got != wait {
				t.Errorf("the answer took %v, want %v", got, wait)
			}
			h.d.Push("waits")
		}
	})
}

// What does not fit into one answer comes with the next.
func TestLongAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Config{})
		h := g.join()
		big := strings.Repeat("x", 300_000)
		want := ""
		for i := range 10 {
			h.d.Push(fmt.Sprint(i) + big)
			want += fmt.Sprint(i) + big
		}
		got, polls := "", 0
		for len(got) < len(want) {
			h.poll()
			a, _ := h.read()
			if len(a.body) > maxAnswer+len(big)+1 {
				t.Errorf("an answer of %d bytes", len(a.body))
			}
			got += a.body
			polls++
		}
		if got != want || polls != 3 {
			t.Errorf("got %d bytes in %d polls, want %d in 3", len(got), polls, len(want))
		}
	})
}

func TestPollTimesOut(t *testing.T) {
	for _, timeout := range []time.Duration{0, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t, Config{})
			g.options.PollTimeout = timeout
			h := g.join()
			for range 3 {
				began := time.Now()
				h.poll()
				h.want(http.StatusOK, typeText, "")
				if timeout == 0 {
					timeout = 90 * time.Second
				}
				at(t, began, timeout)
			}
			if h.d.Reason() != "" {
				t.Errorf("the connection ended with %q", h.d.Reason())
			}
		})
	}
}

func TestNewerPollEndsTheOlder(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		h := g.join()
		h.poll()
		time.Sleep(wait)
		newer := &hub{client: g.connect(), target: h.target}
		newer.poll()
		h.want(http.StatusNoContent, typeText, "")
		time.Sleep(wait)
		h.d.Push("a")
		newer.want(http.StatusOK, typeBinary, "a")
		h.poll() // the older one's socket is as good as ever
		h.d.Push("b")
		h.want(http.StatusOK, typeBinary, "b")
	})
}

// A poll that was aborted takes nothing with it.
func TestAbortedPollLosesNothing(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		h := g.join()
		h.poll()
		time.Sleep(wait)
		_ = h.Close()
		synctest.Wait()
		h.d.Push("kept")
		h.client = g.connect()
		h.poll()
		h.want(http.StatusOK, typeBinary, "kept")
	})
}

func TestPOST(t *testing.T) {
	both(t, func(t *testing.T, g *rig, wait time.Duration) {
		h := g.join()
		h.d.OnReceive = func(p []byte, _ bool) { h.d.Push("re " + string(p)) }
		h.poll()
		time.Sleep(wait)
		other := g.connect()
		other.write("POST " + h.target + " HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
		if a, _ := other.read(); a != (answer{http.StatusOK, "text/plain", ""}) {
			t.Errorf("POST is answered %v", a)
		}
		h.want(http.StatusOK, typeBinary, "re hi")
	})
}
