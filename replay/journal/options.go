package journal

import (
	"errors"
	"fmt"
	"log/slog"
)

const (
	// MaxRecordBytes is the longest record. A longer length in a file is damage.
	MaxRecordBytes = 16 << 20

	defaultSegmentBytes  = 64 << 20
	defaultCommitRecords = 8192
	defaultCommitBytes   = 1 << 20
	defaultWaitingBytes  = 32 << 20

	minSegmentBytes = 1 << 10
	// maxBytes keeps offsets in a segment, one submission beyond its size and the
	// slack of a rotation that failed included, below 4 GiB.
	maxBytes = 512 << 20
)

// Options bound a Journal. The zero value works.
type Options struct {
	// SegmentBytes is how large a file may grow before the next is begun: what
	// DropBefore gives back at a time. A submission that is larger has a file of
	// its own. 1 KiB to 512 MiB; zero means 64 MiB.
	SegmentBytes int64
	// MaxCommitRecords and MaxCommitBytes are how much one commit takes at most of
	// what waits, so that the first of a long queue need not wait for the last. One
	// submission is never split. Zero means 8192 records and 1 MiB.
	MaxCommitRecords int
	MaxCommitBytes   int
	// MaxWaitingBytes is how many bytes, with 24 per record added, may have been
	// submitted and not yet been written. It is what a stalled disk costs in
	// memory. At most 512 MiB; zero means 32 MiB.
	MaxWaitingBytes int64
	// Logger gets a line for a torn tail, for each damaged place, and for a
	// failure. Nil discards.
	Logger *slog.Logger
	// FS is the file system. Nil means the machine's.
	FS FS
}

// Validate returns all problems of the options, joined.
func (o Options) Validate() error {
	var errs []error
	bound := func(name string, v, low, high int64) {
		if v != 0 && (v < low || v > high) {
			errs = append(errs, fmt.Errorf("journal: %s is %d, not in %d to %d", name, v, low, high))
		}
	}
	bound("SegmentBytes", o.SegmentBytes, minSegmentBytes, maxBytes)
	bound("MaxCommitRecords", int64(o.MaxCommitRecords), 1, maxBytes)
	bound("MaxCommitBytes", int64(o.MaxCommitBytes), 1, maxBytes)
	bound("MaxWaitingBytes", o.MaxWaitingBytes, 1, maxBytes)
	return errors.Join(errs...)
}

func (o Options) withDefaults() Options {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = defaultSegmentBytes
	}
	if o.MaxCommitRecords == 0 {
		o.MaxCommitRecords = defaultCommitRecords
	}
	if o.MaxCommitBytes == 0 {
		o.MaxCommitBytes = defaultCommitBytes
	}
	if o.MaxWaitingBytes == 0 {
		o.MaxWaitingBytes = defaultWaitingBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = osFS{}
	}
	return o
}
