package check

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"hubline/test/internal/client"
)

// scene is a run in which every promise was kept; tests break one and look whether
// it is noticed.
type scene struct {
	truth   Truth
	clients []Client
}

// at is the cursor of a seq in the scene's epoch.
func at(seq uint64) client.Cursor { return client.Cursor{Epoch: "e1", Seq: seq} }

func published(user string, seq uint64) Event {
	return Event{
		ID: fmt.Sprint(user, seq), Type: "t", Data: fmt.Sprint(seq), User: user, Cursor: at(seq),
		Start: time.Duration(seq) * 10, End: time.Duration(seq)*10 + 15,
	}
}

func connect(since string) Step {
	return Step{Connected: &Connected{Transport: "sse", Since: since}}
}

func ready(cursor client.Cursor, head, oldest uint64, replayed int, recovered bool) Step {
	return Step{Message: client.Message{Kind: client.Ready, Cursor: cursor, Ready: client.Welcome{
		Cursor: cursor.String(), Head: head, Oldest: oldest, Replayed: replayed, Recovered: recovered,
	}}}
}

func received(user string, seq uint64) Step {
	return Step{Message: client.Message{
		Kind: client.Event, Cursor: at(seq), ID: fmt.Sprint(user, seq), Type: "t", Data: json.RawMessage(fmt.Sprint(seq)),
	}}
}

func gap(from, to uint64, reason string) Step {
	return Step{Message: client.Message{Kind: client.Gap, Gap: client.Missing{From: from, To: to, Reason: reason}}}
}

func polled(since string) Step {
	return Step{Connected: &Connected{Transport: Poll, Since: since}}
}

// begun is a gap with which the first answer to a poll begins.
func begun(from, to uint64) Step {
	s := gap(from, to, "limit")
	s.Message.Cursor = at(to)
	return s
}

func moved(seq uint64) Step {
	return Step{Message: client.Message{Kind: client.Move, Cursor: at(seq)}}
}

// good is 30 events of one user, of which six are kept, and a client that begins at
// the beginning, is away for too long once, polls once, and is recovered once.
func good() *scene {
	s := &scene{truth: Truth{Reasons: []string{"limit"}, LogEvents: 6}}
	for seq := range uint64(30) {
		s.truth.Events = append(s.truth.Events, published("u", seq+1))
	}
	c := Client{Name: "c", User: "u", Until: at(30)}
	add := func(steps ...Step) { c.Steps = append(c.Steps, steps...) }
	events := func(from, to uint64) {
		for seq := from; seq <= to; seq++ {
			add(received("u", seq))
		}
	}
	add(connect("0"), ready(at(0), 5, 1, 5, true))
	events(1, 12)
	add(connect("e1-12"), ready(at(12), 20, 15, 6, false), gap(13, 14, "limit"))
	events(15, 25)
	add(connect("e1-25"))
	events(26, 28)
	add(moved(28), connect("e1-28"), ready(at(28), 30, 25, 2, true))
	events(29, 30)
	s.clients = []Client{c}
	return s
}

// find returns the index of the step that has the event.
func (s *scene) find(seq uint64) int {
	return slices.IndexFunc(s.clients[0].Steps, func(p Step) bool {
		return p.Message.Kind == client.Event && p.Message.Cursor.Seq == seq
	})
}

// of returns the n-th step of a kind of message.
func (s *scene) of(k client.Kind, n int) *client.Message {
	for i := range s.clients[0].Steps {
		if m := &s.clients[0].Steps[i].Message; m.Kind == k {
			if n == 0 {
				return m
			}
			n--
		}
	}
	panic("no such step")
}

func (s *scene) drop(i int) { s.clients[0].Steps = slices.Delete(s.clients[0].Steps, i, i+1) }

func (s *scene) insert(i int, p ...Step) {
	s.clients[0].Steps = slices.Insert(s.clients[0].Steps, i, p...)
}

func (s *scene) check() []Violation { return Check(s.truth, s.clients) }

func TestGoodRunHasNoViolation(t *testing.T) {
	for _, v := range good().check() {
		t.Error(v)
	}
}

