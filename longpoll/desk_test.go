package longpoll

import (
	"net/http"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"

	"hubline/transports"
	"hubline/transports/xtest"
)

// desk is a source whose answers are the test's.
type desk struct {
	polls chan *Poll // each that came

	mu     sync.Mutex
	answer func(n int) (Answer, bool) // the n-th question since it was set, from 1
	asked  int
	events []string
}

// atDesk gives the rig a desk that has no answer yet.
func (g *rig) atDesk() *desk {
	g.desk = &desk{polls: make(chan *Poll, 100)}
	return g.desk
}

// set answers what is asked from now on.
func (d *desk) set(answer func(n int) (Answer, bool)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer, d.asked = answer, 0
}

// say answers a poll, at the latest after the present question.
func (d *desk) say(p *Poll, body string) {
	d.set(func(int) (Answer, bool) { return says(body) })
	p.Wake()
}

// says is what a desk answers.
func says(body string) (Answer, bool) {
	return Answer{Status: http.StatusOK, ContentType: "a/b", Body: []byte(body)}, true
}

// Answer implements Source.
func (d *desk) Answer(*Poll) (Answer, bool) {
	d.mu.Lock()
	d.asked++
	n, answer := d.asked, d.answer
	d.mu.Unlock()
	if answer == nil {
		return Answer{}, false
	}
	a, ok := answer(n)
	if ok {
		d.set(nil)
	}
	return a, ok
}

// Gone implements Source.
func (d *desk) Gone(*Poll) { d.note("gone") }

// Lost implements Source.
func (d *desk) Lost(_ *Poll, r transports.Reason) { d.note("lost: " + string(r)) }

func (*desk) Written(*Poll) {}

func (d *desk) note(event string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, event)
}

// heard compares what the desk was told since the last call.
func (d *desk) heard(t testing.TB, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.events, want) {
		t.Errorf("the source was told %q, want %q", d.events, want)
	}
	d.events = nil
}

// next is the poll that comes next.
func (d *desk) next(t testing.TB) *Poll {
	t.Helper()
	return xtest.Wait(t, d.polls, "a poll")
}

// poll sends a poll to the desk and waits until it is there.
func (g *rig) pollDesk() (*client, *Poll) {
	g.t.Helper()
	c := g.connect()
	c.ask("GET", "/desk")
	return c, g.desk.next(g.t)
}

// parked returns when n sockets are outside the HTTP server.
func (g *rig) parked(n int) {
	g.t.Helper()
	xtest.Until(g.t, func() bool { return g.parker.Parked() == n }, "the number of parked sockets")
}

// strays counts goroutines of polls, besides those of HTTP handlers.
func strays() (n int) {
	var b strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&b, 2)
	for stack := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(stack, "longpoll.(*Poll).") && !strings.Contains(stack, "net/http.(*conn).serve") {
			n++
		}
	}
	return n
}

// settled returns when no socket is parked and no goroutine of a poll is left.
func (g *rig) settled() {
	g.t.Helper()
	g.parked(0)
	xtest.Until(g.t, func() bool { return strays() == 0 }, "the goroutines of parked polls")
}
