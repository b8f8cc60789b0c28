package longpoll

import (
	"net/http"
	"sync"
	"time"

	"hubline/transports"
)

// Options of one endpoint's polls.
type Options struct {
	// PollTimeout is how long a poll waits before it is answered empty. Zero
	// means 90 s, below the 100 s after which common proxies cut a request.
	PollTimeout time.Duration
	// AwayTimeout is how long a client may take between two polls. Zero means
	// 15 s.
	AwayTimeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.PollTimeout == 0 {
		o.PollTimeout = 90 * time.Second
	}
	if o.AwayTimeout == 0 {
		o.AwayTimeout = 15 * time.Second
	}
	return o
}

const (
	typeText   = "text/plain"
	typeBinary = "application/octet-stream"
)

// NoCache sets the headers that every answer to a poll carries, errors too.
func NoCache(h http.Header) {
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")
}

// Conn is the carrier of a connection that lives over many polls, as SignalR's
// long polling has it: each poll takes all bytes that wait; 204 says that the
// connection is over.
type Conn struct {
	c      *transports.Connection
	parker *Parker
	o      Options

	fill sync.Mutex // one Fill at a time, though two polls may overlap

	mu     sync.Mutex
	poll   *Poll // the present one
	ends   time.Time
	away   time.Time // since when there is no poll
	reason transports.Reason
	ending bool // end when nothing waits any more
	over   bool
}

// NewConn returns the carrier of c. The first poll has been seen: it is
// answered at once and empty, by the caller.
func NewConn(parker *Parker, c *transports.Connection, o Options) *Conn {
	return &Conn{c: c, parker: parker, o: o.withDefaults(), away: time.Now()}
}

// ServePoll answers one poll, now or later. A poll that is still waiting is
// answered 204: the newer one takes its place.
func (k *Conn) ServePoll(w http.ResponseWriter, r *http.Request) {
	NoCache(w.Header())
	p := NewPoll(k.parker, k)
	k.mu.Lock()
	old := k.poll
	k.poll, k.ends = p, time.Now().Add(k.o.PollTimeout)
	k.mu.Unlock()
	if old != nil {
		old.Wake()
	}
	p.Serve(w, r)
}

// Answer implements Source.
func (k *Conn) Answer(p *Poll) (Answer, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.poll != p {
		return Answer{Status: http.StatusNoContent, ContentType: typeText}, true
	}
	if k.over {
		return k.endLocked(p)
	}
	late := !time.Now().Before(k.ends)
	k.mu.Unlock()
	body := k.take()
	k.mu.Lock()
	switch {
	case len(body) > 0:
		k.restLocked(p)
		return Answer{Status: http.StatusOK, ContentType: typeBinary, Body: body}, true
	case k.over, k.ending:
		return k.endLocked(p)
	case late:
		k.restLocked(p)
		return Answer{Status: http.StatusOK, ContentType: typeText}, true
	}
	return Answer{}, false
}

// restLocked notes that there is no poll from now on.
func (k *Conn) restLocked(p *Poll) {
	if k.poll == p {
		k.poll, k.away = nil, time.Now()
	}
}

// endLocked says goodbye: the connection is over for the client too.
func (k *Conn) endLocked(p *Poll) (Answer, bool) {
	k.over = true
	k.restLocked(p)
	r := k.reason
	k.mu.Unlock()
	k.c.End(r)
	k.mu.Lock()
	return Answer{Status: http.StatusNoContent, ContentType: typeText}, true
}

// take collects the bytes that wait, at most about a megabyte.
func (k *Conn) take() []byte {
	const maxAnswer = 1 << 20
	k.fill.Lock()
	defer k.fill.Unlock()
	b := batches.Get().(*transports.Batch)
	defer batches.Put(b)
	b.Reset(transports.Plain{})
	var body []byte
	for more := true; more && len(body) < maxAnswer; {
		more = k.c.Session().Fill(b)
		body = append(body, b.Buf...)
		b.Reset(transports.Plain{})
	}
	return body
}

// Gone implements Source: a poll that the client gave up.
func (k *Conn) Gone(p *Poll) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.restLocked(p)
}

// Wake implements transports.Carrier.
func (k *Conn) Wake() {
	k.mu.Lock()
	p := k.poll
	k.mu.Unlock()
	if p != nil {
		p.Wake()
	}
}

// Close implements transports.Carrier: what waits goes out with the present or
// the next poll, the one after it is answered 204.
func (k *Conn) Close(r transports.Reason) {
	k.mu.Lock()
	if !k.ending {
		k.ending, k.reason = true, r
	}
	k.mu.Unlock()
	k.Wake()
}

// Abort implements transports.Carrier.
func (k *Conn) Abort(r transports.Reason) {
	k.mu.Lock()
	if !k.ending {
		k.ending, k.reason = true, r
	}
	k.over = true
	p := k.poll
	k.mu.Unlock()
	if p != nil {
		p.Wake()
		return
	}
	k.c.End(r)
}

// Tick is called by the sweeper about once a second. It reports false when the
// client has been away for too long.
func (k *Conn) Tick(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.poll == nil {
		return now.Sub(k.away) < k.o.AwayTimeout
	}
	if !now.Before(k.ends) {
		p := k.poll
		k.mu.Unlock()
		p.Wake()
		k.mu.Lock()
	}
	return true
}

// Serve answers a poll of c, whose session is bound. The first one starts the
// connection and is answered at once and empty: clients wait for that, and drop
// what it would bring.
func Serve(parker *Parker, w http.ResponseWriter, r *http.Request, c *transports.Connection, o Options) {
	if k, ok := c.Carrier().(*Conn); ok {
		k.ServePoll(w, r)
		return
	}
	c.Run(NewConn(parker, c, o))
	NoCache(w.Header())
	write(w, Answer{Status: http.StatusOK, ContentType: typeBinary})
}
