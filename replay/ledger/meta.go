package ledger

import (
	"encoding/binary"
	"math"
	"slices"

	"hubline/replay"
)

// meta is the one row of the table that says what the table is.
type meta struct {
	index   uint64 // up to where the log is contained in the table
	users   uint64 // rows
	epochs  epochs
	drops   []dropped
	damaged spans // known to be lost and dealt with
	// rebuilding: the table was made anew and does not contain what it should.
	rebuilding bool
	facts      uint64 // rows
	restated   restated
	// factsLost: rows of facts have changed or are missing. It stays until the log has
	// been read for them.
	factsLost bool
	// lostRows are the names in rows of users that have changed, and are perhaps not
	// the names that they had. Known when the table is opened; not written.
	lostRows []string
}

// dropped says why the log up to an index is gone.
type dropped struct {
	upTo uint64
	why  replay.Reason
}

// uncounted are rows that are counted when the table is opened.
const uncounted = math.MaxUint64

// maxDrops: the reasons of longest ago are one.
const maxDrops = 64

const metaVersion = 1

const (
	metaRebuilding = 1 << iota
	metaFactsLost
)

var metaKey = []byte("ledger")

func (m *meta) encode() []byte {
	b := append(make([]byte, 0, 128), metaVersion, 0)
	if m.rebuilding {
		b[1] |= metaRebuilding
	}
	if m.factsLost {
		b[1] |= metaFactsLost
	}
	for _, v := range []uint64{m.index, m.users, uint64(m.epochs.base), uint64(m.epochs.floor)} {
		b = binary.AppendUvarint(b, v)
	}
	b = appendCount(b, len(m.epochs.texts))
	for _, s := range m.epochs.texts {
		b = appendText(b, s)
	}
	b = appendCount(b, len(m.drops))
	for _, d := range m.drops {
		b = appendText(binary.AppendUvarint(b, d.upTo), string(d.why))
	}
	b = appendCount(b, len(m.damaged))
	for _, p := range m.damaged {
		b = binary.AppendUvarint(binary.AppendUvarint(b, p.first), p.last)
	}
	for _, v := range []uint64{m.facts, m.restated.from, m.restated.last, uint64(m.restated.bytes)} { //nolint:gosec // not negative
		b = binary.AppendUvarint(b, v)
	}
	return seal(metaKey, b)
}

func decodeMeta(sealed []byte) (m meta, ok bool) {
	w, _ := unseal(metaKey, sealed)
	if w.byte() != metaVersion {
		return meta{}, false
	}
	flags := w.byte()
	m.rebuilding, m.factsLost = flags&metaRebuilding != 0, flags&metaFactsLost != 0
	m.index, m.users = w.uvarint(), w.uvarint()
	m.epochs.base, m.epochs.floor = uint32(w.small()), uint32(w.small()) //nolint:gosec // small
	for range w.count() {
		m.epochs.intern(w.text())
	}
	for range w.count() {
		m.drops = append(m.drops, dropped{w.uvarint(), replay.Reason(w.text())})
	}
	for range w.count() {
		m.damaged = append(m.damaged, span{w.uvarint(), w.uvarint()})
	}
	if len(w.b) > 0 { // a table may be older than these
		m.facts, m.restated.from, m.restated.last = w.uvarint(), w.uvarint(), w.uvarint()
		m.restated.bytes = int64(w.uvarint()) //nolint:gosec // was an int64
	} else {
		m.facts = uncounted
	}
	return m, w.done() && int(m.epochs.base) < len(m.epochs.texts)
}

// drop notes that the log up to an index goes, and why.
func (m *meta) drop(upTo uint64, why replay.Reason) {
	drops := m.drops
	for n := len(drops); n > 0 && (drops[n-1].why == why || drops[n-1].upTo >= upTo); n = len(drops) {
		drops = drops[:n-1]
	}
	drops = append(slices.Clip(drops), dropped{upTo, why})
	if len(drops) > maxDrops {
		drops = drops[1:]
	}
	m.drops = drops
}

// reason returns why a record before the first is gone.
func (m *meta) reason(index uint64) replay.Reason {
	for _, d := range m.drops {
		if index <= d.upTo {
			return d.why
		}
	}
	return replay.Evicted
}
