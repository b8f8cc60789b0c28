package ledger

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"hubline/replay"
)

// userRow is where a user's log stands. The epoch is a number in the ledger's list
// of epochs: a million users share a few.
type userRow struct {
	epoch    uint32
	head, at uint64
	seen     int64 // Unix milliseconds; the table keeps minutes
}

type cursorRow struct {
	cursor replay.Cursor
	saved  int64 // Unix milliseconds
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal appends the checksum of a row and the key that it belongs to: the pages of
// the table have none.
func seal(key, row []byte) []byte {
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, row)
	return binary.LittleEndian.AppendUint32(row, sum)
}

// unseal returns the row without its checksum.
func unseal(key, sealed []byte) (wire, bool) {
	n := len(sealed) - 4
	if n < 0 || crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, sealed[:n]) != binary.LittleEndian.Uint32(sealed[n:]) {
		return wire{bad: true}, false
	}
	return wire{b: sealed[:n]}, true
}

const perMinute = int64(time.Minute / time.Millisecond)

func (r userRow) encode(key []byte) []byte {
	b := binary.AppendUvarint(make([]byte, 0, 32), uint64(r.epoch))
	b = binary.AppendUvarint(b, r.head)
	b = binary.AppendUvarint(b, r.at)
	return seal(key, binary.AppendVarint(b, r.seen/perMinute))
}

func decodeUser(key, sealed []byte) (userRow, bool) {
	w, _ := unseal(key, sealed)
	r := userRow{epoch: uint32(w.small()), head: w.uvarint(), at: w.uvarint()} //nolint:gosec // small
	minutes := w.varint()
	r.seen = minutes * perMinute
	return r, w.done() && r.seen/perMinute == minutes
}

func (r cursorRow) encode(key []byte) []byte {
	b := binary.AppendVarint(make([]byte, 0, 48), r.saved)
	b = binary.AppendUvarint(b, r.cursor.Seq)
	return seal(key, appendText(b, r.cursor.Epoch))
}

func decodeCursor(key, sealed []byte) (cursorRow, bool) {
	w, _ := unseal(key, sealed)
	r := cursorRow{saved: w.varint()}
	r.cursor.Seq, r.cursor.Epoch = w.uvarint(), w.text()
	return r, w.done()
}

// encode leaves out the name, which is in the key.
func (r *KeyRecord) encode(key []byte) []byte {
	b := append(make([]byte, 0, 96), r.Digest[:]...)
	b = appendText(b, r.ID)
	b = appendCount(b, r.Delivered)
	b = appendText(b, r.Cursor.Epoch)
	b = binary.AppendUvarint(b, r.Cursor.Seq)
	b = binary.AppendUvarint(b, r.At)
	return seal(key, binary.AppendVarint(b, r.Saved.UnixMilli()))
}

func decodeKey(key, sealed []byte) (r KeyRecord, ok bool) {
	w, _ := unseal(key, sealed)
	copy(r.Digest[:], w.take(len(r.Digest)))
	r.ID, r.Delivered = w.text(), w.small()
	r.Cursor.Epoch, r.Cursor.Seq = w.text(), w.uvarint()
	r.At, r.Saved = w.uvarint(), time.UnixMilli(w.varint())
	return r, w.done()
}

// name is a user and something of the user: a device, a key.
type name struct{ user, of string }

// key is the name as a key of the table. Those of one user stand together.
func (n name) key() []byte {
	return append(appendText(make([]byte, 0, 2+len(n.user)+len(n.of)), n.user), n.of...)
}

func parseName(key []byte) (name, bool) {
	w := wire{b: key}
	n := name{user: w.text()}
	n.of = string(w.b)
	return n, !w.bad
}

// dueKey orders keys by the time they were saved.
func dueKey(saved int64, key []byte) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(key)), uint64(max(0, saved))) //nolint:gosec // not negative
	return append(b, key...)
}