func TestEveryViolationIsNoticed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*scene)
		want  Kind
	}{
		{"an event is lost", func(s *scene) { s.drop(s.find(7)) }, SilentGap},
		{"an event is lost in a replay", func(s *scene) { s.drop(s.find(16)) }, SilentGap},
		{"an event is lost in a poll", func(s *scene) { s.drop(s.find(27)) }, SilentGap},
		{"the first event is lost", func(s *scene) { s.drop(s.find(1)) }, SilentGap},
		{"the last event of a poll is lost", func(s *scene) { s.drop(s.find(28)) }, SilentGap},
		{"an event between replay and live is lost", func(s *scene) { s.drop(s.find(6)) }, SilentGap},
		{"the end is lost", func(s *scene) { s.drop(s.find(30)) }, Lost},
		{"nothing was received", func(s *scene) { s.clients[0].Steps = nil }, Lost},
		{"an event comes twice", func(s *scene) { s.insert(s.find(8), received("u", 8)) }, Duplicate},
		{"a replayed event comes again live", func(s *scene) { s.insert(s.find(6), received("u", 5)) }, Duplicate},
		{"an event comes again much later", func(s *scene) { s.insert(s.find(20), received("u", 16)) }, Swapped},
		{"two events are swapped", func(s *scene) {
			i, steps := s.find(9), s.clients[0].Steps
			steps[i], steps[i+1] = steps[i+1], steps[i]
		}, Swapped},
		{"a gap is not announced", func(s *scene) { s.drop(s.find(15) - 1) }, SilentGap},
		{"recovered, then a gap", func(s *scene) { s.of(client.Ready, 1).Ready.Recovered = true }, FalseRecovered},
		{"recovered, and the gap is silent", func(s *scene) {
			s.of(client.Ready, 1).Ready.Recovered = true
			s.drop(s.find(15) - 1)
		}, FalseRecovered},
		{"recovered from all, but the oldest are gone", func(s *scene) {
			c := &s.clients[0]
			c.Steps = append(c.Steps, connect("0"), ready(at(24), 30, 25, 6, true))
			for seq := uint64(25); seq <= 30; seq++ {
				c.Steps = append(c.Steps, received("u", seq))
			}
		}, FalseRecovered},
		{"not recovered, though nothing is missing", func(s *scene) { s.of(client.Ready, 2).Ready.Recovered = false }, FalseLoss},
		{"a gap begins late", func(s *scene) { s.of(client.Gap, 0).Gap.From++ }, GapRange},
		{"a gap begins early", func(s *scene) { s.of(client.Gap, 0).Gap.From-- }, GapRange},
		{"a gap ends late", func(s *scene) { s.of(client.Gap, 0).Gap.To++ }, GapRange},
		{"a gap ends early", func(s *scene) { s.of(client.Gap, 0).Gap.To-- }, GapRange},
		{"a gap over what is kept", func(s *scene) { s.insert(s.find(29), gap(29, 29, "limit")) }, GapRange},
		{"a gap of a reason that cannot be", func(s *scene) { s.of(client.Gap, 0).Gap.Reason = "ahead" }, GapReason},
		{"a gap where none may be", func(s *scene) { s.truth.Reasons = nil }, GapReason},
		{"another's payload", func(s *scene) { s.clients[0].Steps[s.find(10)].Message.Data = json.RawMessage("11") }, Altered},
		{"another white space in a payload", func(s *scene) { s.clients[0].Steps[s.find(10)].Message.Data = json.RawMessage("10 ") }, Altered},
		{"another id", func(s *scene) { s.clients[0].Steps[s.find(10)].Message.ID = "u11" }, Altered},
		{"an event of another user", func(s *scene) {
			s.truth.Events = append(s.truth.Events, published("v", 1))
			s.clients[0].Steps[s.find(10)] = received("v", 10)
		}, Altered},
		{"an event from nowhere", func(s *scene) { s.clients[0].Steps = append(s.clients[0].Steps, received("u", 31)) }, Unpublished},
		{"an event of another type", func(s *scene) { s.clients[0].Types = []string{"x"} }, Unwanted},
		{"an event for another device", func(s *scene) { s.truth.Events[9].Device = "d" }, Unwanted},
		{"a cursor moves over an event", func(s *scene) { s.insert(s.find(10), moved(10)) }, SilentGap},
		{"a cursor moves back", func(s *scene) { s.insert(s.find(10), moved(5)) }, Swapped},
		{"the epoch changes silently", func(s *scene) {
			for i := s.find(29); i < len(s.clients[0].Steps); i++ {
				s.clients[0].Steps[i].Message.Cursor.Epoch = "e2"
			}
		}, SilentGap},
		{"replayed is too high", func(s *scene) { s.of(client.Ready, 0).Ready.Replayed++ }, Miscounted},
		{"oldest is too low", func(s *scene) { s.of(client.Ready, 1).Ready.Oldest-- }, Miscounted},
		{"ready names another cursor", func(s *scene) {
			m := s.of(client.Ready, 2)
			m.Cursor, m.Ready.Cursor = at(29), at(29).String()
		}, Miscounted},
		{"two receipts for one seq", func(s *scene) { s.truth.Events[4].Cursor = at(4) }, Reused},
		{"a seq without a receipt", func(s *scene) { s.truth.Events = slices.Delete(s.truth.Events, 4, 5) }, Hole},
		{"receipts against the order of publishing", func(s *scene) {
			e := s.truth.Events
			e[10].Start, e[10].End = 1000, 1010
		}, Inverted},
		{"a stream begins with a gap", func(s *scene) {
			c := &s.clients[0]
			c.Steps = append(c.Steps, connect("0"), begun(23, 24), moved(30))
		}, GapRange},
		{"a poll begins with a gap over what is kept", func(s *scene) {
			c := &s.clients[0]
			c.Steps = append(c.Steps, polled("0"), begun(29, 30))
		}, GapRange},
		{"a poll begins with a gap, and an event after it is lost", func(s *scene) {
			c := &s.clients[0]
			c.Steps = append(c.Steps, polled("0"), begun(23, 24), received("u", 26))
		}, SilentGap},
		{"a client that resumes ahead of itself", func(s *scene) {
			i := slices.IndexFunc(s.clients[0].Steps, func(p Step) bool { return p.Connected != nil && p.Connected.Since == "e1-12" })
			s.clients[0].Steps[i].Connected.Since = "e1-13"
		}, Impossible},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := good()
			tt.spoil(s)
			found := s.check()
			if !slices.ContainsFunc(found, func(v Violation) bool { return v.Kind == tt.want }) {
				t.Errorf("violations = %v, want one of %q", found, tt.want)
			}
		})
	}
}

