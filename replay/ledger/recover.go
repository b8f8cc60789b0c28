package ledger

import (
	"fmt"
	"time"

	"hubline/replay/journal"
)

// recovery reads the log when it is opened.
type recovery struct {
	*Ledger
	from uint64 // up to there the table contains the log
	all  bool   // everybody's epoch changes, because of why
	why  string
	// facts: the table's are not to be trusted, and are read from the whole log.
	facts bool

	bad      spans               // damaged, not dealt with before
	harmless uint64              // of these, behind from: known to be cursors
	named    map[uint64]struct{} // of these, behind from: named by a later entry
	users    map[string]struct{} // whose events they are

	done, total int64
	began, told time.Time
}

// maxAffected is how many users are told apart whom damage affects, and how many
// damaged records that later ones name. Above that it is everybody's.
const maxAffected = 100_000

// recover brings the layers to where the log ends.
func (l *Ledger) recover() error {
	first, last := l.journal.First(), l.journal.Last()
	r := &recovery{
		Ledger: l, from: l.meta.index, named: map[uint64]struct{}{}, users: map[string]struct{}{},
		total: int64(last + 1 - first), began: time.Now(), told: time.Now(), //nolint:gosec // a count
	}
	switch {
	case l.meta.rebuilding && last > 0:
		r.all, r.why = true, "the table is lost"
	case first > l.meta.index+1:
		r.all, r.why = true, "the table is older than the log"
		l.damaged.Add(1)
	case last < l.meta.index:
		r.all, r.why = true, "the end of the log is lost"
		l.damaged.Add(1)
	}
	if err := r.dropFacts(first); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if err := l.journal.Range(first, r.record); err != nil {
		return fmt.Errorf("ledger: read the log: %w", err)
	}
	if err := r.settle(); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	l.last = last
	l.meta.damaged = l.meta.damaged.from(first).upTo(last)
	r.findRestated(first)
	must := l.meta.factsLost || r.all || len(r.bad) > 0 || l.meta.rebuilding || len(l.meta.lostRows) > 0
	l.meta.rebuilding, l.meta.factsLost, l.meta.lostRows = false, false, nil
	l.dirty = l.dirty || must
	// Epochs that change have to be on disk before anybody hears of them. All else the
	// log has, and a full disk is no reason not to serve it.
	if err := l.Checkpoint(); err != nil && must {
		return fmt.Errorf("ledger: write state.db: %w", err)
	}
	l.log.Info("log was read", "first", first, "last", last, "behind_checkpoint", last-min(last, r.from), "took", time.Since(r.began))
	return nil
}

// record takes one record or damaged place, in order.
func (r *recovery) record(rec journal.Record) error {
	if r.done++; r.done%1024 == 0 && time.Since(r.told) >= r.opts.progressEvery {
		r.told = time.Now()
		r.opts.Progress(r.done, r.total)
	}
	if d := rec.Damage; d != nil {
		r.damage(span{rec.Index, d.Last}, rec.At == cursorTime)
		return nil
	}
	if rec.At > cursorTime {
		r.events = rec.Index
	}
	if rec.Index <= r.from && len(r.bad) == 0 && !r.facts {
		return nil
	}
	h, ok := parseHead(rec.Data)
	if !ok {
		r.damage(span{rec.Index, rec.Index}, rec.At == cursorTime)
		return nil
	}
	r.names(&h)
	if rec.Index <= r.from && !(r.facts && h.kind == kindFacts) {
		return nil
	}
	if err := r.apply(&h, rec); err != nil {
		r.damage(span{rec.Index, rec.Index}, rec.At == cursorTime)
		return nil //nolint:nilerr // it is damage, not an end
	}
	if r.active.size() < r.opts.CheckpointSize {
		return nil
	}
	// Much has happened since the checkpoint. The one that is written now must not
	// be taken for the end of the damage before it: so the index stays.
	if len(r.bad) > 0 || r.all {
		r.last = r.from
	} else {
		r.last = max(rec.Index, r.from)
	}
	return r.Checkpoint()
}

