package transports

import (
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hubline/transports/xtest"
)

// round plays a round of n streams that took the time, of which some wait
// again, and returns how long the next one was put off.
func round(ws *Writers, n, repeats, messages int, took time.Duration) time.Duration {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.current = slices.Grow(ws.current[:0], n)[:n]
	ws.pos, ws.repeats, ws.messages = n, repeats, messages
	ws.started = time.Now().Add(-took)
	ws.queue = append(ws.queue[:0], &Stream{})
	before := time.Now()
	ws.nextRoundLocked()
	return time.Since(before)
}

func TestWritersPauseOnlyUnderRepeatedLoad(t *testing.T) {
	const n = 10 * pauseStreams
	tests := []struct {
		name       string
		n, repeats int
		took, want time.Duration
	}{
		{"load", n, n, 4 * time.Millisecond, 2 * time.Millisecond},
		{"just over half wait again", n, n/2 + 1, 4 * time.Millisecond, 2 * time.Millisecond},
		{"half wait again", n, n / 2, 4 * time.Millisecond, 0},
		{"none waits again", n, 0, 4 * time.Millisecond, 0},
		{"smallest load", pauseStreams, pauseStreams, time.Millisecond, time.Millisecond / 2},
		{"no load", pauseStreams - 1, pauseStreams, time.Millisecond, 0},
		{"long round", n, n, time.Second, pauseMax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := round(&Writers{}, tt.n, tt.repeats, 0, tt.took); got != tt.want {
					t.Errorf("paused %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// A pause after which there is hardly more to write is tried ever less often.
func TestWritersPauseLessWhenItBringsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws := &Writers{}
		const n = pauseStreams
		var gaps []int
		gap := 0
		for len(gaps) < 9 {
			if round(ws, n, n, n+n/2-1, time.Millisecond) > 0 {
				gaps = append(gaps, gap)
				gap = 0
			} else {
				gap++
			}
		}
		if want := []int{0, 1, 2, 4, 8, 16, 32, 64, 64}; !slices.Equal(gaps, want) {
			t.Errorf("rounds without a pause before each: %v, want %v", gaps, want)
		}
		// One that brought something is followed by another.
		for range 2 {
			if round(ws, n, n, n+n/2, time.Millisecond) == 0 {
				t.Error("a pause that pays is not repeated")
			}
		}
		if ws.backoff != 0 {
			t.Errorf("backoff = %d after a pause that paid", ws.backoff)
		}
	})
}

// While one writer pauses the others leave the queue alone, and nothing that
// comes meanwhile is forgotten.
func TestWritersServeWhatComesInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws := NewWriters()
		ws.mu.Lock()
		ws.current = make([]*Stream, pauseStreams)
		ws.pos, ws.repeats, ws.started = pauseStreams, pauseStreams, time.Now().Add(-time.Hour)
		ws.mu.Unlock()
		began := time.Now()
		var all sync.WaitGroup
		for range 3 {
			server, client := net.Pipe()
			st := NewStream(server, plainProtocol{}, ws, time.Minute)
			st.Start(&oneByOne{waiting: "abc"})
			st.Close(ReasonDone)
			all.Go(func() {
				var b [5]byte
				n := 0
				for {
					m, err := client.Read(b[n:])
					if n += m; err != nil {
						break
					}
				}
				if string(b[:n]) != "abc." {
					t.Errorf("client got %q", b[:n])
				}
			})
			time.Sleep(time.Millisecond)
		}
		all.Wait()
		if got := time.Since(began); got < pauseMax {
			t.Errorf("all was written after %v: there was no pause", got)
		}
		ws.Close()
	})
}

// A lone event is not held back, however often one comes.
func TestWritersHoldBackNoLoneEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws := NewWriters()
		server, client := net.Pipe()
		st := NewStream(server, plainProtocol{}, ws, time.Minute)
		s := &oneByOne{}
		st.Start(s)
		began := time.Now()
		for range 1000 {
			synctest.Wait()
			s.waiting = "x"
			st.Wake()
			var b [1]byte
			_, _ = client.Read(b[:])
		}
		if got := time.Since(began); got != 0 {
			t.Errorf("1000 events took %v", got)
		}
		st.Abort(ReasonDone)
		ws.Close()
	})
}

func TestWritersServeEachStreamOfARound(t *testing.T) {
	for _, n := range []int{1, turn - 1, turn, turn + 1, 10*turn + 1} {
		ws := NewWriters()
		var all sync.WaitGroup
		for range n {
			server, client := xtest.TCP(t, 0)
			st := NewStream(server, plainProtocol{}, ws, time.Minute)
			st.Start(&oneByOne{waiting: "ab"})
			all.Go(func() {
				var b [2]byte
				for i := range b {
					_, _ = client.Read(b[i : i+1])
				}
				st.Abort(ReasonDone)
				if string(b[:]) != "ab" {
					t.Errorf("client got %q", b)
				}
			})
		}
		all.Wait()
		ws.Close()
	}
}

// One huge message must not stay in a writer's buffer.
func TestWritersKeepNoHugeBuffer(t *testing.T) {
	ws := NewWriters()
	server, client := xtest.TCP(t, 0)
	st := NewStream(server, plainProtocol{}, ws, time.Minute)
	huge := &hugeOnce{done: make(chan struct{})}
	st.Start(huge)
	b := make([]byte, 1<<16)
	for total := 0; total < hugeBytes; {
		n, err := client.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	<-huge.done
	var m runtime.MemStats
	for i := 0; i == 0 || m.HeapAlloc >= hugeBytes; i++ { // the writer may be about to drop it
		if i == 100 {
			t.Fatalf("%d bytes are held", m.HeapAlloc)
		}
		runtime.GC()
		runtime.ReadMemStats(&m)
	}
	st.Abort(ReasonDone)
	ws.Close()
}

const hugeBytes = 32 << 20

// hugeOnce has one huge message.
type hugeOnce struct {
	oneByOne
	once sync.Once
	done chan struct{}
}

func (s *hugeOnce) Fill(b *Batch) bool {
	s.once.Do(func() {
		b.Begin(Meta{})
		b.Buf = append(b.Buf, make([]byte, hugeBytes)...)
		b.End()
		close(s.done)
	})
	return false
}
