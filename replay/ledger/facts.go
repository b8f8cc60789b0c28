package ledger

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// Fact is something beside the events that holds until another is said: that a user
// is in a channel, that tokens are revoked. It is named by its kind and two texts.
type Fact struct {
	Kind     FactKind
	Of, Name string // at most 8 KiB each; Name is not empty
	// Value is what holds, at most 1 KiB; nil means that the fact holds no more.
	Value []byte
}

// FactKind tells facts apart whose names could be the same.
type FactKind byte

// The kinds. Their numbers are on disk.
const (
	// Member: the user Name is in the channel Of. The value is of no meaning.
	Member FactKind = 1
	// Revoked: tokens that Of and Name say are not accepted.
	Revoked FactKind = 2
)

const maxFactValue = 1 << 10

// factID is the name of a fact.
type factID struct {
	kind FactKind
	name
}

// key is the name as a key of the table. Facts of a kind, and of one Of, stand together.
func (id factID) key() []byte {
	b := make([]byte, 0, 3+len(id.user)+len(id.of))
	return append(appendText(append(b, byte(id.kind)), id.user), id.of...)
}

func parseFactID(key []byte) (id factID, ok bool) {
	if len(key) == 0 {
		return id, false
	}
	id.kind = FactKind(key[0])
	id.name, ok = parseName(key[1:])
	return id, ok
}

func (f *Fact) id() factID { return factID{f.Kind, name{f.Of, f.Name}} }

func (f *Fact) valid() bool {
	return validName(f.Name) && len(f.Of) <= maxName && len(f.Value) <= maxFactValue
}

// SaveFacts puts facts on disk as one commit, all or none; a later one of the same
// name counts. Errors as Append.
func (l *Ledger) SaveFacts(facts []Fact) error {
	if len(facts) == 0 {
		return nil
	}
	for i := range facts {
		if !facts[i].valid() {
			return ErrName
		}
	}
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	if err := l.room(); err != nil {
		return err
	}
	l.buf = appendFacts(l.buf, facts)
	l.records = append(l.records, l.buf)
	// Unlike that of a cursor, the loss of such a record must not go unnoticed: its time
	// is that of an event, so damage to it changes epochs.
	index, err := l.write(max(l.opts.Now().UnixMilli(), cursorTime+1))
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range facts {
		l.active.putFact(facts[i])
	}
	l.wroteLocked(index)
	return nil
}

// Facts calls yield for every fact of a kind that holds, in no order, until it
// returns false. A fact that is saved meanwhile may be among them or not. Rows that
// cannot be read are counted, logged and left out. yield must not call the ledger.
func (l *Ledger) Facts(kind FactKind, yield func(f Fact) bool) {
	recent := map[factID][]byte{}
	l.mu.Lock()
	for _, o := range []*overlay{l.writing, l.active} {
		if o == nil {
			continue
		}
		for id, value := range o.facts {
			if id.kind == kind {
				recent[id] = value
			}
		}
	}
	l.mu.Unlock()
	for id, value := range recent {
		if value != nil && !yield(Fact{kind, id.user, id.of, value}) {
			return
		}
	}
	err := l.table.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketFacts)
		if b == nil {
			return nil
		}
		c := b.Cursor()
		prefix := []byte{byte(kind)}
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			id, named := parseFactID(k)
			w, whole := unseal(k, v)
			if !named || !whole {
				l.badRow("row of a fact is damaged", id.of, nil)
				continue
			}
			if _, newer := recent[id]; !newer && !yield(Fact{kind, id.user, id.of, append([]byte{}, w.b...)}) {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		l.badRow("facts could not be listed", "", err)
	}
}

// appendFacts appends the record of facts.
func appendFacts(b []byte, facts []Fact) []byte {
	b = appendCount(append(b, kindFacts), len(facts))
	for i := range facts {
		f := &facts[i]
		b = append(b, byte(f.Kind))
		b = appendText(appendText(b, f.Of), f.Name)
		if f.Value == nil {
			b = append(b, 0)
			continue
		}
		b = append(appendCount(append(b, 1), len(f.Value)), f.Value...)
	}
	return b
}

// facts decodes what appendFacts wrote. Nothing of it lies in the record.
func (h *head) facts(each func(f Fact)) error {
	w := &h.rest
	for range w.count() {
		f := Fact{Kind: FactKind(w.byte()), Of: w.text(), Name: w.text()}
		switch w.byte() {
		case 0:
		case 1:
			f.Value = append([]byte{}, w.bytes()...)
		default:
			w.bad = true
		}
		if w.bad || !f.valid() {
			return errRecord
		}
		each(f)
	}
	if !w.done() {
		return errRecord
	}
	return nil
}
