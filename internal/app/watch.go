package app

import (
	"sync"
	"time"
)

// watchRound is how often the reads that were put off are looked through.
const watchRound = 50 * time.Millisecond

// watches are reads that were put off. While a request is handled the HTTP server
// reads a byte of the socket, to hear of a peer that goes, and interrupts the read
// when the handler is done: a system call, a wait and two deadlines for nothing,
// since most handlers are done in less than a millisecond, those that wait for the
// disk included. So such a read begins in the second round, after 50 to 100 ms. Over
// TLS it does not come here: that reads whole records.
type watches struct {
	spare sync.Pool // of *watch

	mu    sync.Mutex
	first *watch // the youngest
	round uint64
	armed bool
}

// watch is one read that was put off.
type watch struct {
	wake       chan struct{} // has one place
	prev, next *watch
	round      uint64 // in which it was put off
}

func (w *watch) ring() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// add has w rung in the second round from now, unless it is removed.
func (l *watches) add(w *watch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.round = l.round
	if w.next = l.first; w.next != nil {
		w.next.prev = w
	}
	l.first = w
	if !l.armed {
		l.armed = true
		time.AfterFunc(watchRound, l.turn)
	}
}

// remove forgets w: it is not rung any more.
func (l *watches) remove(w *watch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}

// turn ends a round. There is another as long as somebody waits.
func (l *watches) turn() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := l.first; w != nil; w = w.next {
		if w.round < l.round {
			w.ring()
		}
	}
	l.round++
	if l.armed = l.first != nil; l.armed {
		time.AfterFunc(watchRound, l.turn)
	}
}

// putOffLocked waits until a read that watches the peer is due, has a deadline or is
// interrupted, or the socket is closed. It gives up the lock meanwhile.
func (s *socket) putOffLocked() {
	d, l := &s.read, &s.from.watches
	w, ok := l.spare.Get().(*watch)
	if !ok {
		w = &watch{wake: make(chan struct{}, 1)}
	}
	d.watch = w
	l.add(w)
	d.mu.Unlock()
	<-w.wake
	l.remove(w)
	d.mu.Lock()
	d.watch = nil
	select { // rung twice
	case <-w.wake:
	default:
	}
	l.spare.Put(w)
}

// unwatchLocked has a read begin that was put off.
func (d *readDeadline) unwatchLocked() {
	if d.watch != nil {
		d.watch.ring()
	}
}
