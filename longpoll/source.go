package longpoll

import (
	"net/http"
	"time"

	"hubline/transports"
)

// Answer implements Source.
func (k *Conn) Answer(p *Poll) (Answer, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.poll != p || k.over || k.c.Ended() {
		return k.lastLocked(p)
	}
	late := !time.Now().Before(k.ends)
	ending := k.ending // before the filling, so that no goodbye is left behind
	k.takeLocked()
	switch {
	case k.poll != p: // what it took is for the other one
		k.wakeLocked()
		return k.lastLocked(p)
	case len(k.taken) > 0:
		body := k.taken
		k.taken = nil
		k.answerLocked(p)
		k.marks.given = k.marks.laid
		return Answer{Status: http.StatusOK, ContentType: typeBinary, Body: body}, true
	case k.over, ending:
		return k.lastLocked(p)
	case late:
		k.answerLocked(p)
		k.marks.given = k.marks.laid // what came was not for this client
		return Answer{Status: http.StatusOK, ContentType: typeText}, true
	}
	return Answer{}, false
}

// wakeLocked has the present poll asked again.
func (k *Conn) wakeLocked() {
	if k.poll != nil {
		k.poll.Wake()
	}
}

// restLocked notes that there is no poll from now on.
func (k *Conn) restLocked(p *Poll) {
	if k.poll == p {
		k.poll, k.away = nil, time.Now()
	}
}

// answerLocked is restLocked for a poll that gets an answer. The client's time
// between two polls begins when that is written, which a slow network may take
// a while for.
func (k *Conn) answerLocked(p *Poll) {
	k.restLocked(p)
	k.busy++
}

// Written implements Source.
func (k *Conn) Written(*Poll) {
	k.mu.Lock()
	k.busy, k.away = k.busy-1, time.Now()
	k.mu.Unlock()
	k.confirm()
}

// lastLocked is the answer to a poll that will get no data: another has taken
// its place, or the connection is over, for the client too from now on.
func (k *Conn) lastLocked(p *Poll) (Answer, bool) {
	if k.poll == p {
		k.over = true
		k.restLocked(p)
		r := k.reason
		k.mu.Unlock()
		k.c.End(r)
		k.mu.Lock()
	}
	k.busy++
	return Answer{Status: http.StatusNoContent, ContentType: typeText}, true
}

// maxAnswer is about how many bytes at most one poll takes.
const maxAnswer = 1 << 20

// takeLocked adds what waits to taken. It gives k.mu up for that, but not the
// turn: what is taken first stands first.
func (k *Conn) takeLocked() {
	k.mu.Unlock()
	k.fill.Lock()
	defer k.fill.Unlock()
	b := batches.Get().(*transports.Batch)
	defer batches.Put(b)
	var body []byte
	for more := true; more && len(body) < maxAnswer; {
		b.Reset(transports.Plain{})
		more = k.c.Session().Fill(b)
		body = append(body, b.Buf...)
	}
	var mark uint64
	c, ok := k.c.Session().(Confirmer)
	if ok {
		mark, ok = c.Laid()
	}
	k.mu.Lock()
	k.taken = append(k.taken, body...)
	k.noteLaid(mark, ok)
}

// Gone implements Source: a poll that the client gave up.
func (k *Conn) Gone(p *Poll) {
	k.mu.Lock()
	k.restLocked(p)
	over, r := k.over && k.poll == nil, k.reason
	k.mu.Unlock()
	if over {
		k.c.End(r)
	}
}

// Lost implements Source. What was in the answer is gone, and nothing tells the
// client: it must begin anew.
func (k *Conn) Lost(p *Poll, r transports.Reason) {
	k.mu.Lock()
	k.marks.lost = true
	k.mu.Unlock()
	k.Written(p)
	k.Abort(r)
}
