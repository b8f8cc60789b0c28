package native

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/broker"
	"hubline/replay"
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

// fixture is a broker with a small log.
type fixture struct {
	t testing.TB
	b *broker.Broker
	n int
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, b: broker.New(broker.Config{}, replay.NewStore(replay.Config{MaxEvents: 8}))}
	t.Cleanup(func() {
		if st := f.b.Stats(); st.Connections != 0 {
			t.Errorf("%d subscriptions are left", st.Connections)
		}
	})
	return f
}

func (f *fixture) epoch() string { return f.b.Store().State("u").Epoch }

// publish gives user "u" an event with a number as data.
func (f *fixture) publish(kind string) {
	f.t.Helper()
	f.n++
	f.put(&replay.Event{ID: fmt.Sprint("id", f.n), Type: kind, Data: fmt.Append(nil, f.n)})
}

func (f *fixture) publishN(n int) {
	f.t.Helper()
	for range n {
		f.publish("t")
	}
}

func (f *fixture) put(ev *replay.Event) {
	f.t.Helper()
	ev.Time = time.Now().UnixMilli()
	if _, err := f.b.Publish("u", ev, broker.Key{}); err != nil {
		f.t.Fatal(err)
	}
}

// event is the envelope of the n-th published event.
func event(n int, kind string) string {
	return fmt.Sprintf(`{"id":"id%d","seq":%d,"cursor":"E-%d","type":"%s","ts":%d,"data":%d}`, n, n, n, kind, time.Now().UnixMilli(), n)
}

// since parses text in which E stands for the epoch of "u".
func (f *fixture) since(text string) replay.Since {
	f.t.Helper()
	s, err := replay.ParseSince(strings.ReplaceAll(text, "E-", f.epoch()+"-"))
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (f *fixture) pipe(tr transports.Transport) *pipe {
	return &pipe{
		t: f.t, f: f, transport: tr,
		wake: make(chan struct{}, 1), done: make(chan struct{}), stalled: make(gate, 1),
	}
}

// serve runs the session in a synctest bubble until it ends or the test does.
func (p *pipe) serve(s transports.Session) *pipe {
	p.s = s
	go p.write()
	go p.tick()
	p.t.Cleanup(func() {
		p.Close(transports.ReasonLost)
		<-p.done
	})
	p.Wake()
	return p
}

// dial opens a session on the default configuration.
func (f *fixture) dial(tr transports.Transport, o Options) *pipe {
	f.t.Helper()
	cfg := Config{}.WithDefaults()
	return f.dialWith(&cfg, tr, o)
}

func (f *fixture) dialWith(cfg *Config, tr transports.Transport, o Options) *pipe {
	f.t.Helper()
	o.User = "u"
	p := f.pipe(tr)
	s, err := New(cfg, f.b, p, o)
	if err != nil {
		f.t.Fatal(err)
	}
	return p.serve(s)
}

// poll opens a long poll.
func (f *fixture) poll(o Options, limit int) *pipe {
	f.t.Helper()
	o.User = "u"
	p := f.pipe(transports.LongPolling)
	s, err := NewPoll(f.b, p, o, limit)
	if err != nil {
		f.t.Fatal(err)
	}
	return p.serve(s)
}

// bubble runs a test on the fake clock.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func readyText(cursor string, head, oldest, replayed int, recovered bool) string {
	return fmt.Sprintf(`{"type":"hubline.ready","data":{"connectionId":"conn-1","cursor":"%s","head":%d,"oldest":%d,"replayed":%d,"recovered":%v}}`,
		cursor, head, oldest, replayed, recovered)
}
