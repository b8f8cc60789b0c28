package broker

// Flusher is a Waker that can also have its connection written to by the caller:
// Flush is called, instead of Wake, by a goroutine that has published and holds no
// lock. It must not wait for the peer.
type Flusher interface {
	Waker
	Flush()
}

// maxFlushers is for how many connections of a user the publisher does the work.
// What is for more of them is shared among writers.
const maxFlushers = 2

// flushers are connections that were handed an event and are to be flushed for it,
// and not woken, when the lock has been released. Nil takes none.
type flushers [maxFlushers]Flusher

// take reports whether s, a subscription of u, is among those from now on.
func (f *flushers) take(u *user, s *Subscription) bool {
	if f == nil || u.conns > len(f) {
		return false
	}
	w, ok := s.waker.(Flusher)
	if !ok {
		return false
	}
	for i := range f {
		if f[i] == nil {
			f[i] = w
			return true
		}
	}
	return false
}

func (f *flushers) flush() {
	for _, w := range f {
		if w != nil {
			w.Flush()
		}
	}
}
