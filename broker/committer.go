package broker

import (
	"runtime"
	"sync"
	"time"

	"hubline/internal/turn"
	"hubline/replay"
	"hubline/replay/ledger"
)

// Bounds of one commit, so that those who wait are not kept waiting by too many
// others, and of what may wait.
const (
	commitEvents = 4096
	commitBytes  = 4 << 20
	waitingBytes = 64 << 20
	// spareEntries: room that a large channel has taken is not kept.
	spareEntries = 4 * commitEvents

	// settleIdle is after how many turns that bring nothing a commit begins, since
	// whoever was answered has to hear of it first. settleTurns bounds how long it is
	// put off for those who come on and on.
	settleIdle  = 4
	settleTurns = 16

	cursorInterval = time.Second
)

// committer writes what was published to the ledger, in the order in which it
// came: one goroutine takes all that waits, writes it with one sync, and lets the
// connections see it. So there is never a sync under a user's lock, and no event
// that a client has seen can be lost.
type committer struct {
	broker *Broker
	ledger Ledger

	mu     sync.Mutex
	queue  []*Pending
	bytes  int
	closed bool
	wake   chan struct{} // has one place
	done   chan struct{} // closed when the goroutine has ended

	// The goroutine's own.
	batch    []*Pending
	last     int // how many were in the last one
	turn     *turn.Turn
	entries  []ledger.Entry
	standing map[string]replay.Standing // of users who stand in the batch
}

func newCommitter(b *Broker, l Ledger) *committer {
	c := &committer{
		broker: b, ledger: l, wake: make(chan struct{}, 1), done: make(chan struct{}),
		standing: make(map[string]replay.Standing), turn: turn.New(),
	}
	go c.run() // ends with close
	return c
}

// enqueue takes p, unless too much waits.
func (c *committer) enqueue(p *Pending) error {
	size := p.size()
	c.mu.Lock()
	switch {
	case c.closed:
		c.mu.Unlock()
		return ErrDraining
	case c.bytes > 0 && c.bytes+size > waitingBytes:
		c.mu.Unlock()
		return ErrBusy
	}
	c.bytes += size
	c.queue = append(c.queue, p)
	first := len(c.queue) == 1
	c.mu.Unlock()
	if first {
		c.ring()
	}
	return nil
}

func (c *committer) ring() {
	select {
	case c.wake <- struct{}{}:
	default: // it is awake, and looks again
	}
}

// close ends the goroutine when all that waits is written.
func (c *committer) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.ring()
	<-c.done
}

func (c *committer) run() {
	defer close(c.done)
	defer c.turn.Close()
	tick := time.NewTicker(cursorInterval)
	defer tick.Stop()
	for over := false; !over; {
		select {
		case <-c.wake:
		case <-tick.C:
			c.saveCursors()
		}
		over = c.commitWaiting()
	}
	c.saveCursors()
}

// commitWaiting writes all that waits. It reports true when nothing more can come.
func (c *committer) commitWaiting() (over bool) {
	for {
		c.settle()
		c.batch, over = c.take(c.batch[:0])
		// In turns with what was published, so that neither waits for all of the other.
		more := c.ledger.RestateFacts()
		if len(c.batch) == 0 {
			if more && !over {
				continue
			}
			return over
		}
		c.last = len(c.batch)
		c.commit(c.batch)
		clear(c.batch)
	}
}

// settle lets those who were just answered publish again before the next commit:
// otherwise it would get half of them, and the others would wait for two syncs. They
// come by the network, so that must have its turn; as long as more come, there is
// another.
func (c *committer) settle() {
	waits := c.waits()
	if waits <= 1 && c.last <= 1 { // nobody else publishes
		runtime.Gosched()
		return
	}
	for turns, idle := 0, 0; turns < settleTurns && idle < settleIdle && waits < commitEvents; turns++ {
		c.turn.Wait()
		before := waits
		if waits = c.waits(); waits > before {
			idle = 0
		} else {
			idle++
		}
	}
}

func (c *committer) waits() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)
}

