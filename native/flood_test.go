package native

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"hubline/replay"
	"hubline/transports"
)

// A client that asks and does not read is given up when too many answers, or
// too many bytes of them, wait.
func TestUnreadAnswersAreBounded(t *testing.T) {
	for _, tt := range []struct {
		name, ref string
		room      int
	}{
		{"answers", "r", maxNotices},
		// Every < becomes six bytes.
		{"bytes", strings.Repeat("<", maxRefBytes), maxNoticeBytes / len(noChannels(strings.Repeat(`\u003c`, maxRefBytes)))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := newFixture(t).dial(ws, Options{Control: true})
				p.take()
				p.stalled.Lock()
				synctest.Wait()
				request := []byte(`{"type":"subscribe","ref":"` + tt.ref + `"}`)
				for i := range tt.room {
					if err := p.s.Receive(request, true); err != nil {
						t.Fatalf("answer %d: %v", i+1, err)
					}
				}
				if err := p.s.Receive(request, true); !errors.Is(err, errFlood) {
					t.Errorf("one more: %v", err)
				}
				p.stalled.Unlock()
				got := p.take()
				if n := len(got); n != tt.room+1 || !strings.HasPrefix(got[n-1], `{"type":"hubline.closing","data":{"reason":"slow"`) {
					t.Errorf("%d messages, the last %s", n, got[n-1])
				}
				p.wantEnd(transports.ReasonSlow)
			})
		})
	}
}

// After reading, there is room again.
func TestReadAnswersMakeRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newFixture(t).dial(ws, Options{})
		for range 3 * maxNotices {
			p.send(`{"type":"subscribe","ref":"r"}`)
			p.want(noChannels("r"))
		}
	})
}

// FuzzReceive: whatever a client sends, in whatever pieces, nothing breaks, the
// answers are the same, and what is kept is bounded.
func FuzzReceive(f *testing.F) {
	f.Add([]byte(pingText), 3)
	f.Add([]byte(`{"type":"ack","cursor":"k7q2-57"}`), 1)
	f.Add([]byte(`{"type":"subscribe","channel":"c","ref":"a"}`), 100)
	f.Add([]byte(`{"type":"ack","cursor":18446744073709551616}`), 7)
	f.Add([]byte(strings.Repeat(`[`, 300)), 50)
	cfg := Config{MaxMessageBytes: 256}.WithDefaults()
	fx := &fixture{t: f, b: newFixture(f).b}
	fx.publishN(60)
	f.Fuzz(func(t *testing.T, message []byte, size int) {
		size = max(1, size)
		answers := func(pieces bool) (got []string, ok bool) {
			rec := &recorder{}
			p := fx.pipe(ws)
			s, err := New(&cfg, fx.b, p, Options{User: "u", Device: "d"})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Closed(transports.ReasonLost)
			rest := message
			for pieces && len(rest) > size && err == nil {
				err = s.Receive(rest[:size], false)
				rest = rest[size:]
			}
			if err == nil {
				err = s.Receive(rest, true)
			}
			if len(s.in) > 0 {
				t.Errorf("%d bytes are kept after the message", len(s.in))
			}
			s.Fill(transports.NewBatch(rec))
			return rec.got, err == nil
		}
		whole, ok := answers(false)
		parts, okParts := answers(true)
		if ok != okParts || ok != (len(message) <= cfg.MaxMessageBytes) || fmt.Sprint(whole) != fmt.Sprint(parts) {
			t.Errorf("whole: %v %q, in pieces: %v %q", ok, whole, okParts, parts)
		}
		st := fx.b.Store().State("u")
		if c, saved := fx.b.DeviceCursor("u", "d"); saved && (c.Epoch != st.Epoch || c.Seq > st.Head) {
			t.Errorf("saved %v", replay.Cursor(c))
		}
	})
}
