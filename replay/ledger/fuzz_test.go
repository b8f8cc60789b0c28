package ledger

import (
	"bytes"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hubline/replay"
)

// decode is what recovery does with a record.
func decode(b []byte) (e Entry, cursors []DeviceCursor, facts []Fact, ok bool) {
	h, ok := parseHead(b)
	if !ok {
		return e, nil, nil, false
	}
	switch h.kind {
	case kindFacts:
		err := h.facts(func(f Fact) { facts = append(facts, f) })
		return e, nil, facts, err == nil
	case kindCursors:
		err := h.cursors(func(user, device string, c cursorRow) {
			cursors = append(cursors, DeviceCursor{User: user, Device: device, Cursor: c.cursor, Saved: time.UnixMilli(c.saved)})
		})
		return e, cursors, nil, err == nil
	}
	e, err := h.entry()
	return e, nil, nil, err == nil
}

// Foreign bytes are refused or understood, never more: no panic, no memory beyond
// their size, and what was understood is written and read as the same.
func FuzzRecord(f *testing.F) {
	ev := &replay.Event{
		ID: "i", Type: "t", Channel: "c", Device: "d", ExceptDevice: "x", ContextID: "k",
		Data: []byte("{}"), Arguments: []byte("[]"), Time: t0, Expires: t0 + 1, IDGiven: true,
	}
	keys := []Key{{Name: "k", ID: "i", Delivered: 3}}
	f.Add(appendEntry(nil, &Entry{User: "ann", Event: ev, Epoch: "e", Seq: 3, Prev: 2, Keys: keys}))
	f.Add(appendEntry(nil, &Entry{User: "ann", Epoch: "e", Seq: 3, Prev: 2, Body: 1}))
	f.Add(appendEntry(nil, &Entry{Event: ev, Keys: keys}))
	f.Add(appendCursors(nil, t0, []DeviceCursor{{User: "ann", Device: "d", Cursor: replay.Cursor{Epoch: "e", Seq: 1}}}))
	f.Add(appendFacts(nil, []Fact{{Kind: Member, Of: "c", Name: "ann", Value: []byte{}}, {Kind: Revoked, Name: "j"}}))
	f.Add([]byte{kindBody, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{kindCursors, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, cursors, facts, ok := decode(b)
		if h, headed := parseHead(b); headed {
			if ev, err := h.event(); err == nil && h.kind == kindBody && !cmp.Equal(ev, e.Event) {
				t.Errorf("%+v, and %+v alone", e.Event, ev)
			}
		}
		if !ok {
			return
		}
		var again []byte
		switch b[0] {
		case kindCursors:
			if len(cursors) == 0 {
				return
			}
			again = appendCursors(nil, cursors[0].Saved.UnixMilli(), cursors)
		case kindFacts:
			again = appendFacts(nil, facts)
		default:
			again = appendEntry(nil, &e)
		}
		if len(again) > len(b) {
			t.Errorf("%d bytes from %d", len(again), len(b))
		}
		e2, cursors2, facts2, ok := decode(again)
		if !ok || !reflect.DeepEqual(e, e2) || !reflect.DeepEqual(cursors, cursors2) || !reflect.DeepEqual(facts, facts2) {
			t.Errorf("%+v %v %v, then %+v %v %v", e, cursors, facts, e2, cursors2, facts2)
		}
	})
}

// Rows are behind a checksum, but a program with a fault can seal anything.
func FuzzRow(f *testing.F) {
	key := []byte("ann")
	add := func(sealed []byte) { f.Add(sealed[:len(sealed)-4]) }
	add(userRow{1, 2, 3, t0}.encode(key))
	add(cursorRow{replay.Cursor{Epoch: "e", Seq: 1}, t0}.encode(key))
	add((&KeyRecord{Key: Key{ID: "i", Delivered: 1}, Saved: time.UnixMilli(t0)}).encode(key))
	f.Add([]byte("000\x8f\x8f\x8f\x8f\x8f\x8f\x8f0")) // a time beyond all
	m := meta{index: 9, drops: []dropped{{3, replay.Expired}}, damaged: spans{{1, 2}}}
	m.epochs.add()
	add(m.encode())
	f.Fuzz(func(t *testing.T, row []byte) {
		sealed := seal(key, bytes.Clone(row))
		if r, ok := decodeUser(key, sealed); ok {
			if again, ok := decodeUser(key, r.encode(key)); !ok || again != r {
				t.Errorf("%+v, then %+v", r, again)
			}
		}
		if r, ok := decodeCursor(key, sealed); ok {
			if again, ok := decodeCursor(key, r.encode(key)); !ok || again != r {
				t.Errorf("%+v, then %+v", r, again)
			}
		}
		if r, ok := decodeKey(key, sealed); ok {
			if again, ok := decodeKey(key, r.encode(key)); !ok || again != r {
				t.Errorf("%+v, then %+v", r, again)
			}
		}
		if m, ok := decodeMeta(seal(metaKey, bytes.Clone(row))); ok {
			if _, ok := decodeMeta(m.encode()); !ok || m.epochs.text(0) == "" && m.epochs.texts[0] != "" {
				t.Errorf("%+v", m)
			}
		}
		parseName(row)
		if id, ok := parseFactID(row); ok && !bytes.Equal(id.key(), row) {
			if again, ok := parseFactID(id.key()); !ok || again != id {
				t.Errorf("%+v, then %+v", id, again)
			}
		}
	})
}

// Whatever is written is read as the same.
func TestEntriesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := func(label string) []byte {
			if rapid.Bool().Draw(t, label+" nil") {
				return nil
			}
			return append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(t, label)...)
		}
		text := rapid.String()
		ev := &replay.Event{
			ID: text.Draw(t, "id"), Type: text.Draw(t, "type"), Channel: text.Draw(t, "channel"), Device: text.Draw(t, "device"),
			ExceptDevice: text.Draw(t, "except"), ContextID: text.Draw(t, "context"), Data: raw("data"), Arguments: raw("arguments"),
			Time: rapid.Int64().Draw(t, "time"), Expires: rapid.Int64().Draw(t, "expires"), IDGiven: rapid.Bool().Draw(t, "given"),
		}
		e := Entry{User: text.Draw(t, "user"), Event: ev}
		for _, k := range rapid.SliceOfN(rapid.StringN(1, 9, 99), 0, 3).Draw(t, "keys") {
			e.Keys = append(e.Keys, Key{Name: k, Digest: [16]byte{1, 2}, ID: k, Delivered: rapid.IntRange(0, 1<<30).Draw(t, "delivered")})
		}
		if e.User != "" {
			e.Epoch, e.Seq, e.Prev = text.Draw(t, "epoch"), rapid.Uint64Min(1).Draw(t, "seq"), rapid.Uint64().Draw(t, "prev")
			if e.Body = rapid.Uint64().Draw(t, "body"); e.Body != 0 {
				e.Event = nil
			}
		}
		got, _, _, ok := decode(appendEntry(nil, &e))
		if !ok || !reflect.DeepEqual(got, e) {
			t.Errorf("got %+v %v, want %+v", got, ok, e)
		}
	})
}

// A record that promises much costs what it is, not what it promises.
func TestForeignLengthsCostNothing(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
	var records [][]byte
	for n := range 12 {
		for _, kind := range []byte{kindEvent, kindBody, kindCursors, kindFacts} {
			records = append(records, append(append([]byte{kind}, bytes.Repeat([]byte{1}, n)...), huge...))
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, b := range records {
		decode(b)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 64<<10 {
		t.Errorf("%d bytes were allocated", n)
	}
}
