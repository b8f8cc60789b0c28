package native

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

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
