package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// unaware are clients that name no cursor: how they connect.
var unaware = map[string]func(ctx context.Context, o client.Options) (client.Stream, error){
	"ws": func(ctx context.Context, o client.Options) (client.Stream, error) {
		o.Since = "device"
		return client.DialWS(ctx, o)
	},
	"hub-ws": func(ctx context.Context, o client.Options) (client.Stream, error) { return client.DialHubWS(ctx, o) },
	"hub-poll": func(ctx context.Context, o client.Options) (client.Stream, error) {
		return client.DialHubPoll(ctx, o)
	},
}

// reading is a client that reads all the time, as an application does.
type reading struct {
	client.Stream

	events chan uint64 // seqs
	end    context.CancelFunc
	ended  chan struct{}
}

func read(t *testing.T, s *harness.Server, kind, token string) *reading {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience())
	defer cancel()
	c, err := unaware[kind](ctx, client.Options{URL: s.URL, Token: token})
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	r := &reading{Stream: c, events: make(chan uint64, 1000), ended: make(chan struct{})}
	ctx, r.end = context.WithCancel(t.Context())
	go func() { // ends with the stream, or with leave
		defer close(r.ended)
		for {
			m, err := c.Next(ctx)
			if err != nil {
				return
			}
			if m.Kind == client.Event {
				r.events <- m.Cursor.Seq
			}
		}
	}()
	t.Cleanup(r.leave)
	return r
}

// leave is how a network takes a client away.
func (r *reading) leave() {
	r.Abort()
	r.end()
	<-r.ended
}

// want takes events with the seqs from first to last.
func (r *reading) want(t *testing.T, first, last uint64) {
	t.Helper()
	late := time.After(harness.Patience())
	for seq := first; seq <= last; seq++ {
		select {
		case got := <-r.events:
			if got != seq {
				t.Fatalf("got seq %d, want %d", got, seq)
			}
		case <-late:
			t.Fatalf("seq %d does not come", seq)
		}
	}
}

// confirmed waits until the server knows that the device has everything.
func confirmed(t *testing.T, s *harness.Server, user, device string) {
	t.Helper()
	for end := time.Now().Add(harness.Patience()); ; {
		a := s.Do(http.MethodGet, "/api/v1/users/"+user+"/devices", s.APIKey, "")
		var got struct {
			Devices []struct {
				Device string
				Lag    *uint64
			}
		}
		if err := json.Unmarshal(a.Body, &got); err != nil {
			t.Fatalf("%s: %v", a.Body, err)
		}
		for _, d := range got.Devices {
			if d.Device == device && d.Lag != nil && *d.Lag == 0 {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%s has not confirmed everything: %s", device, a.Body)
		}
	}
}

// A client that names no cursor is away, the server is stopped, and killed: it gets
// exactly what it missed, as its token names a device.
func TestADeviceGetsExactlyWhatItMissed(t *testing.T) {
	t.Parallel()
	for kind := range unaware {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, "--ping-interval", "1s") // what is for others is asked about with it
			token := s.Token("alice", harness.Claims{"device": "phone"})
			next := s.PublishMany("alice", "t", 3).Seq + 1 // before the device is known
			for round, away := range []func(){
				func() {},
				s.Restart, // in order
				func() {
					await(t, s, 2.5) // cursors are written every second
					s.Kill()
					s.Restart()
				},
			} {
				c := read(t, s, kind, token)
				if round > 0 {
					c.want(t, next-2, next-1)
				}
				// One that is for others does not hold the cursor back.
				for _, e := range []harness.Event{{Type: "t"}, {Type: "t", Device: "tv"}} {
					s.PublishEvent("alice", e)
				}
				c.want(t, next, next)
				confirmed(t, s, "alice", "phone")
				c.leave()
				away()
				next = s.PublishMany("alice", "t", 2).Seq + 1
			}
			c := read(t, s, kind, token)
			c.want(t, next-2, next-1)
			next = s.PublishMany("alice", "t", 1).Seq + 1
			c.want(t, next-1, next-1)
			if n := len(c.events); n > 0 {
				t.Errorf("%d events too many", n)
			}
		})
	}
}

// A logout from before the token was made would end a session that began after it; what
// has expired is told of as a gap. Neither holds the device's cursor back.
func TestWhatIsStaleIsNotReplayedToADevice(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	device := func() string { return s.Token("alice", harness.Claims{"device": "phone"}) }
	const path = "/notifications/hub"
	shaken := func(token string) (poll string) {
		poll = hubConnection(t, s, path, token)
		s.Do(http.MethodGet, poll, token, "")
		s.Do(http.MethodPost, poll, token, `{"protocol":"json","version":1}`+"\x1e")
		return poll
	}
	old := device()
	poll := shaken(old)
	s.Do(http.MethodGet, poll, old, "")
	s.Do(http.MethodDelete, poll, old, "")

	s.PublishEvent("alice", harness.Event{Type: "11"})
	s.PublishEvent("alice", harness.Event{Type: "0", TTLSeconds: 0.5})
	s.PublishEvent("alice", harness.Event{Type: "1"})
	s.PublishEvent("alice", harness.Event{Type: "11"})
	await(t, s, 2)
	for _, tt := range []struct {
		token string
		want  string
	}{{old, "11 5 1 11"}, {device(), "5 1"}} {
		poll := shaken(tt.token)
		var types []string
		for n := len(strings.Fields(tt.want)); len(types) < n; {
			a := s.Do(http.MethodGet, poll, tt.token, "")
			for text := range strings.SplitSeq(string(a.Body), "\x1e") {
				var m struct{ Arguments []struct{ Type int } }
				if json.Unmarshal([]byte(text), &m) == nil && len(m.Arguments) > 0 {
					types = append(types, fmt.Sprint(m.Arguments[0].Type))
				}
			}
		}
		if got := strings.Join(types, " "); got != tt.want {
			t.Errorf("got updates of the types %s, want %s", got, tt.want)
		}
		s.Do(http.MethodDelete, poll, tt.token, "") // no poll has come behind the answer
	}
	token := device()
	poll = shaken(token)
	s.Do(http.MethodGet, poll, token, "")
	ctx, end := context.WithCancel(t.Context())
	defer end()
	go func() { // ends with the test
		for ctx.Err() == nil {
			_, _ = s.Request(ctx, http.MethodGet, poll, token, nil)
		}
	}()
	confirmed(t, s, "alice", "phone")
}
