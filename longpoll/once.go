package longpoll

import (
	"net/http"
	"sync"
	"time"

	"hubline/transports"
)

// Expirer is a session that answers one poll. After Expire its next Fill lays
// out an answer even if there is nothing to tell.
type Expirer interface{ Expire() }

// once is the carrier of a connection that is a single request: what the
// session lays out first is the whole body of the answer.
type once struct {
	c    *transports.Connection
	poll *Poll
	ends time.Time
	kind string

	mu      sync.Mutex
	expired bool
	reason  transports.Reason
}

// batches are shared: a waiting poll keeps none.
var batches = sync.Pool{New: func() any { return transports.NewBatch(transports.Plain{}) }}

// ServeOnce answers the request with what the session of c lays out first, at
// the latest after wait, then ends c. It may return before that.
func ServeOnce(parker *Parker, w http.ResponseWriter, r *http.Request, c *transports.Connection, wait time.Duration, contentType string) {
	NoCache(w.Header())
	k := &once{
		c: c, ends: time.Now().Add(wait), kind: contentType, reason: transports.ReasonDone,
	}
	k.poll = NewPoll(parker, k)
	c.Run(k)
	if wait <= 0 {
		k.expire(transports.ReasonDone)
	} else if wait < parker.cfg.ParkAfter {
		// The sweeper is too coarse for so short a wait.
		t := time.AfterFunc(wait, func() { k.expire(transports.ReasonDone) })
		defer t.Stop()
	}
	k.poll.Serve(w, r)
}

func (k *once) expire(r transports.Reason) {
	k.mu.Lock()
	first := !k.expired
	if first {
		k.expired, k.reason = true, r
	}
	k.mu.Unlock()
	if first {
		if e, ok := k.c.Session().(Expirer); ok {
			e.Expire()
		}
		k.poll.Wake()
	}
}

// Answer implements Source.
func (k *once) Answer(*Poll) (Answer, bool) {
	b := batches.Get().(*transports.Batch)
	b.Reset(transports.Plain{})
	k.c.Session().Fill(b)
	if len(b.Buf) == 0 {
		batches.Put(b)
		return Answer{}, false
	}
	body := b.Buf
	b.Buf = nil
	batches.Put(b)
	k.mu.Lock()
	r := k.reason
	k.mu.Unlock()
	k.c.End(r)
	return Answer{Status: http.StatusOK, ContentType: k.kind, Body: body}, true
}

// Gone implements Source.
func (k *once) Gone(*Poll) { k.c.End(transports.ReasonClientClosed) }

// Written implements Source.
func (k *once) Written(*Poll) {}

// Lost implements Source. The client asks again, from where it was.
func (k *once) Lost(*Poll, transports.Reason) {}

func (k *once) Wake()                     { k.poll.Wake() }
func (k *once) Close(r transports.Reason) { k.expire(r) }
func (k *once) Abort(r transports.Reason) { k.expire(r) }

// Tick implements the sweeper's look at the carrier.
func (k *once) Tick(now time.Time) {
	if !now.Before(k.ends) {
		k.expire(transports.ReasonDone)
	}
}
