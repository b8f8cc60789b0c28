package native

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"hubline/replay"
	"hubline/transports"
)

// answer is the body of a poll's answer.
func answer(cursor, gap string, events ...string) string {
	if gap == "" {
		gap = "null"
	}
	return `{"events":[` + strings.Join(events, ",") + `],"cursor":"` + cursor + `","gap":` + gap + `}`
}

func gapJSON(from, to int, reason string) string {
	return fmt.Sprintf(`{"from":%d,"to":%d,"reason":"%s"}`, from, to, reason)
}

// Ten events are published, the newest eight kept.
func TestPollAnswersAtOnce(t *testing.T) {
	tests := []struct {
		since  string
		limit  int
		cursor string
		gap    string
		from   int // events from..to
		to     int
	}{
		{"0", 100, "E-10", "", 3, 10},
		{"0", 8, "E-10", "", 3, 10},
		{"0", 7, "E-9", "", 3, 9},
		{"0", 1, "E-3", "", 3, 3},
		{"0", 0, "E-3", "", 3, 3},
		{"E-9", 100, "E-10", "", 10, 10},
		{"E-2", 3, "E-5", "", 3, 5},
		{"E-1", 3, "E-5", gapJSON(2, 2, "limit"), 3, 5},
		{"other-1", 100, "E-10", gapJSON(0, 2, "epoch"), 3, 10},
		{"E-12", 100, "E-10", gapJSON(11, 12, "ahead"), 1, 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.since, " limit ", tt.limit), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				f.publishN(10)
				var events []string
				for n := tt.from; n <= tt.to; n++ {
					events = append(events, event(n, "t"))
				}
				p := f.poll(Options{Since: f.since(tt.since)}, tt.limit)
				p.want(answer(tt.cursor, tt.gap, events...))
				p.wantEnd(transports.ReasonDone)
			})
		})
	}
}

// Polls that follow one another's cursor get everything once, and each gap in
// its place. x is an event that has expired, a dot one that has not.
func TestPollsFollowOneAnother(t *testing.T) {
	tests := []struct {
		log, since string
		limit      int
		want       string // answers: [gap] events
	}{
		{"....", "0", 3, "1 2 3 | 4"},
		{".x.", "0", 9, "1 | [2-2] 3"},
		{".xx..x.", "0", 9, "1 | [2-3] 4 5 | [6-6] 7"},
		{"x.", "E-0", 9, "[1-1] 2"},
		{"xx.x.", "E-0", 9, "[1-2] 3 | [4-4] 5"},
		{".x", "0", 9, "1 | [2-2]"},
		{".x.", "E-1", 9, "[2-2] 3"},
		{".x.x.", "E-1", 1, "[2-2] 3 | [4-4] 5"},
		{"x", "E-0", 9, "[1-1]"},
	}
	for _, tt := range tests {
		t.Run(tt.log+" "+tt.since, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFixture(t)
				for i, c := range tt.log {
					ev := &replay.Event{ID: fmt.Sprint("id", i+1), Type: "t"}
					if c == 'x' {
						ev.Expires = time.Now().UnixMilli()
					}
					f.put(ev)
				}
				since := f.since(tt.since)
				var got []string
				for {
					p := f.poll(Options{Since: since}, tt.limit)
					p.take()
					p.mu.Lock()
					answered := p.reason != ""
					p.mu.Unlock()
					if !answered {
						p.Close(transports.ReasonLost)
						break
					}
					text, cursor := pollText(t, p)
					got = append(got, text)
					since = f.since(cursor)
				}
				if text := strings.Join(got, " | "); text != tt.want {
					t.Errorf("got %s, want %s", text, tt.want)
				}
			})
		})
	}
}

// pollText reads the answer that take has taken: the gap, the seqs, the cursor.
func pollText(t *testing.T, p *pipe) (text, cursor string) {
	t.Helper()
	var a struct {
		Events []struct{ Seq uint64 }
		Cursor string
		Gap    *Gap
	}
	if err := json.Unmarshal([]byte(p.last), &a); err != nil {
		t.Fatalf("%q: %v", p.last, err)
	}
	var parts []string
	if a.Gap != nil {
		parts = append(parts, fmt.Sprintf("[%d-%d]", a.Gap.From, a.Gap.To))
	}
	for _, ev := range a.Events {
		parts = append(parts, fmt.Sprint(ev.Seq))
	}
	return strings.Join(parts, " "), a.Cursor
}

// A second gap right behind the first, with no event between, is the next
// poll's: an answer has room for one.
func TestTwoGapsInARow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publishN(10)
		p := f.pipe(transports.LongPolling)
		s, err := NewPoll(f.b, p, Options{User: "u", Since: f.since("E-1")}, 100)
		if err != nil {
			t.Fatal(err)
		}
		f.publishN(3) // pushes out what was still there
		p.serve(s)
		p.want(answer("E-2", gapJSON(2, 2, "limit")))
		p = f.poll(Options{Since: f.since("E-2")}, 1)
		p.want(answer("E-6", gapJSON(3, 5, "limit"), event(6, "t")))
	})
}

func TestPollWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.publishN(2)
		p := f.poll(Options{Since: f.since("E-2"), Types: []string{"t"}}, 100)
		other := f.poll(Options{Types: []string{"none"}}, 100)
		p.want()
		f.publish("other")
		time.Sleep(time.Hour) // the carrier keeps the time
		p.want()
		f.publish("t")
		p.want(answer("E-4", "", event(4, "t")))
		p.wantEnd(transports.ReasonDone)
		// At the end of the wait: empty, and past what was not for it.
		other.want()
		other.Close(transports.ReasonDone)
		other.want(answer("E-4", ""))
	})
}

// A poll that found nothing in the log waits, and then is told of live events
// only up to what it takes.
func TestPollTakesNoMoreThanItAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		p := f.poll(Options{}, 2)
		p.take()
		p.stalled.Lock()
		f.publishN(5)
		p.stalled.Unlock()
		p.want(answer("E-2", "", event(1, "t"), event(2, "t")))
		p = f.poll(Options{Since: f.since("E-2")}, 2)
		p.want(answer("E-4", "", event(3, "t"), event(4, "t")))
	})
}

// A poll answers once, whatever comes later.
func TestPollAnswersOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFixture(t)
		p := f.pipe(transports.LongPolling)
		s, err := NewPoll(f.b, p, Options{User: "u"}, 100)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Closed(transports.ReasonDone)
		rec := &recorder{}
		b := transports.NewBatch(rec)
		if s.Fill(b); len(b.Buf) != 0 || len(rec.got) != 0 {
			t.Errorf("laid out %q", b.Buf)
		}
		f.publish("t")
		s.Fill(b)
		f.publish("t")
		s.Expire()
		s.Fill(b)
		if len(rec.got) != 1 {
			t.Errorf("answers %q", rec.got)
		}
		if err := s.Receive([]byte("x"), true); err != nil {
			t.Error(err)
		}
	})
}
