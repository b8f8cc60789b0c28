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

// The server stops, the token ends, an admin cuts: the poll is answered.
func TestPollIsAnsweredWhenItMustEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publishN(1)
		p := f.poll(Options{}, 100)
		p.s.Leave(transports.ReasonDrain)
		p.want(answer("E-1", ""))
		p.wantEnd(transports.ReasonDrain)

		p = f.poll(Options{Expires: time.Now().Add(7 * time.Second)}, 100)
		time.Sleep(7*time.Second - time.Millisecond)
		p.want()
		time.Sleep(time.Millisecond)
		p.want(answer("E-1", ""))
		p.wantEnd(transports.ReasonExpired)
	})
}

// An answer after the end must not say that what waited was delivered.
func TestPollAnswerAfterClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.publishN(1)
		p := f.pipe(transports.LongPolling)
		s, err := NewPoll(f.b, p, Options{User: "u"}, 100)
		if err != nil {
			t.Fatal(err)
		}
		f.publishN(2)
		s.Closed(transports.ReasonDrain)
		s.Expire()
		rec := &recorder{}
		s.Fill(transports.NewBatch(rec))
		want := strings.ReplaceAll(answer("E-1", ""), "E", f.epoch())
		if len(rec.got) != 1 || rec.got[0] != want {
			t.Errorf("answers %q, want %s", rec.got, want)
		}
	})
}

// An answer ends where a batch is full, though the limit is higher.
func TestPollAnswersAreBoundedInBytes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.b = broker.New(broker.Config{}, replay.NewStore(replay.Config{}))
		for i := range 30 {
			f.put(&replay.Event{ID: fmt.Sprint("id", i+1), Type: "t", Data: fmt.Appendf(nil, `"%020000d"`, i)})
		}
		seen, since := 0, f.since("0")
		for polls := 0; seen < 30; polls++ {
			p := f.poll(Options{Since: since}, 1000)
			p.take()
			text, cursor := pollText(t, p)
			if n := len(p.last); n > 200_000 || polls > 30 {
				t.Fatalf("an answer of %d bytes", n)
			}
			seen += len(strings.Fields(text))
			since = f.since(cursor)
		}
	})
}

// Who was revoked is sent nothing: not even what comes before the answer is on its way.
func TestRevokedPollIsAnsweredEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.publishN(1)
		p := f.pipe(transports.LongPolling)
		s, err := NewPoll(f.b, p, Options{User: "u"}, 100)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Closed(transports.ReasonRevoked)
		s.Leave(transports.ReasonRevoked)
		f.publishN(2)
		s.Expire()
		rec := &recorder{}
		s.Fill(transports.NewBatch(rec))
		want := strings.ReplaceAll(answer("E-1", ""), "E", f.epoch())
		if len(rec.got) != 1 || rec.got[0] != want {
			t.Errorf("answers %q, want %s", rec.got, want)
		}
	})
}