// names notes whose a damaged record was that a later one names.
func (r *recovery) names(h *head) {
	if len(r.bad) == 0 || h.kind != kindEvent {
		return
	}
	for _, index := range []uint64{h.prev, h.body} {
		if index == 0 || !r.bad.has(index) {
			continue
		}
		if len(r.users) >= r.opts.maxAffected || len(r.named) >= r.opts.maxAffected {
			r.all, r.why = true, "many are affected by damage"
			return
		}
		r.users[string(h.user)] = struct{}{}
		if index > r.from {
			r.named[index] = struct{}{}
		}
	}
}

// damage takes what cannot be read, unless it was dealt with before.
func (r *recovery) damage(p span, cursor bool) {
	for _, p := range r.meta.damaged.without(p) {
		r.bad = r.bad.add(p)
		r.damaged.Add(1)
		if cursor && p.last > r.from {
			r.harmless++ // what a device has received, it gets again at most
		}
		r.log.Error("records of the log are lost", "first", p.first, "last", p.last)
	}
}

// apply does what was done when the record was written.
func (r *recovery) apply(h *head, rec journal.Record) error {
	switch h.kind {
	case kindCursors:
		return h.cursors(r.active.putCursor)
	case kindFacts:
		return h.facts(r.active.putFact)
	}
	e, err := h.entry()
	if err != nil {
		return err
	}
	r.keysLocked(&e, rec.Index, rec.At)
	if h.kind == kindEvent {
		epoch := r.meta.epochs.intern(e.Epoch)
		r.active.users[e.User] = userRow{epoch: epoch, head: e.Seq, at: rec.Index, seen: rec.At}
	}
	return nil
}

// settle changes the epochs that damage makes it necessary to.
func (r *recovery) settle() error {
	if lost := r.bad.behind(r.from); lost > r.harmless+uint64(len(r.named)) && !r.all {
		r.all, r.why = true, "it cannot be told whose a lost record was"
	}
	if len(r.bad) > 0 && !r.all {
		if err := r.heads(); err != nil {
			return err
		}
	}
	for _, p := range r.bad {
		r.meta.damaged = r.meta.damaged.add(p)
	}
	epochs := &r.meta.epochs
	switch {
	case r.all:
		epochs.base = epochs.add()
		epochs.floor = epochs.base
		r.changed.Add(1)
		r.log.Error("the epochs of all users change", "reason", r.why)
	case len(r.users) > 0:
		epoch := epochs.add()
		for user := range r.users {
			row, _ := r.row(user)
			row.epoch = epoch
			r.active.users[user] = row
		}
		r.changed.Add(uint64(len(r.users)))
		r.log.Error("the epochs of users change whose events are lost", "users", len(r.users))
	}
	if len(r.meta.lostRows) > 0 && !r.all {
		// The name is a part of what has changed, perhaps: whose row it was is then one
		// of those who seem to be new.
		epochs.base = epochs.add()
		r.changed.Add(1)
		r.log.Error("rows of users are damaged, the epoch of new users changes", "rows", len(r.meta.lostRows))
	}
	for _, user := range r.meta.lostRows {
		r.replaceRow(user, nil)
	}
	return nil
}

// heads looks for users whose newest event is damaged. Nothing names those but the
// table.
func (r *recovery) heads() error {
	page := make([]known, 0, usersPage)
	var last string
	for after := []byte(nil); ; after = []byte(last) {
		page = r.usersAfter(after, page[:0])
		if len(page) == 0 {
			return nil
		}
		for i := range page {
			if r.bad.has(page[i].row.at) {
				r.users[page[i].user] = struct{}{}
			}
		}
		last = page[len(page)-1].user
		if len(r.users) >= r.opts.maxAffected {
			r.all, r.why = true, "many are affected by damage"
			return nil
		}
	}
}
