package longpoll

import (
	"fmt"
	"strings"
	"testing"

	"hubline/transports"
	"hubline/transports/xtest/dialect"
)

// marked is a session whose mark is the number of messages laid out.
type marked struct {
	*dialect.Session
	laid uint64
	read []uint64
}

func (s *marked) put(n uint64) {
	s.laid += n
	s.Push(strings.Repeat("m", int(n))) //nolint:gosec // small
}

func (s *marked) Laid() (uint64, bool) { return s.laid, s.laid > 0 }
func (s *marked) Read(mark uint64)     { s.read = append(s.read, mark) }

// An answer is read when a poll has come behind it, and it was written, and so were all
// before it.
func TestTheNextPollConfirmsTheAnswer(t *testing.T) {
	server := transports.NewServer(transports.Config{})
	defer server.Shutdown(t.Context(), 0)
	c := server.Open("scope", "user", "addr", nil, transports.LongPolling, false)
	s := &marked{Session: dialect.New(c)}
	c.Bind(s)
	k := NewConn(nil, c, Options{})
	c.Run(k)
	defer c.End(transports.ReasonDone)
	begin := func() *Poll {
		p := NewPoll(nil, k)
		k.begin(p)
		return p
	}
	answer := func(p *Poll, want string) {
		t.Helper()
		if a, ok := k.Answer(p); !ok || string(a.Body) != want {
			t.Fatalf("the answer is %q, %v, want %q", a.Body, ok, want)
		}
	}
	want := func(marks ...uint64) {
		t.Helper()
		if fmt.Sprint(s.read) != fmt.Sprint(marks) {
			t.Fatalf("read is %d, want %d", s.read, marks)
		}
	}

	first := begin()
	s.put(2)
	answer(first, "mm")
	want()
	k.Written(first)
	want()
	s.put(1) // waits: no answer has carried it
	second := begin()
	want(2)
	answer(second, "m")

	third := begin() // before the writing of the second is known to be done
	want(2)
	k.Written(second)
	want(2, 3)

	// What a poll took whose place another has taken is not yet on its way.
	s.put(1)
	fourth := begin()
	answer(third, "")
	k.Written(third)
	answer(fourth, "m")
	fifth := begin() // the fourth is being written
	s.put(1)
	answer(fifth, "m")
	k.Written(fifth)
	sixth := begin()
	want(2, 3)
	k.Lost(fourth, transports.ReasonLost)
	k.Written(sixth)
	begin()
	want(2, 3)
}
