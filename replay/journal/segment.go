package journal

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// spotBytes is how far apart the places are that are remembered in memory, one
// of 8 bytes for each: a Read passes over half of it.
const spotBytes = 4 << 10

// spot is where a record begins.
type spot struct{ rel, off uint32 }

// segment is one file: the records from first up to, not including, next.
type segment struct {
	name  string // base name
	first uint64
	salt  uint32
	// headless: no copy of the head is whole, so nothing in it can be read.
	headless bool
	dropped  atomic.Bool

	mu   sync.Mutex
	next uint64
	end  int64 // bytes that are committed; for a closed segment those of the file
	size int64 // bytes of the file, with what is reserved
	// newest is the latest time in this segment and those before it. MaxInt64 means
	// that it is not known, because the head of the next is lost.
	newest int64
	// indexed: spots and damage cover the segment. Closed segments are looked
	// through when they are first read.
	indexed bool
	spots   []spot
	damage  []*CorruptError
}

// bounds returns where the committed part ends.
func (s *segment) bounds() (next uint64, end int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next, s.end
}

// info is what Segments tells.
func (s *segment) info() SegmentInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return SegmentInfo{First: s.first, Last: s.next - 1, Bytes: s.size, Newest: s.newest}
}

// grow adds a commit.
func (s *segment) grow(spots []spot, next uint64, end, size, newest int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spots = append(s.spots, spots...)
	s.next, s.end, s.size, s.newest = next, end, size, max(s.newest, newest)
}

// adopt takes the spots of a segment that was walked through.
func (s *segment) adopt(spots []spot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.indexed {
		s.spots, s.indexed = spots, true
	}
}

// place returns where to begin to read for a record, and where the next spot is.
func (s *segment) place(rel uint64) (from spot, until int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := slices.BinarySearchFunc(s.spots, rel, func(sp spot, rel uint64) int {
		return cmp.Compare(uint64(sp.rel), rel)
	})
	if !found {
		i--
	}
	until = s.end
	if i+1 < len(s.spots) {
		until = int64(s.spots[i+1].off)
	}
	if i < 0 {
		return spot{off: preambleSize}, until
	}
	return s.spots[i], until
}

// note remembers a damaged place and reports whether it is new.
func (s *segment) note(d *CorruptError) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := slices.ContainsFunc(s.damage, func(o *CorruptError) bool { return *o == *d })
	if !known {
		s.damage = append(s.damage, d)
	}
	return !known
}

// damaged returns the known damage that an index lies in, or nil.
func (s *segment) damaged(index uint64) *CorruptError {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.damage {
		if index >= d.First && index <= d.Last {
			return d
		}
	}
	return nil
}

// damageAt describes records rel up to, not including, to.
func (s *segment) damageAt(off int64, rel, to uint64) *CorruptError {
	return &CorruptError{File: s.name, Offset: off, First: s.first + rel, Last: s.first + to - 1}
}

// spotter chooses the spots of frames that come in order.
type spotter struct {
	spots []spot
	block int64 // of the last spot; -1 is none
}

func (sp *spotter) add(rel uint64, off int64) {
	if block := off / spotBytes; block != sp.block {
		sp.spots = append(sp.spots, spot{uint32(rel), uint32(off)}) //nolint:gosec // segments are below 4 GiB
		sp.block = block
	}
}

// item adds what a scanner found.
func (sp *spotter) item(it item) {
	if it.headOK && !it.mark {
		sp.add(it.rel, it.off)
	}
}

// SegmentInfo tells what dropping a segment would give back, and lose.
type SegmentInfo struct {
	// First and Last are its indexes, both included; Last is First-1 if it is empty.
	First, Last uint64
	// Bytes is the size of the file.
	Bytes int64
	// Newest is the latest time given to a record of this segment or one before it.
	// NoTime means that there is no record, UnknownTime that damage hides it: then
	// nothing should be dropped for its age by mistake.
	Newest int64
}

// Times that are none. A record should have neither.
const (
	NoTime      = -math.MaxInt64
	UnknownTime = math.MaxInt64
)
