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

// What comes behind the last thing that the client is known to have read, and is not
// laid out, is not for it.
func TestWhatIsNotForTheClientIsSkipped(t *testing.T) {
	server := transports.NewServer(transports.Config{})
	defer server.Shutdown(t.Context(), 0)
	c := server.Open("scope", "user", "addr", nil, transports.LongPolling, false)
	s := &marked{Session: dialect.New(c)}
	c.Bind(s)
	k := NewConn(nil, c, Options{})
	c.Run(k)
	defer c.End(transports.ReasonDone)
	want := func(marks ...uint64) {
		t.Helper()
		if fmt.Sprint(s.read) != fmt.Sprint(marks) {
			t.Fatalf("read is %d, want %d", s.read, marks)
		}
	}
	p := NewPoll(nil, k)
	k.begin(p)
	s.put(2)
	k.Answer(p)
	k.skip()
	k.Written(p)
	s.laid = 5
	k.skip() // nothing is known of what it has read
	want()
	p = NewPoll(nil, k)
	k.begin(p)
	want(2)
	if _, ok := k.Answer(p); ok { // it waits, and has seen that there is nothing
		t.Fatal("an answer without anything")
	}
	k.skip()
	want(2, 5)
	k.skip()
	want(2, 5)
	s.laid = 7
	k.fill.Lock() // it is filled just now
	k.skip()
	k.fill.Unlock()
	want(2, 5)
	s.laid = 6
	s.put(1)
	k.mu.Lock()
	k.taken = append(k.taken, "m"...) // by a poll whose place another takes
	k.mu.Unlock()
	k.skip()
	want(2, 5)
	k.Answer(p) // carries 7
	s.laid = 8
	k.skip()
	want(2, 5)
}
