package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// Result is what became of an event for one of several users.
type Result struct {
	User    string
	Receipt Receipt // its ID is set in any case
	Err     error   // nil, or an *Error
}

// SendToUsers publishes one event, with one ID, to several users. There is a result
// for each, in the order of users; whoever is named twice gets the event once. The
// error is nil if all have it; else it wraps the first of the results' errors, and all
// whose result has none have the event. Needs the scope publish.
//
// Users go in as few requests as the bounds on a batch allow, one after the other,
// each with its own MaxElapsed. Those for whom the server could not take the event yet
// are tried again alone. When that does not succeed, the call ends: users who were not
// tried then have the same error, and 0 in [Error.Attempts].
func (n *Notifier) SendToUsers(ctx context.Context, users []string, e Event) ([]Result, error) {
	const op = "SendToUsers"
	event, id, err := e.encode()
	if err != nil {
		return nil, invalid(op, err)
	}
	m := &many{n: n, op: op, id: id, event: event, results: make([]Result, len(users)), most: n.cfg.MaxBatchItems}
	at := make([]int, 0, len(users))
	for i, user := range users {
		m.results[i] = Result{User: user, Receipt: Receipt{ID: id}}
		if err := checkUser(user); err != nil {
			m.results[i].Err = invalid(op, err)
			continue
		}
		at = append(at, i)
	}
	m.send(ctx, at)
	return m.results, m.err()
}

// many is a call of SendToUsers. Users are places in the results.
type many struct {
	n       *Notifier
	op, id  string
	event   []byte
	results []Result
	most    int    // users of a request; less once the server has refused so many
	over    *Error // why the call ends before all users were tried
}

func (m *many) send(ctx context.Context, at []int) {
	for len(at) > 0 && m.over == nil {
		some := m.chunk(at)
		if rest := m.sendSome(ctx, some); len(rest) > 0 {
			at = slices.Concat(rest, at[len(some):])
		} else {
			at = at[len(some):]
		}
	}
	if len(at) == 0 {
		return
	}
	untried := *m.over
	untried.Attempts, untried.Uncertain = 0, false
	for _, i := range at {
		m.results[i].Err = &untried
	}
}

// chunk returns the first of the users that go into one request, at least one.
func (m *many) chunk(at []int) []int {
	room := m.n.cfg.MaxBatchBytes - len(m.event) - len(`[{"users":[],"event":}]`)
	for i := range at[:min(len(at), m.most)] {
		// A name with each byte escaped, its quotes and a comma.
		if room -= 6*len(m.results[at[i]].User) + 3; room < 0 {
			return at[:max(i, 1)]
		}
	}
	return at[:min(len(at), m.most)]
}

// body is the batch for these users: one item, so that the event goes once.
func (m *many) body(at []int) []byte {
	b := []byte(`[{"users":[`)
	for i, k := range at {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, m.results[k].User)
	}
	b = append(b, `],"event":`...)
	b = append(b, m.event...)
	return append(b, `}]`...)
}

// sendSome publishes in one request, again and again until each user has a result.
// Users are returned if they were too many: they have none yet.
func (m *many) sendSome(ctx context.Context, at []int) (rest []int) {
	left := slices.Clone(at)
	tries := m.n.begin(ctx, m.op)
	for {
		var out outcomes
		e := tries.try(request{
			method: http.MethodPost, path: "/events:batch", body: m.body(left),
			answer: func(text []byte) (err error) {
				out, err = readOutcomes(text, len(left), m.id)
				return err
			},
		})
		if e == nil {
			before := len(left)
			left, e = m.take(left, out, tries)
			if e == nil {
				return nil
			}
			if len(left) < before {
				tries.progress()
			}
		}
		if e.Status == http.StatusRequestEntityTooLarge && len(left) > 1 {
			m.most = len(left) / 2
			return left
		}
		if !tries.again(e) {
			for _, i := range left {
				m.results[i].Err = e
			}
			m.over = e
			return nil
		}
	}
}

// take keeps what is decided, and returns the other users with their error: those who
// are to be tried again, or all, if the whole item was refused.
func (m *many) take(at []int, out outcomes, tries *tries) (left []int, e *Error) {
	if out.whole != nil {
		e = m.refusal(out.whole, tries)
		tries.retry = temporary(e.Status)
		return at, e
	}
	for i, k := range at {
		p := out.each[i].Error
		if p == nil {
			m.results[k].Receipt = out.each[i].Receipt
			continue
		}
		err := m.refusal(p, tries)
		if !temporary(err.Status) {
			m.results[k].Err = err
			continue
		}
		left, e = append(left, k), err
		tries.retry = true
	}
	return left, e
}

// refusal makes the error of a problem within a batch.
func (m *many) refusal(p *problem, tries *tries) *Error {
	e := &Error{Op: m.op}
	p.fill(e)
	tries.sent = tries.sent || mayBeDone(e)
	e.Attempts, e.Uncertain = tries.total, tries.sent
	return e
}

// err is the error of the call.
func (m *many) err() error {
	failed, first := 0, error(nil)
	for i := range m.results {
		if err := m.results[i].Err; err != nil {
			if failed++; failed == 1 {
				first = err
			}
		}
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d users: %w", failed, len(m.results), first)
}

// outcomes are the answers to an item with several users.
type outcomes struct {
	each  []outcome
	whole *problem // in place of each
}

// outcome is a receipt or a problem.
type outcome struct {
	Receipt
	Error *problem `json:"error"`
}

// readOutcomes reads the answer to a batch of one item with n users.
func readOutcomes(text []byte, n int, id string) (outcomes, error) {
	var items []struct {
		ID       string    `json:"id"`
		Receipts []outcome `json:"receipts"`
		Error    *problem  `json:"error"`
	}
	if err := json.Unmarshal(text, &items); err != nil {
		return outcomes{}, err
	}
	if len(items) != 1 {
		return outcomes{}, errReceipt
	}
	item := items[0]
	if item.Error != nil {
		if !item.Error.plausible() {
			return outcomes{}, errReceipt
		}
		return outcomes{whole: item.Error}, nil
	}
	if item.ID != id || len(item.Receipts) != n {
		return outcomes{}, errReceipt
	}
	for i := range item.Receipts {
		r := &item.Receipts[i]
		if r.Error != nil {
			if !r.Error.plausible() {
				return outcomes{}, errReceipt
			}
		} else if err := r.check(id); err != nil {
			return outcomes{}, err
		}
	}
	return outcomes{each: item.Receipts}, nil
}
