package notify

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEventsAreWrittenAsTheAPIWantsThem(t *testing.T) {
	raw := json.RawMessage(` { "b" : 1.0,  "a":"<&>\u2028" , "b":2}`)
	tests := []struct {
		name string
		e    Event
		want string
	}{
		{"the least", Event{Type: "t", ID: "i"}, `{"type":"t","id":"i"}`},
		{"raw JSON", Event{Type: "t", ID: "i", Data: raw}, `{"type":"t","id":"i","data":` + string(raw) + `}`},
		{"no HTML", Event{Type: "t", ID: "i", Data: "<&>"}, `{"type":"t","id":"i","data":"<&>"}`},
		{"a nil pointer", Event{Type: "t", ID: "i", Data: (*int)(nil)}, `{"type":"t","id":"i","data":null}`},
		{"nil raw JSON", Event{Type: "t", ID: "i", Data: json.RawMessage(nil)}, `{"type":"t","id":"i","data":null}`},
		{"quotes", Event{Type: "a\"\\\n", ID: "ä"}, `{"type":"a\"\\\n","id":"ä"}`},
		{
			"everything",
			Event{Type: "t", ID: "i", Data: []int{1}, Arguments: []any{1, raw, nil}, Device: "d", ContextID: "c", TTL: 1500 * time.Millisecond},
			`{"type":"t","id":"i","device":"d","contextId":"c","ttlSeconds":1.5,"data":[1],"arguments":[1,` + string(raw) + `,null]}`,
		},
		{"no arguments", Event{Type: "t", ID: "i", Arguments: []any{}, ExceptDevice: "d"}, `{"type":"t","id":"i","exceptDevice":"d","arguments":[]}`},
		{"a nanosecond", Event{Type: "t", ID: "i", TTL: 1}, `{"type":"t","id":"i","ttlSeconds":0.000000001}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, id, err := tt.e.encode()
			if err != nil || id != tt.e.ID {
				t.Fatalf("id %q, error %v", id, err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is wrong with a call by itself is told without asking anybody.
func TestWrongCallsAreNotSent(t *testing.T) {
	n, f := newFake(t, Config{}, accepted)
	ctx := t.Context()
	send := func(user string, e Event) error { _, err := n.SendToUser(ctx, user, e); return err }
	ok := Event{Type: "t"}
	for name, err := range map[string]error{
		"no user":       send("", ok),
		"a long user":   send(strings.Repeat("u", 257), ok),
		"a broken user": send("\xff", ok),
		"no type":       send("ann", Event{}),
		"broken raw":    send("ann", Event{Type: "t", Data: json.RawMessage("{")}),
		"empty raw":     send("ann", Event{Type: "t", Data: json.RawMessage{}}),
		"infinite":      send("ann", Event{Type: "t", Data: math.Inf(1)}),
		"argument":      send("ann", Event{Type: "t", Arguments: []any{func() {}}}),
		"negative ttl":  send("ann", Event{Type: "t", TTL: -1}),
		"channel":       second(n.SendToChannel(ctx, "a b", ok)),
		"no channel":    second(n.AddMember(ctx, "", "ann")),
		"member":        second(n.RemoveMember(ctx, "c", "a\nb")),
		"device":        second(n.Disconnect(ctx, "ann", DisconnectOptions{Device: strings.Repeat("d", 129)})),
		"in and out":    second(n.Disconnect(ctx, "ann", DisconnectOptions{KeepOut: 1, LetIn: true})),
		"out for long":  second(n.Disconnect(ctx, "ann", DisconnectOptions{KeepOut: 25 * time.Hour})),
		"no tokens":     second(n.Revoke(ctx, Revocation{})),
		"too early":     second(n.Revoke(ctx, Revocation{IssuedBefore: time.Unix(-1, 0)})),
		"many, no type": second(n.SendToUsers(ctx, []string{"ann"}, Event{})),
		"no user's log": second(n.Events(ctx, "", EventsQuery{})),
		"no presence":   second(n.Presence(ctx, "")),
		"nobody's":      second(n.Channels(ctx, "")),
		"no broadcast":  second(n.Broadcast(ctx, Event{})),
		"broken members": func() (err error) {
			for _, err = range n.Members(ctx, "/") {
			}
			return err
		}(),
	} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if e, ok := errors.AsType[*Error](err); ok && (e.Attempts != 0 || e.Uncertain) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if f.requests() != 0 {
		t.Errorf("%d requests", f.requests())
	}
}

func second[T any](_ T, err error) error { return err }

func TestConfigIsValidated(t *testing.T) {
	good := Config{URL: "http://h", APIKey: "k"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	if _, err := New(Config{URL: "ftp://h", MaxAttempts: -1, MinBackoff: -1}); err == nil ||
		!strings.Contains(err.Error(), "URL") || !strings.Contains(err.Error(), "APIKey") ||
		!strings.Contains(err.Error(), "MaxAttempts") || !strings.Contains(err.Error(), "MinBackoff") {
		t.Errorf("err = %v, want all that is wrong", err)
	}
	for _, u := range []string{"", "h", "http://", "http://u:p@h", "http://h?q", "http://h#f", "http://h\x00"} {
		c := good
		if c.URL = u; c.Validate() == nil {
			t.Errorf("%q is taken for an address", u)
		}
	}
	bad := good
	bad.APIKey = "key\n"
	if err := bad.Validate(); err == nil || strings.Contains(err.Error(), "key\n") {
		t.Errorf("err = %v", err)
	}
}

// Foreign text does not break the line of a log.
func TestErrorsStandOnOneLine(t *testing.T) {
	n, _ := newFake(t, Config{}, reply(400, "application/problem+json", `{"type":"/b/problems/bad-request","title":"a\nb","detail":"c\u001b[2J\u2028d"}`))
	_, err := n.SendToUser(t.Context(), "ann", Event{Type: "t"})
	if got, want := err.Error(), "notify: SendToUser: a b: c [2J d (status 400)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if e, ok := errors.AsType[*Error](err); !ok || e.Problem() != "bad-request" {
		t.Errorf("%+v", err)
	}
}
