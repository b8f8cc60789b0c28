package app

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"hubline/internal/config"
)

const mib = 1 << 20

func TestPercentGivesHeadroomToSmallServersOnly(t *testing.T) {
	for _, tt := range []struct {
		live, headroom uint64
		want           int
	}{
		{0, 64 * mib, 1600},
		{4 * mib, 64 * mib, 1600},
		{12 * mib, 64 * mib, 500},
		{64 * mib, 64 * mib, 100},
		{1 << 30, 64 * mib, 100},
		{0, 8 * mib, 200},
		{3 * mib, 8 * mib, 200},
		{5 * mib, 8 * mib, 150},
		{5 * mib, 0, 100},
	} {
		if got := percent(tt.live, tt.headroom); got != tt.want {
			t.Errorf("percent(%d MiB, %d MiB) = %d, want %d", tt.live/mib, tt.headroom/mib, got, tt.want)
		}
	}
}

// recorded makes a pacer that notes what it would set.
func recorded(t *testing.T, logs uint64) (*pacer, *[]int) {
	t.Helper()
	p := newPacer(logs)
	p.off = false
	p.percent = 0 // whatever comes is news
	var set []int
	p.set = func(percent int) int { set = append(set, percent); return 0 }
	return p, &set
}

func last(set []int) int {
	if len(set) == 0 {
		return 0
	}
	return set[len(set)-1]
}

func TestPacerIsFrugalWhileSocketsArrive(t *testing.T) {
	t.Setenv("GOGC", "100") // the test's own heap is left alone
	p, set := recorded(t, 256*mib)
	small := usage{live: 2 * mib}

	p.look(small, 0)
	if got := last(*set); got != 800 {
		t.Fatalf("at rest %d percent, want 800", got)
	}
	for open := int64(1); open < waveFloor; open++ {
		p.arrived(open)
	}
	if n := len(*set); n != 1 {
		t.Fatalf("%d sockets changed something: %v", waveFloor-1, *set)
	}
	for open := int64(waveFloor); open < 1000; open++ {
		p.arrived(open)
	}
	if n, got := len(*set), last(*set); n != 2 || got != 200 {
		t.Fatalf("in a wave it was set %v, want 200 once", *set)
	}
	p.look(small, 1000)
	if got := last(*set); got != 200 {
		t.Errorf("%d percent at the first look after a wave began, want 200", got)
	}
	p.look(small, 1000)
	if got := last(*set); got != 800 {
		t.Errorf("%d percent when no more came, want 800", got)
	}
	p.arrived(1000 + 1000/waveShare + waveFloor - 1)
	if got := last(*set); got != 800 {
		t.Errorf("%d percent after an eighth more sockets, want 800", got)
	}
	p.arrived(1000 + 1000/waveShare + waveFloor)
	if got := last(*set); got != 200 {
		t.Errorf("%d percent in the second wave, want 200", got)
	}
	p.look(usage{live: 8 * mib}, 2000)
	if got := last(*set); got != 100 {
		t.Errorf("%d percent in a wave with 8 MiB alive, want 100", got)
	}
}

func TestPacerGivesNoMoreThanAnEighthOfTheLogs(t *testing.T) {
	t.Setenv("GOGC", "100")
	p, set := recorded(t, 64*mib)
	p.look(usage{live: mib}, 0)
	if got := last(*set); got != 200 {
		t.Errorf("%d percent, want 200: 8 MiB", got)
	}
}

func TestPacerLeavesTheOperatorsChoiceAlone(t *testing.T) {
	t.Setenv("GOGC", "77")
	p := newPacer(256 * mib)
	p.set = func(percent int) int { t.Errorf("set to %d", percent); return 0 }
	p.look(usage{live: 1}, 0)
	p.arrived(1000)
	p.look(usage{live: 1}, 10_000)
}

func TestNobodyPacesAGuest(*testing.T) {
	var p *pacer
	p.arrived(1 << 20)
}

func TestAcceptedSocketsAreToldToThePacer(t *testing.T) {
	t.Setenv("GOGC", "100")
	p, set := recorded(t, 256*mib)
	p.look(usage{live: mib}, 0)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newSockets(ln, 2*waveFloor, time.Hour)
	l.pace = p
	defer func() { _ = l.Close() }()
	for range waveFloor {
		dial(t, ln.Addr().String())
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = nc.Close() }()
	}
	if got := last(*set); got != 200 {
		t.Errorf("%d percent after %d sockets, want 200", got, waveFloor)
	}
}

// A server that is built has a pacer, and looks while it serves: the percentage of a
// wave is taken back.
func TestAServerPacesTheCollector(t *testing.T) {
	t.Setenv("GOGC", "100")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Data = ""
	s, err := build(t.Context(), cfg, config.NewSecrets(), slog.New(slog.DiscardHandler), ln)
	if err != nil {
		t.Fatal(err)
	}
	p := s.ln.pace
	if p == nil {
		t.Fatal("no pacer")
	}
	looked := make(chan int, 1)
	p.mu.Lock()
	p.off, p.percent = false, 0
	p.set = func(percent int) int {
		select {
		case looked <- percent:
		default:
		}
		return 0
	}
	p.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx) }() // ends with ctx
	if percent := <-looked; percent < 100 {
		t.Errorf("%d percent", percent)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
