package signalr

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/broker"
	"hubline/internal/leaktest"
	"hubline/replay"
	"hubline/signalr/protocol"
	"hubline/transports"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// frame is a message as the carrier sends it.
type frame struct {
	text   string
	binary bool
}

// recorder is a framer that notes messages.
type recorder struct {
	transports.Plain
	frames []frame
}

func (r *recorder) End(dst []byte, m transports.Meta, _, body int) []byte {
	r.frames = append(r.frames, frame{text: string(dst[body:]), binary: m.Binary})
	return dst
}

// gate is a mutex that the fake clock can see waiting.
type gate chan struct{}

func (g gate) Lock()   { g <- struct{}{} }
func (g gate) Unlock() { <-g }

// pipe is a carrier without a network: a client that the test plays.
type pipe struct {
	t         testing.TB
	id        string
	s         *Session
	transport transports.Transport
	wake      chan struct{}
	done      chan struct{}
	stalled   gate // held while the client takes nothing
	receiving gate // held while Receive runs

	mu      sync.Mutex
	rec     *recorder // the present socket
	got     []frame
	closing bool
	reason  transports.Reason
}

func (p *pipe) ConnectionID() string            { return p.id }
func (p *pipe) Transport() transports.Transport { return p.transport }

func (p *pipe) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pipe) Close(r transports.Reason) {
	p.mu.Lock()
	if !p.closing {
		p.closing, p.reason = true, r
	}
	p.mu.Unlock()
	p.Wake()
}

func (p *pipe) Abort(r transports.Reason) {
	p.Close(r)
	p.s.Interrupt()
}

// dial opens a session of h in a synctest bubble and serves it until it ends
// or the test does.
func dial(t testing.TB, h *Hub, tr transports.Transport, o Options) *pipe {
	t.Helper()
	return dialAs(t, h, "conn-1", tr, o)
}

// dialAs is dial for one of several connections.
func dialAs(t testing.TB, h *Hub, id string, tr transports.Transport, o Options) *pipe {
	t.Helper()
	if o.User == "" {
		o.User = "u"
	}
	p := &pipe{
		t: t, id: id, transport: tr, wake: make(chan struct{}, 1), done: make(chan struct{}),
		stalled: make(gate, 1), receiving: make(gate, 1),
	}
	var err error
	if p.s, err = h.Open(p, o); err != nil {
		t.Fatal(err)
	}
	p.rec = &recorder{}
	p.s.Attach(p.rec)
	go p.write()
	go p.tick()
	t.Cleanup(func() {
		p.Close(transports.ReasonLost)
		<-p.done
		h.Wait()
	})
	return p
}

// write takes what waits whenever woken; it ends with the connection.
func (p *pipe) write() {
	defer close(p.done)
	b := transports.NewBatch(nil)
	for range p.wake {
		p.stalled.Lock()
		p.mu.Lock()
		closing, rec := p.closing, p.rec
		p.mu.Unlock()
		for more := true; more; {
			b.Reset(rec)
			more = p.s.Fill(b)
		}
		p.stalled.Unlock()
		p.mu.Lock()
		p.got = append(p.got, rec.frames...)
		rec.frames = nil
		r := p.reason
		p.mu.Unlock()
		if closing {
			p.receiving.Lock()
			p.s.Closed(r)
			p.receiving.Unlock()
			return
		}
	}
}

// cut takes the socket away. What it was given and the test has not taken is lost.
func (p *pipe) cut() {
	p.t.Helper()
	if !p.s.Resumable() {
		p.t.Fatal("the session does not go on without a socket")
	}
	synctest.Wait()
	p.mu.Lock()
	rec := p.rec
	p.mu.Unlock()
	p.s.Detach(rec)
	p.mu.Lock()
	p.got = nil
	p.mu.Unlock()
}

// resume brings another socket.
func (p *pipe) resume() {
	p.receiving.Lock()
	defer p.receiving.Unlock()
	rec := &recorder{}
	p.mu.Lock()
	p.rec = rec
	p.mu.Unlock()
	p.s.Attach(rec)
	p.Wake()
}

