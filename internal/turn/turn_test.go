package turn_test

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"hubline/internal/turn"
)

// Whoever waits for a descriptor that is readable goes first, though the goroutine
// that steps back never stops being ready to run.
func TestTheNetworkGoesFirst(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	tn := turn.New()
	defer tn.Close()
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	r := os.NewFile(uintptr(fds[0]), "r") //nolint:gosec // a descriptor is small
	defer func() { _, _ = r.Close(), syscall.Close(fds[1]) }()
	const n = 200
	var read atomic.Int64
	done := make(chan error, 1)
	go func() { // ends with the last byte
		for b := make([]byte, 1); read.Load() < n; read.Add(1) {
			if _, err := r.Read(b); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	late := 0
	for i := range int64(n) {
		if _, err := syscall.Write(fds[1], []byte{0}); err != nil { // without giving up the processor
			t.Fatal(err)
		}
		// It may come back with the other, in either order. More are needed only when
		// the runtime's monitor has looked at the network by itself.
		for waits := 0; read.Load() == i && len(done) == 0; waits++ {
			tn.Wait()
			if waits == 2 {
				late++
			}
		}
	}
	if err := <-done; err != nil || late > n/4 {
		t.Errorf("the other went first but for %d times of %d: %v", late, n, err)
	}
}

func TestAClosedTurnReturns(t *testing.T) {
	tn := turn.New()
	tn.Wait()
	tn.Close()
	tn.Wait()
	tn.Close()
}

func BenchmarkTurn(b *testing.B) {
	tn := turn.New()
	defer tn.Close()
	b.ReportAllocs()
	for b.Loop() {
		tn.Wait()
	}
}
