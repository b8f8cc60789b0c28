package replay

// minRing is the first allocation: most users get few events.
const minRing = 4

// ring is a queue of events whose array is a power of two, grows when full, and is
// given back when it is mostly empty. The zero value is empty and owns nothing.
type ring struct {
	buf   []*Event
	first uint32 // index in buf of the oldest
	n     uint32
}

// at returns the i-th oldest event; i must be below n.
func (r *ring) at(i uint64) *Event {
	return r.buf[(uint64(r.first)+i)&uint64(len(r.buf)-1)] //nolint:gosec // a length is not negative
}

func (r *ring) push(ev *Event) {
	if int(r.n) == len(r.buf) {
		r.resize(max(minRing, 2*len(r.buf)))
	}
	r.buf[(int(r.first)+int(r.n))&(len(r.buf)-1)] = ev
	r.n++
}

func (r *ring) pop() *Event {
	ev := r.buf[r.first]
	r.buf[r.first] = nil
	r.first = (r.first + 1) & uint32(len(r.buf)-1) //nolint:gosec // Config.Validate keeps len below 1<<31
	r.n--
	return ev
}

// fit gives memory back. It is called at the end of an operation, not by pop, so
// that an append which makes room first and fills it again allocates nothing. A
// quarter is the threshold, not a half, so that a log at the edge does not
// reallocate at every step.
func (r *ring) fit() {
	switch {
	case r.n == 0:
		*r = ring{}
	case len(r.buf) > minRing && int(r.n) <= len(r.buf)/4:
		size := minRing
		for size < 2*int(r.n) {
			size *= 2
		}
		r.resize(size)
	}
}

func (r *ring) resize(size int) {
	buf := make([]*Event, size)
	for i := range uint64(r.n) {
		buf[i] = r.at(i)
	}
	r.buf, r.first = buf, 0
}