// tick is the sweeper: at whole seconds, never early, and always a little late.
func (p *pipe) tick() {
	second := time.Now()
	for next := second; ; {
		second = second.Add(max(time.Second, (next.Sub(second) + time.Second - 1).Truncate(time.Second)))
		select {
		case <-p.done:
			return
		case <-time.After(time.Until(second) + time.Millisecond):
		}
		if next = p.s.Tick(time.Now()); next.IsZero() {
			return
		}
	}
}

// send hands bytes to the session as one message of the carrier.
func (p *pipe) send(text string) error {
	p.receiving.Lock()
	defer p.receiving.Unlock()
	select {
	case <-p.done:
		return nil // the carrier reads no more
	default:
	}
	if err := p.s.Receive([]byte(text), true); err != transports.ErrEnded { //nolint:errorlint // as it is
		return err
	}
	return nil // the carrier drops it
}

// must is send for bytes that are fine.
func (p *pipe) must(text string) {
	p.t.Helper()
	if err := p.send(text); err != nil {
		p.t.Errorf("Receive(%q): %v", text, err)
	}
}

// take returns what was sent to the client since the last call.
func (p *pipe) take() []frame {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// want compares what was sent to the client with messages, without their
// separators.
func (p *pipe) want(messages ...string) {
	p.t.Helper()
	var got []string
	for _, f := range p.take() {
		got = append(got, strings.TrimSuffix(f.text, "\x1e"))
	}
	if diff := cmp.Diff(messages, got); diff != "" {
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

const (
	jsonShake   = `{"protocol":"json","version":1}` + "\x1e"
	packedShake = `{"protocol":"messagepack","version":1}` + "\x1e"
	jsonPing    = `{"type":6}` + "\x1e"
)

// shake does the handshake and checks its answer.
func (p *pipe) shake(request string) {
	p.t.Helper()
	p.must(request)
	got := p.take()
	if len(got) == 0 || got[0].text != protocol.HandshakeOK {
		p.t.Fatalf("handshake answered %+v", got)
	}
	p.mu.Lock()
	p.got = append(got[1:], p.got...)
	p.mu.Unlock()
}

// connect is dial and shake over a WebSocket in JSON.
func connect(t testing.TB, h *Hub, o Options) *pipe {
	t.Helper()
	p := dial(t, h, transports.WebSockets, o)
	p.shake(jsonShake)
	return p
}

// call sends a JSON message and its separator.
func (p *pipe) call(json string) {
	p.t.Helper()
	p.must(json + "\x1e")
}

// fixture is a broker with a small log.
type fixture struct {
	t testing.TB
	b *broker.Broker
	n int
}

func newFixture(t testing.TB) *fixture {
	return &fixture{t: t, b: broker.New(broker.Config{}, replay.NewStore(replay.Config{MaxEvents: 8}))}
}

// publish gives user "u" an event of the type with data, published now.
func (f *fixture) publish(kind, data string) {
	f.t.Helper()
	f.put(&replay.Event{Type: kind, Data: []byte(data)})
}

func (f *fixture) put(ev *replay.Event) {
	f.t.Helper()
	f.n++
	if ev.ID == "" {
		ev.ID = fmt.Sprintf("id%d", f.n)
	}
	if ev.Time == 0 {
		ev.Time = time.Now().UnixMilli()
	}
	if _, err := f.b.Publish("u", ev, broker.Key{}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) epoch() string { return f.b.Store().State("u").Epoch }

// bubble runs a test on the fake clock.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// adder is a hub with methods for tests.
func adder(cfg Config) *Hub {
	h := New(cfg)
	h.Handle("Add", func(a, b int) int { return a + b })
	h.Handle("Nothing", func() {})
	h.Handle("Refuse", func(why string) error { return Errorf("%s", why) })
	h.Handle("Break", func() error { return fmt.Errorf("secret %d", 1) })
	h.Handle("Panic", func() { panic("secret") })
	h.Handle("Channel", func() complex128 { return 1 })
	h.Handle("Wait", func(ctx context.Context) { <-ctx.Done() })
	h.Handle("Sleep", func(ms int) int { time.Sleep(time.Duration(ms) * time.Millisecond); return ms })
	h.Handle("Who", func(c Caller) []string {
		return []string{c.ConnectionID(), c.User(), c.Device(), string(c.Transport())}
	})
	h.Handle("Abort", func(c Caller) { c.Abort() })
	h.Handle("Big", func(n int) string { return strings.Repeat("x", n) })
	return h
}
