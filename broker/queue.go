package broker

import (
	"sync"

	"hubline/replay"
)

// item is one waiting event: a reference and the number it has in this user's
// log, since the same event has another seq for every user.
type item struct {
	seq   uint64
	event *replay.Event
	frame *Frame // what several connections share; may be nil
}

// smallQueue is the first size of a queue. Most connections never have more
// waiting, and arrays of this size are reused between connections.
const smallQueue = 16

var smallQueues = sync.Pool{New: func() any { return new([smallQueue]item) }}

// queue is a first-in-first-out ring of items that holds no memory while it is
// empty. The zero value is an empty queue.
type queue struct {
	ring  []item
	head  int
	count int
	bytes int
}

// push appends an item. It allocates only when the ring grows past smallQueue.
func (q *queue) push(it item) {
	if q.count == len(q.ring) {
		q.grow()
	}
	q.ring[(q.head+q.count)&(len(q.ring)-1)] = it
	q.count++
	q.bytes += it.event.Size()
}

func (q *queue) grow() {
	if q.ring == nil {
		q.ring = smallQueues.Get().(*[smallQueue]item)[:]
		return
	}
	next := make([]item, 2*len(q.ring))
	n := copy(next, q.ring[q.head:])
	copy(next[n:], q.ring[:q.head])
	q.release()
	q.ring, q.head = next, 0
}

// oldest is what pop would return.
func (q *queue) oldest() *item { return &q.ring[q.head] }

// pop removes the oldest item; the queue must not be empty.
func (q *queue) pop() item {
	slot := q.oldest()
	it := *slot
	*slot = item{} // the frame must not outlive its delivery
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.count--
	q.bytes -= it.event.Size()
	if q.count == 0 {
		q.clear()
	}
	return it
}

// clear drops all items and gives the memory back.
func (q *queue) clear() {
	q.release()
	*q = queue{}
}

// release returns a ring of the first size to the pool, without items, which
// must not outlive their delivery. A larger one is left to the collector.
func (q *queue) release() {
	if len(q.ring) != smallQueue {
		return
	}
	a := (*[smallQueue]item)(q.ring)
	clear(a[:])
	smallQueues.Put(a)
}
