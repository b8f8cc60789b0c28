package subscribe

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hubline/internal/cli/eventstream"
)

func upTo(n uint64) (seqs []uint64) {
	for seq := range n {
		seqs = append(seqs, seq+1)
	}
	return seqs
}

func TestFollowsFromTheBeginningAndLive(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		h := newHub(t)
		h.publish("a", "b")
		f := follow(t, h, Config{Transport: transport, Since: "0", Types: []string{"a", "b", "c"}})
		synctest.Wait()
		h.publish("c")
		synctest.Wait()
		if diff := cmp.Diff([]string{"connected", "event 1", "event 2", "event 3"}, f.log); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
		if got := h.requested()[0]; got.since != "0" || got.types != "a,b,c" || got.token != "token-1" {
			t.Errorf("first request = %+v", got)
		}
		f.stop()
		if !errors.Is(f.err, context.Canceled) {
			t.Errorf("Run returned %v after the caller went away", f.err)
		}
	})
}

func TestLatestMissesNothingAfterTheFirstAnswer(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		// The connection breaks before it brings an event; one is published
		// while there is no connection.
		h := newHub(t, turn{lifetime: time.Second}, turn{status: 503, retryAfter: "30"})
		h.publish("old")
		f := follow(t, h, Config{Transport: transport})
		pass(10 * time.Second)
		h.publish("new")
		pass(30 * time.Second)
		if diff := cmp.Diff([]uint64{2}, f.seqs); diff != "" {
			t.Errorf("seqs (-want +got):\n%s", diff)
		}
		if requests := h.requested(); requests[0].since != "latest" || requests[1].since != "k7q2-1" {
			t.Errorf("requests = %+v, want since=latest only in the first", requests)
		}
	})
}

func TestResumesWithoutLossOrDuplicate(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		var turns []turn
		for i := range 20 {
			turns = append(turns, turn{dropAfter: i%4 + 1, overlap: uint64(i % 3)})
		}
		h := newHub(t, turns...)
		f := follow(t, h, Config{Transport: transport, Since: "0"})
		for range 60 {
			h.publish("x")
			pass(time.Second)
		}
		pass(time.Hour) // the connections are short, so the pauses grow
		if diff := cmp.Diff(upTo(60), f.seqs); diff != "" {
			t.Errorf("seqs (-want +got):\n%s", diff)
		}
	})
}

func TestRandomisedBreaksLoseNothing(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		random := rand.New(rand.NewPCG(1, uint64(len(transport))))
		var turns []turn
		for range 200 {
			now := turn{overlap: random.Uint64N(4)}
			switch random.IntN(6) {
			case 0:
				now.status, now.retryAfter = 503, "1"
			case 1:
				now.dropAfter = random.IntN(5) + 1
			case 2:
				now.lifetime = time.Duration(random.Int64N(int64(20 * time.Second)))
			case 3:
				now.dropAfter, now.closing = random.IntN(5)+1, `{"type":"hubline.closing","data":{"reason":"drain","retryAfterMs":700}}`
			case 4:
				now.silent = true
			}
			turns = append(turns, now)
		}
		h := newHub(t, turns...)
		f := follow(t, h, Config{Transport: transport, Since: "0"})
		for range 500 {
			for range random.IntN(4) {
				h.publish("x")
			}
			pass(time.Duration(random.Int64N(int64(5 * time.Second))))
		}
		h.publish("last")
		h.mu.Lock()
		h.turns = nil
		want := upTo(uint64(len(h.events)))
		h.mu.Unlock()
		pass(10 * time.Minute)
		if diff := cmp.Diff(want, f.seqs); diff != "" {
			t.Errorf("seqs (-want +got):\n%s", diff)
		}
	})
}

func TestGapIsAnnouncedBeforeTheNextEvent(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		h := newHub(t)
		h.publish("a", "b", "c", "d", "e")
		h.oldest = 4
		f := follow(t, h, Config{Transport: transport, Since: "k7q2-1"})
		synctest.Wait()
		if diff := cmp.Diff([]string{"connected", "gap 2-3 evicted", "event 4", "event 5"}, f.log); diff != "" {
			t.Errorf("heard (-want +got):\n%s", diff)
		}
	})
}

func TestNewEpochIsNotTakenForDuplicates(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		h := newHub(t)
		h.publish("a", "b", "c")
		f := follow(t, h, Config{Transport: transport, Since: "0"})
		pass(time.Second)
		h.restart("new-epoch", "x", "y")
		pass(time.Minute)
		if diff := cmp.Diff([]uint64{1, 2, 3, 1, 2}, f.seqs); diff != "" {
			t.Errorf("seqs (-want +got):\n%s", diff)
		}
		if got := strings.Join(f.log, ", "); !strings.Contains(got, "gap 1-2 epoch, event 1, event 2") {
			t.Errorf("heard %s", got)
		}
	})
}