func TestWhatIsAllowedIsNoViolation(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*scene)
	}{
		{"resuming from an older cursor repeats", func(s *scene) {
			s.insert(s.find(13+2), connect("e1-10"), ready(at(10), 20, 15, 6, false), gap(11, 14, "limit"))
		}},
		{"a filter leaves events out", func(s *scene) {
			s.truth.Events[6].Type = "x"
			s.clients[0].Types = []string{"t"}
			s.of(client.Ready, 0).Ready.Replayed = 5
			s.drop(s.find(7))
		}},
		{"an event for another device is left out", func(s *scene) {
			s.truth.Events[6].ExceptDevice = "d"
			s.clients[0].Device = "d"
			s.drop(s.find(7))
		}},
		{"a broadcast stands where a client saw it", func(s *scene) {
			s.truth.Events[6].Cursor, s.truth.Events[6].User = client.Cursor{}, ""
		}},
		{"a gap in the middle of a stream", func(s *scene) {
			for seq := uint64(16); seq <= 19; seq++ {
				s.drop(s.find(seq))
			}
			s.insert(s.find(20), gap(16, 19, "limit"))
		}},
		{"a first poll finds that what there was is pushed out", func(s *scene) {
			c := &s.clients[0]
			c.Steps = append(c.Steps, polled("0"), begun(23, 24))
			for seq := uint64(25); seq <= 30; seq++ {
				c.Steps = append(c.Steps, received("u", seq))
			}
			c.Steps = append(c.Steps, moved(30))
		}},
		{"an expired event", func(s *scene) {
			s.truth.Events[28].TTL = true
			s.truth.Reasons = append(s.truth.Reasons, "expired")
			s.truth.LogEvents = 0
			s.clients[0].Steps[s.find(29)] = gap(29, 29, "expired")
		}},
		{"a new epoch", func(s *scene) {
			s.truth.Reasons = append(s.truth.Reasons, "epoch")
			e := published("u", 1)
			e.ID, e.Cursor.Epoch = "new", "e2"
			s.truth.Events = append(s.truth.Events, e)
			s.clients[0].Until = e.Cursor
			m := received("u", 1)
			m.Message.ID, m.Message.Cursor.Epoch = "new", "e2"
			s.clients[0].Steps = append(s.clients[0].Steps,
				connect("e1-30"), ready(at(30), 1, 1, 1, false), gap(0, 0, "epoch"), m)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := good()
			tt.change(s)
			for _, v := range s.check() {
				t.Error(v)
			}
		})
	}
}

// Whatever message is taken away, doubled or swapped with the next: it is noticed,
// wherever in the run it stands.
func TestNoMessageCanBeTouched(t *testing.T) {
	isEvent := func(p Step) bool { return p.Message.Kind == client.Event }
	for i, step := range good().clients[0].Steps {
		if isEvent(step) {
			s := good()
			s.drop(i)
			if len(s.check()) == 0 {
				t.Errorf("the loss of step %d (%s) is not noticed", i, step.Message.Cursor)
			}
			s = good()
			s.insert(i, step)
			if len(s.check()) == 0 {
				t.Errorf("the doubling of step %d (%s) is not noticed", i, step.Message.Cursor)
			}
		}
		s := good()
		steps := s.clients[0].Steps
		if i+1 < len(steps) && (isEvent(step) || isEvent(steps[i+1])) {
			steps[i], steps[i+1] = steps[i+1], steps[i]
			if len(s.check()) == 0 {
				t.Errorf("steps %d and %d swapped are not noticed", i, i+1)
			}
		}
	}
}
