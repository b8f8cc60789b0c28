package transports_test

import (
	"bytes"
	"encoding/binary"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports"
	"hubline/transports/xtest/dialect"
)

// asking is a framer that can ask, and keeps what it has asked.
type asking struct {
	transports.Plain
	asked [][]byte
}

func (a *asking) Probe(dst, payload []byte) []byte {
	a.asked = append(a.asked, bytes.Clone(payload))
	return append(dst, '?')
}

// last is the payload of the newest question, and its mark.
func (a *asking) last(t *testing.T) (payload []byte, mark uint64) {
	t.Helper()
	if len(a.asked) == 0 {
		t.Fatal("nothing was asked")
	}
	payload = a.asked[len(a.asked)-1]
	return payload, binary.BigEndian.Uint64(payload[4:])
}

func newProbe() (*transports.Probe, *asking, *transports.Batch) {
	p, f := &transports.Probe{}, &asking{}
	p.Init()
	return p, f, transports.NewBatch(f)
}

func TestOnlyAnswersToQuestionsCount(t *testing.T) {
	p, f, b := newProbe()
	foreign, strange, _ := newProbe()
	if _, ok := p.Answered(make([]byte, 12)); ok {
		t.Error("an answer before any question counts")
	}
	p.Ask(b, nil, 7)
	first, mark := f.last(t)
	if mark != 7 || string(b.Buf) != "?" {
		t.Errorf("asked about %d: %q", mark, b.Buf)
	}
	foreign.Ask(transports.NewBatch(strange), nil, 7)
	other, _ := strange.last(t)
	ahead := bytes.Clone(first)
	binary.BigEndian.PutUint64(ahead[4:], 8)
	beyond := bytes.Clone(first)
	binary.BigEndian.PutUint64(beyond[4:], 1<<64-1)
	for _, pong := range [][]byte{nil, {0}, other, first[:11], append(bytes.Clone(first), 0), ahead, beyond} {
		if _, ok := p.Answered(pong); ok {
			t.Errorf("%x counts", pong)
		}
	}
	if mark, ok := p.Answered(first); !ok || mark != 7 {
		t.Errorf("the answer says %d, %v", mark, ok)
	}
	if _, ok := p.Answered(first); ok {
		t.Error("an answer counts twice")
	}
	if p.Ask(b, nil, 7); len(f.asked) != 1 {
		t.Error("what is known was asked again")
	}
	// A later answer stands for the questions before it, which come too late then.
	p.Ask(b, nil, 8)
	second, _ := f.last(t)
	p.Ask(b, nil, 9)
	third, _ := f.last(t)
	if mark, ok := p.Answered(third); !ok || mark != 9 {
		t.Errorf("the answer says %d, %v", mark, ok)
	}
	if _, ok := p.Answered(second); ok {
		t.Error("an answer that was overtaken counts")
	}
}

// The mark may be zero: a gap may be all that there is.
func TestTheFirstMarkMayBeZero(t *testing.T) {
	p, f, b := newProbe()
	p.Ask(b, nil, 0)
	payload, _ := f.last(t)
	if mark, ok := p.Answered(payload); !ok || mark != 0 {
		t.Errorf("the answer says %d, %v", mark, ok)
	}
	if p.Ask(b, nil, 0); len(f.asked) != 1 {
		t.Error("what is known was asked again")
	}
}

func TestACarrierThatCannotAskIsNotAsked(t *testing.T) {
	p, _, _ := newProbe()
	b := transports.NewBatch(transports.Plain{})
	p.Owe()
	if p.Ask(b, nil, 7); len(b.Buf) > 0 || p.Due() {
		t.Errorf("laid out %q, due %v", b.Buf, p.Due())
	}
}

// prober is a session that asks about everything that it has sent.
type prober struct {
	*dialect.Session
	probe transports.Probe
	mark  uint64
}

func (s *prober) Fill(b *transports.Batch) bool {
	before := len(b.Buf)
	more := s.Session.Fill(b)
	if len(b.Buf) > before {
		s.mark++
		s.probe.Owe()
	}
	if s.probe.Due() {
		s.probe.Ask(b, s.Conn, s.mark)
	}
	return more
}

func (s *prober) Remind() {
	if s.probe.Rested() {
		s.Conn.Wake()
	}
}

// carried is a carrier that fills a batch whenever it is woken.
type carried struct {
	mu sync.Mutex // one Fill at a time
	s  *prober
	b  *transports.Batch
}

func (c *carried) Wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.b.Reset(c.b.Framer())
	c.s.Fill(c.b)
}
func (*carried) Close(transports.Reason) {}
func (*carried) Abort(transports.Reason) {}

// A busy connection is asked once in a while, at last about everything; an idle one
// is not asked at all, and one that has ended is forgotten.
func TestQuestionsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := transports.NewServer(transports.Config{})
		defer server.Shutdown(t.Context(), 0)
		c := server.Open("scope", "user", "addr", nil, transports.WebSockets, false)
		s := &prober{Session: dialect.New(c)}
		s.probe.Init()
		f := &asking{}
		c.Bind(s)
		k := &carried{s: s, b: transports.NewBatch(f)}
		c.Run(k)
		count := func() int {
			k.mu.Lock()
			defer k.mu.Unlock()
			return len(f.asked)
		}
		const seconds = 20
		for range seconds * 10 {
			s.Push("event")
			time.Sleep(100 * time.Millisecond)
		}
		if n := count(); n < seconds/3 || n > seconds/2+1 {
			t.Errorf("%d questions in %d s", n, seconds)
		}
		time.Sleep(2*transports.ProbeInterval + time.Second)
		k.mu.Lock()
		payload, mark := f.last(t)
		k.mu.Unlock()
		if mark != seconds*10 {
			t.Errorf("the last question is about %d, want %d", mark, seconds*10)
		}
		s.probe.Answered(payload)
		n := count()
		time.Sleep(time.Hour)
		if now := count(); now != n {
			t.Errorf("%d questions to an idle connection", now-n)
		}
		s.Push("event", "and")
		s.Push("event")
		c.End(transports.ReasonLost)
		n = count()
		time.Sleep(time.Minute)
		if count() != n {
			t.Error("a connection that has ended was asked")
		}
	})
}
