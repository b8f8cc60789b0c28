package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

// tries are the tries of one call.
type tries struct {
	n     *Notifier
	ctx   context.Context // the call's
	op    string
	began time.Time
	total int // tries so far
	row   int // those of them, up to now, that have brought nothing
	sent  bool
	retry bool // what came of the last one may be tried again
}

func (n *Notifier) begin(ctx context.Context, op string) *tries {
	return &tries{n: n, ctx: ctx, op: op, began: time.Now()}
}

// try makes the request once more. It returns nil when that has succeeded.
func (t *tries) try(req request) *Error {
	if err := t.ctx.Err(); err != nil {
		t.retry = false
		return &Error{Op: t.op, err: err}
	}
	f := t.n.once(t.ctx, t.op, req)
	t.total++
	t.row++
	if f.Error == nil {
		return nil
	}
	t.sent = t.sent || f.sent && req.method != http.MethodGet
	t.retry = f.retry
	return f.Error
}

// progress begins the row of tries anew, with the last one.
func (t *tries) progress() { t.row = 1 }

// again waits until the next try, and reports whether there is to be one. If not, e is
// complete.
func (t *tries) again(e *Error) bool {
	e.Attempts, e.Uncertain = t.total, t.sent
	if !t.retry || t.row >= t.n.cfg.MaxAttempts || t.ctx.Err() != nil {
		return false
	}
	pause := t.pause(e.RetryAfter)
	next := time.Now().Add(pause)
	if next.Sub(t.began) > t.n.cfg.MaxElapsed {
		return false
	}
	if deadline, ok := t.ctx.Deadline(); ok && next.After(deadline) {
		return false // the caller would wait for nothing
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.ctx.Done():
		e.err = t.ctx.Err()
		return false
	}
}

// pause is how long to wait: not less than the server asks for and, on top of that,
// at random up to a bound that doubles (full jitter), so that callers who failed
// together do not come back together.
func (t *tries) pause(asked time.Duration) time.Duration {
	bound := t.n.cfg.MaxBackoff
	if shift := t.row - 1; shift < 32 && t.n.cfg.MinBackoff < bound>>shift {
		bound = t.n.cfg.MinBackoff << shift
	}
	return asked + rand.N(bound) + 1 // #nosec G404 -- it is spread, not secret
}

// contextual reports whether err is that of a context of the caller's.
func contextual(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// forGood reports whether a request that could not be made will not be made later
// either.
func forGood(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok || errors.Is(err, http.ErrServerClosed) // a server in this process
}
