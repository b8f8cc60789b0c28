package progress

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	second = time.Second
	every  = 500 * time.Millisecond
	linger = 30 * time.Second
)

// publish starts a publisher to the server in a bubble.
func publish(s *server) *publisher {
	return newPublisher(Labels{User: "u", Type: "t", Operation: "backup-export", FileName: "f"}, every, linger, s.send)
}

func percent(p float64) State { return State{Percent: p, Measured: true} }

func wantSteps(t *testing.T, s *server, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.steps()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	if len(s.wrong) > 0 {
		t.Errorf("sent again with another body: %q", s.wrong)
	}
}

// after lets time go by, and what is due happen.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestEventsOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		begun := time.Now()
		p := publish(s)
		after(5 * time.Millisecond) // so that no update falls on the time of an event
		for i := range 100 {        // 10 ms apart
			p.update(percent(float64(i)))
			after(10 * time.Millisecond)
		}
		after(10 * second) // nothing is new
		p.update(percent(99))
		after(second)
		p.update(percent(99.5))
		synctest.Wait()
		p.finish(Outcome{})
		report := p.wait()
		wantSteps(t, s, "export_started", "export_running 49", "export_running 99", "export_running 99.5", "export_complete 100")
		if report.Published != 5 || report.Problem() != nil || report.Duplicates != 0 {
			t.Errorf("%+v", report)
		}
		var times []time.Duration
		for _, e := range s.log {
			times = append(times, e.at.Sub(begun))
		}
		want := []time.Duration{0, every, 2 * every, 12*second + 5*time.Millisecond, 12*second + 5*time.Millisecond}
		if diff := cmp.Diff(want, times); diff != "" {
			t.Errorf("times (-want +got):\n%s", diff)
		}
	})
}

func TestAFailedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		p := publish(s)
		p.update(percent(40))
		p.finish(Outcome{Status: 3, Reason: "exit status 3: disk full"})
		p.wait()
		wantSteps(t, s, "export_started", "export_failed 40")
		last := s.log[1].Data
		if !last.Done || last.OK || last.Error != "exit status 3: disk full" || *last.ExitStatus != 3 {
			t.Errorf("last = %+v", last)
		}
	})
}

// While the server is away, states replace each other and the first is kept.
func TestServerAwayAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.then = away
		p := publish(s)
		for i := range 60 {
			p.update(percent(float64(i)))
			after(second)
		}
		if n := len(s.tried()); n < 6 || n > 20 {
			t.Errorf("%d tries in a minute", n)
		}
		s.becomes(turn{})
		after(15 * second)
		p.finish(Outcome{})
		report := p.wait()
		wantSteps(t, s, "export_started", "export_running 59", "export_complete 100")
		if report.Published != 3 || report.Problem() != nil {
			t.Errorf("%+v", report)
		}
	})
}

// What was tried is tried again before what is newer: it may have arrived.
func TestALostAnswerIsNoDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := turn{lost: true}
		s := newServer(lost, away, turn{}, lost, lost, turn{}, lost)
		p := publish(s)
		after(5 * second)
		p.update(percent(10))
		synctest.Wait()
		p.update(percent(20))
		p.update(percent(30))
		after(5 * second)
		p.finish(Outcome{})
		report := p.wait()
		wantSteps(t, s, "export_started", "export_running 10", "export_running 30", "export_complete 100")
		if report.Published != 4 || report.Duplicates != 3 {
			t.Errorf("%+v", report)
		}
	})
}

func TestRefusalsThatPass(t *testing.T) {
	for _, status := range []int{429, 500, 502, 503, 507, 408, 425} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(turn{status: status, after: 7 * second}, turn{status: status, after: time.Hour}, turn{status: status})
			p := publish(s)
			after(2 * time.Minute)
			if len(s.tried()) != 4 {
				t.Fatalf("status %d: tries at %v", status, s.tried())
			}
			var pauses []time.Duration
			for i, at := range s.tried()[1:] {
				pauses = append(pauses, at.Sub(s.tried()[i]))
			}
			if pauses[0] != 7*second || pauses[1] != maxAsked || pauses[2] <= 0 || pauses[2] > 10*second {
				t.Errorf("status %d: pauses of %v", status, pauses)
			}
			p.finish(Outcome{})
			if report := p.wait(); report.Problem() != nil {
				t.Errorf("status %d: %+v", status, report)
			}
			wantSteps(t, s, "export_started", "export_complete 100")
		})
	}
}

// The end is tried at once, whatever the pause before had grown to, but not
// against the server's wish.
func TestTheEndIsTriedAtOnce(t *testing.T) {
	for _, tt := range []struct {
		turn turn
		want time.Duration // from the end to the next try
	}{
		{away, 0},
		{turn{status: 503}, 0},
		{turn{status: 503, after: 20 * second}, 20 * second},
		{turn{status: 429, after: 50 * second}, linger - lastCall},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(tt.turn)
			s.then = tt.turn
			p := publish(s)
			after(0)
			for len(s.tried()) < 10 && tt.want == 0 {
				after(second)
			}
			tries := len(s.tried())
			s.becomes(turn{})
			end := time.Now()
			p.finish(Outcome{})
			p.wait()
			if got := s.tried()[tries].Sub(end); got != tt.want {
				t.Errorf("%+v: tried %v after the end, want %v", tt.turn, got, tt.want)
			}
			wantSteps(t, s, "export_started", "export_complete 100")
		})
	}
}

