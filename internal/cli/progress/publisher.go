package progress

import (
	"context"
	"sync"
	"time"
)

// publisher sends the events of one run in their order, one at a time, however
// long each takes. What is new while one is under way replaces what was new
// before, so that at most four events are held: the one under way, the first,
// the newest state and the last. The first and the last are not given up before
// the end. Its methods do not block and may be called by several goroutines.
type publisher struct {
	labels Labels
	every  time.Duration
	linger time.Duration
	send   Send

	wake   chan struct{} // something is new; holds one
	ending chan struct{} // closed by finish
	done   chan struct{} // closed when nothing more will be sent

	cancel func() // nothing more is tried

	mu       sync.Mutex
	queue    []event // first and last
	state    State
	told     State     // the state in the event that was made last
	newest   time.Time // when an event of a state may be made
	deadline time.Time // when nothing more is tried; zero before finish
	report   Report
}

// newPublisher starts a publisher with the first event. It ends after finish.
func newPublisher(labels Labels, every, linger time.Duration, send Send) *publisher {
	p := &publisher{
		labels: labels, every: every, linger: linger, send: send,
		wake: make(chan struct{}, 1), ending: make(chan struct{}), done: make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(context.Background()) // the signal that ends the command does not end this
	p.cancel = cancel
	now := time.Now()
	p.queue = []event{labels.newEvent(started, State{}, Outcome{}, now)}
	p.newest = now.Add(every)
	go p.run(ctx) // ends when the last event is delivered or given up
	return p
}

// update says how far the command is.
func (p *publisher) update(s State) {
	p.mu.Lock()
	p.state = s
	p.mu.Unlock()
	p.rouse()
}

// finish adds the last event, and begins the time that is left to deliver it.
// It is called once.
func (p *publisher) finish(end Outcome) {
	now := time.Now()
	p.mu.Lock()
	p.queue = append(p.queue, p.labels.newEvent(ended, p.state, end, now))
	p.deadline = now.Add(p.linger)
	p.mu.Unlock()
	close(p.ending)
	time.AfterFunc(p.linger+lastGasp, p.cancel)
	p.rouse()
}

// abandon gives up what is not delivered yet.
func (p *publisher) abandon() { p.cancel() }

// wait returns what became of the events, after the last one.
func (p *publisher) wait() Report {
	<-p.done
	return p.report
}

func (p *publisher) rouse() {
	select {
	case p.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// run sends until the last event is delivered or given up.
func (p *publisher) run(ctx context.Context) {
	defer close(p.done)
	defer p.cancel()
	for {
		next, ok := p.next(ctx)
		if !ok {
			return
		}
		duplicate, err := p.deliver(ctx, next)
		p.note(next, duplicate, err)
		if next.phase == ended || ctx.Err() != nil {
			p.giveUp()
			return
		}
	}
}

// next waits for an event to send; there is none once everything is given up.
func (p *publisher) next(ctx context.Context) (event, bool) {
	for {
		e, wait, ok := p.take(time.Now())
		if ok {
			return e, true
		}
		var due <-chan time.Time
		if wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-p.wake:
		case <-due:
		case <-ctx.Done():
			p.giveUp()
			return event{}, false
		}
	}
}

// take returns the event that is due now, else how long until the state is; 0 is
// until there is news. The last event makes that of the state needless: it says
// the same.
func (p *publisher) take(now time.Time) (_ event, wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) > 0 {
		e := p.queue[0]
		p.queue = p.queue[1:]
		return e, 0, true
	}
	state := p.state
	if p.labels.NoDetail {
		state.Detail = ""
	}
	if state == p.told {
		return event{}, 0, false
	}
	if wait := p.newest.Sub(now); wait > 0 {
		return event{}, wait, false
	}
	p.told, p.newest = state, now.Add(p.every)
	return p.labels.newEvent(running, state, Outcome{}, now), 0, true
}

// note counts an event.
func (p *publisher) note(e event, duplicate bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.report.Err = err
		p.lostLocked(e)
		return
	}
	p.report.Published++
	if duplicate {
		p.report.Duplicates++
	}
}

// giveUp counts what will not be tried.
func (p *publisher) giveUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.queue {
		p.lostLocked(e)
	}
	p.queue = nil
}

func (p *publisher) lostLocked(e event) {
	switch e.phase {
	case started:
		p.report.First = true
	case running:
		p.report.Between++
	case ended:
		p.report.Last = true
	}
}
