package ledger

// overlay is what has changed since a checkpoint. While it is the active one it is
// guarded by Ledger.mu; while it is being written nobody changes it.
type overlay struct {
	users   map[string]userRow
	cursors map[string]map[string]cursorRow // by user and device
	keys    map[name]KeyRecord
	facts   map[factID][]byte // nil: holds no more
	changes int               // cursors; the maps of the others know their size
	// index is up to where the log is contained in the table once this is written.
	index uint64
}

func newOverlay() *overlay {
	return &overlay{users: map[string]userRow{}, cursors: map[string]map[string]cursorRow{}, keys: map[name]KeyRecord{}, facts: map[factID][]byte{}}
}

func (o *overlay) size() int {
	if o == nil {
		return 0
	}
	return len(o.users) + len(o.keys) + len(o.facts) + o.changes
}

// putFact notes what holds from now on.
func (o *overlay) putFact(f Fact) { o.facts[f.id()] = f.Value }

// putCursor keeps the later of two cursors of an epoch.
func (o *overlay) putCursor(user, device string, c cursorRow) {
	devices := o.cursors[user]
	if devices == nil {
		devices = map[string]cursorRow{}
		o.cursors[user] = devices
	}
	old, ok := devices[device]
	if ok && old.cursor.Epoch == c.cursor.Epoch && old.cursor.Seq > c.cursor.Seq {
		return
	}
	if !ok {
		o.changes++
	}
	devices[device] = c
}

// layers are where changes are looked for, the newest first. Guarded by Ledger.mu.
type layers struct {
	active  *overlay
	writing *overlay // nil if no checkpoint is under way
}

func (l *layers) user(user string) (userRow, bool) {
	r, ok := l.active.users[user]
	if !ok && l.writing != nil {
		r, ok = l.writing.users[user]
	}
	return r, ok
}

func (l *layers) cursor(n name) (cursorRow, bool) {
	r, ok := l.active.cursors[n.user][n.of]
	if !ok && l.writing != nil {
		r, ok = l.writing.cursors[n.user][n.of]
	}
	return r, ok
}

func (l *layers) key(n name) (KeyRecord, bool) {
	r, ok := l.active.keys[n]
	if !ok && l.writing != nil {
		r, ok = l.writing.keys[n]
	}
	return r, ok
}

func (l *layers) fact(id factID) (value []byte, ok bool) {
	value, ok = l.active.facts[id]
	if !ok && l.writing != nil {
		value, ok = l.writing.facts[id]
	}
	return value, ok
}

// pending is an event that was written and of which Note has not told yet.
type pending struct {
	index uint64
	user  string
}
