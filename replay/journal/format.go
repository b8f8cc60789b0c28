package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

const (
	magic = "hubjrnl1"

	// A segment begins with two copies of its head, a sector apart in meaning if not
	// in place, so that one flipped bit does not lose the salt without which nothing
	// in the file can be checked.
	headBytes    = 32
	headSpacing  = 64
	preambleSize = 2 * headSpacing

	frameHead = 24

	flagMark  = 1 << 29
	flagBegin = 1 << 30
	flagEnd   = 1 << 31
	lenMask   = flagMark - 1

	segmentSuffix = ".log"
	tmpSuffix     = ".tmp"
)

// castagnoli is computed by the processor on amd64 and arm64.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// head is what a segment says of itself.
type head struct {
	first uint64
	// salt is what checksums of the segment start from: random, so that nobody can
	// write a record that looks like records, and so that blocks that once belonged
	// to another file never pass for this one's.
	salt uint32
	// newestBefore is the newest time of all segments before this one: what a closed
	// segment's age is known by without reading it.
	newestBefore int64
}

// put writes both copies into b, which is zero and of preambleSize.
func (h head) put(b []byte) {
	for i := range 2 {
		c := b[i*headSpacing:][:headBytes]
		copy(c, magic)
		binary.LittleEndian.PutUint64(c[8:], h.first)
		binary.LittleEndian.PutUint32(c[16:], h.salt)
		binary.LittleEndian.PutUint64(c[20:], uint64(h.newestBefore)) //nolint:gosec // two's complement both ways
		binary.LittleEndian.PutUint32(c[28:], crc32.Checksum(c[:28], castagnoli))
	}
}

// parseHead reads the first copy that is whole. copies is how many are.
func parseHead(b []byte, first uint64) (h head, copies int) {
	for i := range 2 {
		if len(b) < i*headSpacing+headBytes {
			break
		}
		c := b[i*headSpacing:][:headBytes]
		if string(c[:8]) != magic || crc32.Checksum(c[:28], castagnoli) != binary.LittleEndian.Uint32(c[28:]) ||
			binary.LittleEndian.Uint64(c[8:]) != first {
			continue
		}
		h.first, h.salt = first, binary.LittleEndian.Uint32(c[16:])
		h.newestBefore = int64(binary.LittleEndian.Uint64(c[20:])) //nolint:gosec // two's complement both ways
		copies++
	}
	return h, copies
}

// frame is the head of a record on disk:
//
//	0  checksum of bytes 4 to 23
//	4  checksum of the record
//	8  length, and flags in the three highest bits
//	12 index, counted from the segment's first
//	16 time
//
// Numbers are little-endian, checksums CRC-32C started from the segment's salt.
type frame struct {
	sum uint32
	len int64
	// begin and end are the first and the last record of a commit; a begin proves
	// that everything before it had been synced.
	begin, end bool
	// mark is no record but the sign of an orderly end. It has no length, and the
	// index of the record that comes next.
	mark bool
	rel  uint32
	at   int64
}

// parseFrame reads a head from the first frameHead bytes of b.
func parseFrame(b []byte, salt uint32) (frame, bool) {
	_ = b[frameHead-1]
	bits := binary.LittleEndian.Uint32(b[8:])
	f := frame{
		sum: binary.LittleEndian.Uint32(b[4:]), len: int64(bits & lenMask),
		begin: bits&flagBegin != 0, end: bits&flagEnd != 0, mark: bits&flagMark != 0,
		rel: binary.LittleEndian.Uint32(b[12:]),
		at:  int64(binary.LittleEndian.Uint64(b[16:])), //nolint:gosec // two's complement both ways
	}
	if f.len > MaxRecordBytes || f.mark && f.len != 0 || f.rel == 0 && !f.begin {
		return frame{}, false // the last is what zeros look like
	}
	return f, crc32.Update(salt, castagnoli, b[4:frameHead]) == binary.LittleEndian.Uint32(b)
}

// openFrame appends a head that lacks what only the commit knows, and the record.
func openFrame(b []byte, at int64, record []byte) []byte {
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(record))) //nolint:gosec // at most MaxRecordBytes
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(at)) //nolint:gosec // two's complement both ways
	return append(b, record...)
}

// closeFrame completes the head at the beginning of b, and returns the length of
// the frame and its time.
func closeFrame(b []byte, salt, rel, flags uint32) (size, at int64) {
	n := binary.LittleEndian.Uint32(b[8:]) & lenMask
	binary.LittleEndian.PutUint32(b[4:], crc32.Update(salt, castagnoli, b[frameHead:][:n]))
	binary.LittleEndian.PutUint32(b[8:], n|flags)
	binary.LittleEndian.PutUint32(b[12:], rel)
	binary.LittleEndian.PutUint32(b, crc32.Update(salt, castagnoli, b[4:frameHead]))
	return frameHead + int64(n), int64(binary.LittleEndian.Uint64(b[16:])) //nolint:gosec // two's complement both ways
}

// segmentName sorts like the index.
func segmentName(first uint64) string { return fmt.Sprintf("%020d", first) + segmentSuffix }

// parseName is the inverse of segmentName.
func parseName(name string) (first uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok {
		return 0, false
	}
	first, err := strconv.ParseUint(digits, 10, 64)
	return first, err == nil && first > 0 && segmentName(first) == name
}
