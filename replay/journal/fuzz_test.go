package journal

import (
	"bytes"
	"errors"
	"testing"
)

// segmentOf is the bytes of a segment that holds the pieces of b, two in each
// commit.
func segmentOf(b []byte, salt uint32) (data []byte, records [][]byte) {
	data = make([]byte, preambleSize)
	head{first: 1, salt: salt, newestBefore: NoTime}.put(data)
	for rel := uint32(0); len(b) > 0; rel++ {
		n := min(len(b), 1+int(b[0])%40)
		f := openFrame(nil, int64(rel), b[:n])
		flags := uint32(flagBegin)
		if rel%2 == 1 {
			flags = flagEnd
		} else if n == len(b) {
			flags |= flagEnd
		}
		closeFrame(f, salt, rel, flags)
		data, records, b = append(data, f...), append(records, b[:n]), b[n:]
	}
	return data, records
}

// FuzzSegment: whatever stands in a file, reading ends, in order, with records
// whose checksum holds; what was written is read; and a change to what was
// written shows as less, never as something else.
func FuzzSegment(f *testing.F) {
	f.Add([]byte("some bytes that are cut into records of several lengths"), uint32(7), uint16(140), byte(1))
	f.Add([]byte{}, uint32(0), uint16(0), byte(0))
	f.Add(bytes.Repeat([]byte{0}, 300), uint32(1<<31), uint16(0), byte(0))
	raw, _ := segmentOf([]byte("a segment in a segment"), 7)
	f.Add(raw, uint32(7), uint16(9), byte(255))
	f.Fuzz(func(t *testing.T, b []byte, salt uint32, at uint16, change byte) {
		scan(t, b, salt) // as a file
		data, records := segmentOf(b, salt)
		if got := scan(t, data, salt); len(got) != len(records) {
			t.Fatalf("%d records of %d", len(got), len(records))
		}
		if len(records) == 0 {
			return
		}
		data[preambleSize+int(at)%(len(data)-preambleSize)] ^= change
		for rel, got := range scan(t, data, salt) {
			if rel >= uint64(len(records)) || !bytes.Equal(got, records[rel]) {
				t.Fatalf("record %d is %q", rel, got)
			}
		}
		settled, err := settle(&scanner{w: window{r: bytes.NewReader(data), end: int64(len(data))}, salt: salt, off: preambleSize})
		if err != nil || settled.rel > uint64(len(records)) || settled.off > int64(len(data)) {
			t.Fatal(settled, err)
		}
	})
}

// scan reads all of b in two ways, which must agree.
func scan(t *testing.T, b []byte, salt uint32) map[uint64][]byte {
	t.Helper()
	var all [2]map[uint64][]byte
	for i, step := range []int64{0, 7} {
		all[i] = map[uint64][]byte{}
		s := scanner{w: window{r: bytes.NewReader(b), end: int64(len(b)), step: step}, salt: salt, off: preambleSize}
		for rel, items := uint64(0), 0; ; items++ {
			it, err := s.next()
			if err != nil {
				t.Fatal(err)
			}
			if it.rel < rel || it.to < it.rel || items > len(b) {
				t.Fatalf("item %d: %+v after %d", items, it, rel)
			}
			if it.kind == kindEnd {
				break
			}
			if rel = it.to; it.kind == kindRecord {
				all[i][it.rel] = bytes.Clone(it.data)
			}
		}
	}
	if len(all[0]) != len(all[1]) {
		t.Fatalf("%d records, or %d in small steps", len(all[0]), len(all[1]))
	}
	return all[0]
}

// Names of files are ours only if we could have written them.
func TestSegmentNames(t *testing.T) {
	for name, want := range map[string]uint64{
		segmentName(1): 1, segmentName(1<<64 - 1): 1<<64 - 1,
		segmentName(0): 0, "1.log": 0, "lock": 0, segmentName(1) + tmpSuffix: 0, "-0000000000000000001.log": 0,
		"99999999999999999999.log": 0,
	} {
		if got, ok := parseName(name); ok != (want > 0) || ok && got != want {
			t.Errorf("%s: %d, %v", name, got, ok)
		}
	}
}

// An error of the disk while reading is passed on and is no damage.
func TestReadErrorIsNotDamage(t *testing.T) {
	s := scanner{w: window{r: brokenReader{}, end: 1000}, off: preambleSize}
	if _, err := s.next(); !errors.Is(err, errIO) {
		t.Error(err)
	}
}

type brokenReader struct{}

func (brokenReader) ReadAt([]byte, int64) (int, error) { return 0, errIO }
