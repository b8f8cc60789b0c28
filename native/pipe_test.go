package native

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/transports"
)

// recorder is a framer that notes what is laid out, as text. Only Server-Sent
// Events have a place for ids and names.
type recorder struct {
	sse bool
	got []string
}

func (r *recorder) Begin(dst []byte, m transports.Meta) []byte {
	if !r.sse {
		return dst
	}
	if len(m.ID) > 0 {
		dst = append(append(append(dst, "id="...), m.ID...), ' ')
	}
	if m.Name != "" {
		dst = append(append(append(dst, "event="...), m.Name...), ' ')
	}
	return dst
}

func (r *recorder) End(dst []byte, _ transports.Meta, start, _ int) []byte {
	r.got = append(r.got, string(dst[start:]))
	return dst
}

func (r *recorder) KeepAlive(dst, id []byte) []byte {
	text := "keep-alive"
	if len(id) > 0 {
		text += " id=" + string(id)
	}
	r.got = append(r.got, text)
	return append(dst, ':')
}

// gate is a mutex that the fake clock can see waiting.
type gate chan struct{}

func (g gate) Lock()   { g <- struct{}{} }
func (g gate) Unlock() { <-g }

// pipe is a carrier without a network: a client that the test plays.
type pipe struct {
	t         testing.TB
	f         *fixture
	s         transports.Session
	transport transports.Transport
	wake      chan struct{}
	done      chan struct{}
	stalled   gate // held while the client takes nothing

	mu      sync.Mutex
	woken   int
	got     []string
	last    string // what take returned last
	closing bool
	aborted bool
	reason  transports.Reason
}

func (*pipe) ConnectionID() string              { return "conn-1" }
func (p *pipe) Transport() transports.Transport { return p.transport }

func (p *pipe) Wake() {
	p.mu.Lock()
	p.woken++
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Close lets what waits go out; a poll is answered.
func (p *pipe) Close(r transports.Reason) {
	p.mu.Lock()
	if !p.closing {
		p.closing, p.reason = true, r
	}
	p.mu.Unlock()
	if e, ok := p.s.(interface{ Expire() }); ok {
		e.Expire()
	}
	p.Wake()
}

func (p *pipe) Abort(r transports.Reason) {
	p.mu.Lock()
	p.aborted = true
	p.mu.Unlock()
	p.Close(r)
}

// write takes what waits whenever woken; it ends with the connection.
func (p *pipe) write() {
	defer close(p.done)
	rec := &recorder{sse: p.transport == transports.ServerSentEvents}
	b := transports.NewBatch(rec)
	for range p.wake {
		p.stalled.Lock()
		p.mu.Lock()
		closing, aborted := p.closing, p.aborted
		p.mu.Unlock()
		for more := !aborted; more; {
			b.Reset(rec)
			more = p.s.Fill(b)
		}
		p.stalled.Unlock()
		p.mu.Lock()
		if p.transport == transports.LongPolling && len(rec.got) > 0 && !closing {
			closing, p.reason = true, transports.ReasonDone // one answer
		}
		p.got = append(p.got, rec.got...)
		rec.got = nil
		r := p.reason
		p.mu.Unlock()
		if closing {
			p.s.Closed(r)
			return
		}
	}
}

// tick is the sweeper: whole seconds, never early.
func (p *pipe) tick() {
	next := time.Now()
	for {
		select {
		case <-p.done:
			return
		case <-time.After(max(time.Second, (time.Until(next) + time.Second - 1).Truncate(time.Second))):
		}
		if next = p.s.Tick(time.Now()); next.IsZero() {
			return
		}
	}
}

// send hands bytes to the session as one message.
func (p *pipe) send(text string) {
	p.t.Helper()
	if err := p.s.Receive([]byte(text), true); err != nil {
		p.t.Errorf("Receive(%.80q): %v", text, err)
	}
}

// take returns what was sent to the client since the last call, with E for the
// epoch.
func (p *pipe) take() []string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], p.f.epoch(), "E")
		p.last = got[i]
	}
	return got
}

func (p *pipe) want(messages ...string) {
	p.t.Helper()
	if diff := cmp.Diff(messages, p.take()); diff != "" {
		p.t.Errorf("client got (-want +got):\n%s", diff)
	}
}

// wantEnd compares how the connection ended; an empty reason: not yet.
func (p *pipe) wantEnd(want transports.Reason) {
	p.t.Helper()
	synctest.Wait()
	ended := false
	select {
	case <-p.done:
		ended = true
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason != want || ended != (want != "") {
		p.t.Errorf("reason = %q, ended = %v; want %q", p.reason, ended, want)
	}
}
