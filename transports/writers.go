package transports

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Writers is a small set of goroutines that write for all connections. A
// connection with something to send stands in one queue; a writer lets it fill
// a buffer and writes that without blocking. A socket that takes no more gets
// a goroutine of its own until it does, so a stalled reader holds up nobody.
//
// What stands in the queue when a writer comes for it is a round. Under load
// one write per event and connection is what costs: when most connections of
// a large round already wait again, the writers let publishers run ahead for a
// part of the time that the round took, so that several events share a write.
// A lone event is never held back, and a pause that brings nothing is not
// tried again for a while.
type Writers struct {
	mu      sync.Mutex
	work    sync.Cond
	queue   []*Stream // waits for the next round
	current []*Stream // the present round, served up to pos
	pos     int
	closed  bool
	pausing bool

	// The present round: its number, start, how many of its connections wait
	// again, how many messages it has laid out, and whether a pause preceded it.
	round    uint32
	started  time.Time
	repeats  int
	messages int
	paused   bool
	// skip is how many rounds go without a pause because pauses brought
	// nothing; backoff is the last such number.
	skip, backoff int

	flushes atomic.Uint32 // of all connections, ever; wraps around

	wg sync.WaitGroup
}

// Tuning of the pause between rounds.
const (
	// pauseStreams is from how many connections a round counts as load.
	pauseStreams = 64
	// pauseMax bounds a pause, and so the delay that it can add.
	pauseMax = 5 * time.Millisecond
	// skipMax is how many rounds at most go by until a pause is tried again.
	skipMax = 64
	// turn is how many connections a writer takes from a round at once.
	turn = 64
)

// NewWriters starts the writers. Close ends them.
func NewWriters() *Writers {
	ws := &Writers{}
	ws.work.L = &ws.mu
	for range runtime.GOMAXPROCS(0) {
		// Ends with Close.
		ws.wg.Go(ws.run)
	}
	return ws
}

// Close ends the writers and waits for them and for the goroutines that they
// started for stalled sockets. All connections must have ended before.
func (ws *Writers) Close() {
	ws.mu.Lock()
	ws.closed = true
	ws.work.Broadcast()
	ws.mu.Unlock()
	ws.wg.Wait()
}

// push queues a stream whose state has just become queued.
func (ws *Writers) push(s *Stream) {
	ws.mu.Lock()
	ws.queue = append(ws.queue, s)
	if s.round == ws.round {
		ws.repeats++
	}
	ws.mu.Unlock()
	ws.work.Signal()
}

func (ws *Writers) run() {
	w := newWriter()
	for ws.next(w) {
		laid := 0
		for i, s := range w.take {
			w.take[i] = nil
			laid += s.flush(w)
		}
		w.laid = laid
		w.trim()
	}
}

// next fills w.take, waiting for work. It reports false after Close.
func (ws *Writers) next(w *writer) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.messages += w.laid
	w.laid = 0
	for ws.pos == len(ws.current) {
		switch {
		case len(ws.queue) > 0 && !ws.pausing:
			ws.nextRoundLocked()
		case ws.closed:
			return false
		default:
			ws.work.Wait()
			// Whoever is ready to run now may have more for the connections
			// that wait.
			ws.mu.Unlock()
			runtime.Gosched()
			ws.mu.Lock()
		}
	}
	n := min(turn, len(ws.current)-ws.pos)
	w.take = append(w.take[:0], ws.current[ws.pos:ws.pos+n]...)
	clear(ws.current[ws.pos : ws.pos+n])
	ws.pos += n
	for _, s := range w.take {
		s.round = ws.round
	}
	if ws.pos < len(ws.current) {
		ws.work.Signal() // another writer may help
	}
	return true
}

// nextRoundLocked makes the queue the present round, after a pause if that
// promises larger writes. It unlocks the mutex for the time of the pause.
func (ws *Writers) nextRoundLocked() {
	last := len(ws.current)
	pause := time.Duration(0)
	if last >= pauseStreams {
		if ws.paused && ws.messages < last+last/2 {
			ws.backoff = min(max(1, 2*ws.backoff), skipMax)
			ws.skip = ws.backoff
		} else if ws.paused {
			ws.backoff = 0
		}
		switch {
		case ws.skip > 0:
			ws.skip--
		case ws.repeats > last/2:
			pause = min(time.Since(ws.started)/2, pauseMax)
		}
	}
	ws.paused = pause > 0
	if ws.paused {
		ws.pausing = true
		ws.mu.Unlock()
		time.Sleep(pause)
		ws.mu.Lock()
		ws.pausing = false
	}
	ws.current, ws.queue = ws.queue, ws.current[:0]
	ws.pos, ws.repeats, ws.messages = 0, 0, 0
	ws.round++
	if len(ws.current) >= pauseStreams {
		ws.started = time.Now()
	}
}

// writer is the state of one writing goroutine.
type writer struct {
	batch Batch
	take  []*Stream
	laid  int // messages laid out since the last call of next
	// The arguments and results of write, which exists once so that a write
	// allocates no closure.
	p     []byte
	n     int
	err   error
	write func(fd uintptr) bool
}

func newWriter() *writer {
	w := &writer{}
	w.write = func(fd uintptr) bool {
		for {
			w.n, w.err = syscall.Write(int(fd), w.p)
			if w.err != syscall.EINTR { //nolint:errorlint // a bare errno
				return true
			}
		}
	}
	return w
}

// trim drops a buffer that one huge message has grown.
func (w *writer) trim() {
	if cap(w.batch.Buf) > 4*batchBytes {
		w.batch.Buf = nil
	}
}

// try writes what the socket takes at once and returns how much that was.
func (w *writer) try(rc syscall.RawConn, p []byte) (int, error) {
	w.p, w.n, w.err = p, 0, nil
	err := rc.Write(w.write)
	w.p = nil
	if err != nil {
		return 0, err
	}
	if w.err == syscall.EAGAIN { //nolint:errorlint // a bare errno
		return 0, nil
	}
	return max(w.n, 0), w.err
}