func TestTheEndIsGivenUpInTime(t *testing.T) {
	hang := turn{answers: time.Hour}
	for _, tt := range []struct {
		name   string
		linger time.Duration
		then   turn
		most   time.Duration
		last   time.Duration // from the last try to the end of the time, at most
	}{
		{"away", linger, away, linger, lastCall},
		{"busy for longer than there is time", linger, turn{status: 503, after: maxAsked}, linger, lastCall},
		{"never answers", linger, hang, linger + lastGasp, tryTimeout + lastCall},
		{"away, no time", 0, away, 0, 0},
		{"never answers, no time", 0, hang, lastGasp, 0},
		{"away, little time", second, away, second, second / 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer()
			s.then = tt.then
			p := newPublisher(Labels{}, every, tt.linger, s.send)
			p.update(percent(1))
			end := time.Now()
			p.finish(Outcome{})
			report := p.wait()
			if took := time.Since(end); took > tt.most {
				t.Errorf("%s: given up after %v, want at most %v", tt.name, took, tt.most)
			}
			if got := end.Add(tt.linger).Sub(s.tried()[len(s.tried())-1]); got > tt.last {
				t.Errorf("%s: the last try was %v before the end of the time", tt.name, got)
			}
			if !report.First || !report.Last || report.Lost() != 2 || report.Problem() == nil {
				t.Errorf("%s: %+v", tt.name, report)
			}
		})
	}
}

// Nobody has to wait for a key that is wrong, but while the command runs it may
// be put right.
func TestRefusalsThatLast(t *testing.T) {
	for _, status := range []int{401, 403, 404, 0, 501} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer()
			refuse := turn{err: &Refused{Err: errors.New("no"), Status: status, RetryAfter: -1}}
			s.then = refuse
			p := publish(s)
			after(time.Minute)
			tries := len(s.tried())
			end := time.Now()
			p.finish(Outcome{})
			report := p.wait()
			if took := time.Since(end); took > 0 || len(s.tried()) != tries+1 || tries < 6 {
				t.Errorf("status %d: %v and %d tries after the end, %d before", status, took, len(s.tried())-tries, tries)
			}
			if err := report.Problem(); err == nil || err.Error() != "the start and the end of the command could not be published: no" {
				t.Errorf("problem = %v", err)
			}

			s = newServer(refuse, refuse)
			p = publish(s)
			after(10 * second)
			p.finish(Outcome{})
			if report := p.wait(); report.Problem() != nil {
				t.Errorf("status %d, put right: %+v", status, report)
			}
		})
	}
}

// An event that is refused for what it is does not keep the others back.
func TestAnEventThatIsRefused(t *testing.T) {
	for _, status := range []int{400, 413, 422} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(turn{}, turn{status: status}, turn{status: status})
			p := publish(s)
			for i := range 3 {
				p.update(percent(float64(i + 1)))
				after(second)
			}
			p.finish(Outcome{})
			report := p.wait()
			wantSteps(t, s, "export_started", "export_running 3", "export_complete 100")
			if err := report.Problem(); err == nil || !strings.HasPrefix(err.Error(), "2 steps of the command could not be published: status 4") {
				t.Errorf("problem = %v", err)
			}
			if len(s.tried()) != 5 {
				t.Errorf("%d tries", len(s.tried()))
			}
		})
	}
}

func TestASlowServerIsNotFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.then = turn{answers: 3 * second}
		p := publish(s)
		after(50 * time.Millisecond)
		for i := range 90 {
			p.update(percent(float64(i)))
			after(100 * time.Millisecond)
		}
		p.finish(Outcome{})
		p.wait()
		wantSteps(t, s, "export_started", "export_running 29", "export_running 59", "export_running 89", "export_complete 100")
	})
}

func TestAbandonedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(turn{}, away)
		s.then = turn{answers: time.Hour}
		p := publish(s)
		synctest.Wait()
		p.finish(Outcome{})
		after(5 * second)
		before := time.Now()
		p.abandon()
		report := p.wait()
		if time.Since(before) != 0 || report.First || !report.Last || report.Published != 1 || !errors.Is(report.Err, errAway) {
			t.Errorf("%v, %+v", time.Since(before), report)
		}
	})
}

// However much is new, no more than four events are held.
func TestWhatIsHeldIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.then = away
		p := publish(s)
		for i := range 10_000 {
			p.update(State{Detail: strings.Repeat("x", i%100)})
			after(100 * time.Millisecond)
		}
		if len(p.queue) > 1 {
			t.Errorf("%d events wait", len(p.queue))
		}
		p.finish(Outcome{})
		p.wait()
	})
}

func TestProblems(t *testing.T) {
	why := errors.New("why")
	for _, tt := range []struct {
		report Report
		want   string
	}{
		{Report{First: true, Err: why}, "the start of the command could not be published: why"},
		{Report{Between: 1, Err: why}, "1 step of the command could not be published: why"},
		{Report{First: true, Between: 2, Last: true}, "the start, 2 steps and the end of the command could not be published: there was no time for it"},
	} {
		if err := tt.report.Problem(); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}