// take appends to dst what the next commit may hold. It reports true when nothing
// more can come.
func (c *committer) take(dst []*Pending) (batch []*Pending, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, bytes := 0, 0
	for n < len(c.queue) && n < commitEvents && (n == 0 || bytes < commitBytes) {
		bytes += c.queue[n].size()
		n++
	}
	dst = append(dst, c.queue[:n]...)
	rest := copy(c.queue, c.queue[n:])
	clear(c.queue[rest:])
	c.queue = c.queue[:rest]
	c.bytes -= bytes
	return dst, c.closed
}

// commit writes a batch. Changes of memberships come first and a broadcast, of which
// there is at most one, last: nobody has been told yet that it was otherwise.
func (c *committer) commit(batch []*Pending) {
	rest := batch[:0]
	var toAll *Pending
	var changes []*Pending // of facts
	for _, p := range batch {
		switch {
		case p.toAll != nil:
			toAll = p
		case p.event == nil:
			changes = append(changes, p)
		default:
			rest = append(rest, p)
		}
	}
	c.enrol(changes)
	c.write(rest)
	if toAll != nil {
		c.announce(toAll)
	}
}

// write has the events of a batch written, and then seen. What is published to a
// channel is written whole, so one commit may have more entries than publishes.
func (c *committer) write(batch []*Pending) {
	begin := 0
	for i, p := range batch {
		if p.channel != "" {
			c.enterChannel(p)
		} else {
			c.enter(p.user, p.event, 0, keysOf(p))
		}
		if len(c.entries) >= commitEvents || i+1 == len(batch) {
			c.apply(batch[begin : i+1])
			begin = i + 1
		}
	}
}

// apply has what was entered for these publishes written, and then seen.
func (c *committer) apply(batch []*Pending) {
	var first uint64
	var err error
	if len(c.entries) > 0 {
		first, err = c.flush()
	}
	at := 0
	for _, p := range batch {
		switch {
		case err != nil:
			c.broker.fail(p, err)
		case p.channel != "":
			at = c.applyToChannel(p, at, first)
		default:
			c.broker.apply(p, c.standingOf(at, first))
			at++
		}
	}
	c.forget()
}

// enter adds an event to the next commit: itself, or, with body, a broadcast's
// that lies there.
func (c *committer) enter(user string, ev *replay.Event, body uint64, keys []ledger.Key) {
	st, ok := c.standing[user]
	if !ok {
		st = c.broker.store.Standing(user)
	}
	e := ledger.Entry{User: user, Event: ev, Epoch: st.Epoch, Seq: st.Head + 1, Prev: st.At, Body: body, Keys: keys}
	st.Head, st.At = e.Seq, c.ledger.Next()+uint64(len(c.entries))
	c.standing[user] = st
	c.entries = append(c.entries, e)
}

// flush writes what was entered. The entries can be read until the next enter.
func (c *committer) flush() (first uint64, err error) {
	first, err = c.ledger.Append(c.entries)
	clear(c.standing)
	return first, err
}

// standingOf is where the i-th entry of the last flush stands.
func (c *committer) standingOf(i int, first uint64) replay.Standing {
	e := &c.entries[i]
	return replay.Standing{Epoch: e.Epoch, Head: e.Seq, At: first + uint64(i)} //nolint:gosec // not negative
}

// forget ends the use of the entries of the last flush.
func (c *committer) forget() {
	clear(c.entries)
	if c.entries = c.entries[:0]; cap(c.entries) > spareEntries {
		c.entries = nil
	}
}

func keysOf(p *Pending) []ledger.Key {
	var keys []ledger.Key
	for _, k := range [...]Key{p.key, p.id} {
		if k.Name != "" {
			_, name := ledgerKey(p.user, k.Name)
			keys = append(keys, ledger.Key{Name: name, Digest: k.Digest, ID: p.event.ID, Delivered: len(p.members)})
		}
	}
	return keys
}

// saveCursors writes the cursors that have moved. What the disk refuses is tried
// again the next time: without them a device is sent again what it has.
func (c *committer) saveCursors() {
	moved := c.broker.devices.take()
	if len(moved) == 0 {
		return
	}
	list := make([]ledger.DeviceCursor, 0, len(moved))
	for id, cursor := range moved {
		list = append(list, ledger.DeviceCursor{User: id.user, Device: id.device, Cursor: cursor})
	}
	if err := c.ledger.SaveCursors(list); err != nil {
		c.broker.devices.putBack(moved)
	}
}