func TestCursorMovesWithoutEvents(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		h := newHub(t, turn{idle: true, lifetime: 40 * time.Second}, turn{idle: true, lifetime: 40 * time.Second})
		h.publish("filtered", "filtered")
		follow(t, h, Config{Transport: transport, Since: "0", Types: []string{"other"}})
		pass(2 * time.Minute)
		requests := h.requested()
		if got := requests[len(requests)-1].since; got != "k7q2-2" {
			t.Errorf("last request asks since %s, want k7q2-2", got)
		}
	})
}

func TestReplayedEventsComeAgainAndMoveNothing(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		again := `{"id":"id-1","seq":1,"cursor":"k7q2-1","type":"a","ts":1,"replayed":true,"data":1}`
		h := newHub(t, turn{extra: []string{again, again}, dropAfter: 1})
		h.publish("a", "b", "c")
		f := follow(t, h, Config{Transport: transport, Since: "2"})
		pass(time.Minute)
		if diff := cmp.Diff([]uint64{1, 1, 3}, f.seqs); diff != "" {
			t.Errorf("seqs (-want +got):\n%s", diff)
		}
	})
}

func TestTooLongEventEnds(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		for size, want := range map[int]error{700: nil, 2000: eventstream.ErrTooLong} {
			h := newHub(t)
			h.publish(strings.Repeat("x", size))
			f := follow(t, h, Config{Transport: transport, Since: "0", MaxEventBytes: 1000})
			pass(time.Second)
			f.stop()
			if want == nil && len(f.seqs) != 1 || want != nil && !errors.Is(f.err, want) {
				t.Errorf("event of %d bytes: %v, %v", size, f.seqs, f.err)
			}
		}
	})
}

// An answer may be too large as a whole although no event is.
func TestTooLargePollIsAskedForInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		for range 3 {
			h.publish(strings.Repeat("x", 5<<10))
		}
		f := follow(t, h, Config{Transport: LongPoll, Since: "0", MaxEventBytes: 6 << 10, MaxAnswerBytes: 12 << 10})
		pass(10 * time.Second)
		if diff := cmp.Diff(upTo(3), f.seqs); diff != "" {
			t.Errorf("seqs (-want +got):\n%s", diff)
		}
	})
}

func TestHandlerErrorEnds(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		h := newHub(t)
		h.publish("a")
		want := errors.New("disk full")
		err := Run(t.Context(), Config{
			Server: "http://127.0.0.1", Dial: h.dial, Transport: transport, Since: "0",
			Token: func(context.Context) (string, error) { return "t", nil },
		}, Handler{Event: func(Event) error { return want }})
		if !errors.Is(err, want) || err.Error() != want.Error() {
			t.Errorf("Run returned %v, want %v", err, want)
		}
	})
}

func TestAnotherServersPageIsExplained(t *testing.T) {
	each(t, func(t *testing.T, transport Transport) {
		h := newHub(t, turn{body: "<html>hello"})
		f := follow(t, h, Config{Transport: transport})
		pass(time.Minute)
		if !strings.Contains(f.log[0], "another server") && !strings.Contains(f.log[0], "is --server right") {
			t.Errorf("heard %q", f.log)
		}
	})
}

func TestUnknownTransport(t *testing.T) {
	err := Run(t.Context(), Config{Transport: "fax", Token: func(context.Context) (string, error) { return "", nil }}, Handler{})
	if !errors.Is(err, errUnknownTransport) {
		t.Errorf("Run returned %v", err)
	}
}

func TestParseCursor(t *testing.T) {
	for _, tt := range []struct {
		cursor, epoch string
		seq           uint64
		ok            bool
	}{
		{"k7q2-57", "k7q2", 57, true},
		{"a-b-1", "a-b", 1, true},
		{"k-18446744073709551615", "k", 18446744073709551615, true},
		{"k-18446744073709551616", "", 0, false},
		{"57", "", 0, false},
		{"-57", "", 0, false},
		{"k-", "", 0, false},
		{"k-+5", "", 0, false},
		{"", "", 0, false},
	} {
		epoch, seq, err := parseCursor(tt.cursor)
		if epoch != tt.epoch || seq != tt.seq || (err == nil) != tt.ok {
			t.Errorf("parseCursor(%q) = %q, %d, %v", tt.cursor, epoch, seq, err)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"seq":1,"cursor":"k-1","type":"a","data":1}`))
	f.Add([]byte(`{"type":"hubline.closing","data":{"reason":"drain","retryAfterMs":-1}}`))
	f.Add([]byte(`{"type":"hubline.gap","data":{"from":1,"to":2,"reason":"evicted"}}`))
	f.Add([]byte(`{"type":"hubline.ready","data":null}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		s := &subscriber{position: position{since: "latest"}}
		_ = s.message(message)
		if s.closing != nil {
			if pause := s.pause(nil); pause < 0 || pause > maxPause {
				t.Errorf("pause of %v", pause)
			}
		}
	})
}
