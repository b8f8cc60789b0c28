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

	fill sync.Mutex // one Fill at a time, though two polls may overlap; before mu

	mu     sync.Mutex
	poll   *Poll // the present one
	ends   time.Time
	away   time.Time // since when there is no poll, and no answer is being written
	busy   int       // answers that are being written
	taken  []byte    // out of the session, but not yet in an answer
	marks  marks
	reason transports.Reason
	told   time.Time // when it was to end first
	ending bool      // end when nothing waits any more
	over   bool      // end now
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
	k.begin(p)
	p.Serve(w, r)
}

// begin makes p the present poll.
func (k *Conn) begin(p *Poll) {
	k.mu.Lock()
	old := k.poll
	k.poll, k.ends = p, time.Now().Add(k.o.PollTimeout)
	k.marks.asked = k.marks.given
	k.mu.Unlock()
	k.confirm()
	if old != nil {
		old.Wake()
	}
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
	writeHead(w, Answer{Status: http.StatusOK, ContentType: typeBinary})
}
