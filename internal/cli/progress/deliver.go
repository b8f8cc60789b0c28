package progress

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// tryTimeout bounds one try: a server that takes longer is away.
	tryTimeout = 10 * time.Second
	// lastGasp is what a try that has begun in time may take beyond it.
	lastGasp = time.Second
	// lastCall is how long before the end of the time the last try is made,
	// whatever pause was due; at most half of the time.
	lastCall = 2 * time.Second
	// maxAsked bounds the pause that a server may ask for.
	maxAsked = time.Minute
)

// Send publishes one event, a body for the backend API, and says whether the
// server had it already. An answer that says no is a *Refused; any other error
// is taken for a server that is away.
type Send func(ctx context.Context, body []byte) (duplicate bool, err error)

// Refused is an answer that says no.
type Refused struct {
	Err error
	// Status is that of HTTP; 0 if it was not even asked, since it would not
	// do: there is no key.
	Status int
	// RetryAfter is the pause the server asks for; negative if it does not.
	RetryAfter time.Duration
}

func (r *Refused) Error() string { return r.Err.Error() }
func (r *Refused) Unwrap() error { return r.Err }

// hopeless reports whether this event will never be taken, whoever asks.
func (r *Refused) hopeless() bool {
	switch r.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// lasting reports whether somebody has to do something before it is taken: a
// key, an address. While the command runs there is time for that.
func (r *Refused) lasting() bool {
	switch r.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return r.Status < 500 || r.Status == http.StatusNotImplemented
}

// deliver tries until the event is taken, or there is no sense or time in it. One
// that was tried is tried again even if there is newer: it may have arrived, and
// only an answer says that it will not arrive behind the newer one.
func (p *publisher) deliver(ctx context.Context, e event) (duplicate bool, err error) {
	pauses := backoff.ExponentialBackOff{
		InitialInterval: 250 * time.Millisecond, MaxInterval: 10 * time.Second, Multiplier: 2, RandomizationFactor: 0.5,
	}
	for {
		ended := p.ended() // before the try: the last one has to come after the end
		duplicate, failure := p.try(ctx, e)
		if failure == nil {
			return duplicate, nil
		}
		if err == nil || ctx.Err() == nil { // a try that we broke off ourselves tells nothing
			err = failure
		}
		pause, asked := pauses.NextBackOff(), false
		if refused, ok := errors.AsType[*Refused](err); ok {
			switch {
			case refused.hopeless():
				return false, err
			case refused.lasting() && ended:
				p.cancel()
				return false, err
			case refused.RetryAfter >= 0:
				pause, asked = min(refused.RetryAfter, maxAsked), true
			}
		}
		if !p.pause(ctx, time.Now().Add(pause), !asked) {
			p.cancel()
			return false, err
		}
		if !ended && p.ended() { // which does not wait for what the way there has cost
			pauses.Reset()
		}
	}
}

// try sends the event once.
func (p *publisher) try(ctx context.Context, e event) (duplicate bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	return p.send(ctx, e.body)
}

// pause waits until the next try, and reports whether there is time for one.
// With short, the end of the command cuts the pause short.
func (p *publisher) pause(ctx context.Context, until time.Time, short bool) bool {
	ending := p.ending
	if p.ended() {
		ending = nil
	}
	for {
		at, ok := p.callBy(until, time.Now())
		if !ok {
			return false
		}
		timer := time.NewTimer(time.Until(at))
		select {
		case <-timer.C:
			return true
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-ending:
			timer.Stop()
			if short {
				return true
			}
			ending = nil
		}
	}
}

// callBy returns when the next try is made that is due at a time: after the end
// of the command, the last one is made while there is still time for an answer.
func (p *publisher) callBy(until, now time.Time) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deadline.IsZero() {
		return until, true
	}
	last := p.deadline.Add(-min(lastCall, p.linger/2))
	if now.Before(last) {
		if last.Before(until) {
			return last, true
		}
		return until, true
	}
	return until, until.Before(p.deadline)
}

// ended reports whether the command has ended.
func (p *publisher) ended() bool {
	select {
	case <-p.ending:
		return true
	default:
		return false
	}
}
