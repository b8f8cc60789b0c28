package ledger

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hubline/replay/journal"
)

const (
	defaultKeyTTL          = 24 * time.Hour
	defaultForgetAfter     = 30 * 24 * time.Hour
	defaultCheckpointEvery = 10 * time.Second
	defaultCheckpointSize  = 32 << 10

	// overlayFactor is how many checkpoint sizes may wait in memory before Append
	// waits for the table: what a slow table costs, about 100 bytes for each change.
	overlayFactor = 4

	// segmentShare: a bound on bytes is kept in steps of a segment, so one must be a
	// small part of it.
	segmentShare = 8
	minSegment   = 1 << 10
)

// Options of a Ledger. The zero value works.
type Options struct {
	// MaxAge is how long an event is worth keeping; segments of the log whose events
	// are all older are dropped. It should not be below replay.Config.MaxAge. Zero or
	// less means for ever.
	MaxAge time.Duration
	// MaxBytes is how large the log may become before its oldest segments are
	// dropped. Zero means without bound.
	MaxBytes int64
	// KeyTTL is how long an idempotency key is remembered: at least that, at least
	// MaxAge, and if events are kept for ever, at least as long as its event. Zero
	// means 24 hours.
	KeyTTL time.Duration
	// ForgetAfter is how long a user without events, or a device's cursor that does
	// not move, is remembered; at least MaxAge. Zero means 30 days.
	ForgetAfter time.Duration
	// CheckpointEvery and CheckpointSize say when changes move from memory to the
	// table: after a time, or after that many. Zero means 10 s and 32,768.
	CheckpointEvery time.Duration
	CheckpointSize  int
	// Journal are the options of the log. SegmentBytes is at most an eighth of
	// MaxBytes; its Logger is ours if it has none.
	Journal journal.Options
	// Progress is called about once a second while Open reads the log, with the
	// records read and those there are. Nil is not called.
	Progress func(done, total int64)
	// Logger gets a line for all damage. Nil discards.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time

	// For tests.
	noSync        bool // of the table
	maxAffected   int
	progressEvery time.Duration
}

// Validate returns all problems of the options, joined.
func (o Options) Validate() error {
	var errs []error
	notNegative := func(name string, v int64) {
		if v < 0 {
			errs = append(errs, fmt.Errorf("ledger: %s is negative: %d", name, v))
		}
	}
	notNegative("MaxBytes", o.MaxBytes)
	notNegative("KeyTTL", int64(o.KeyTTL))
	notNegative("ForgetAfter", int64(o.ForgetAfter))
	notNegative("CheckpointEvery", int64(o.CheckpointEvery))
	notNegative("CheckpointSize", int64(o.CheckpointSize))
	return errors.Join(append(errs, o.Journal.Validate())...)
}

func (o Options) withDefaults() Options {
	fill := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	fill(&o.KeyTTL, defaultKeyTTL)
	fill(&o.ForgetAfter, defaultForgetAfter)
	fill(&o.CheckpointEvery, defaultCheckpointEvery)
	fill(&o.progressEvery, time.Second)
	o.KeyTTL, o.ForgetAfter = max(o.KeyTTL, o.MaxAge), max(o.ForgetAfter, o.MaxAge)
	if o.maxAffected == 0 {
		o.maxAffected = maxAffected
	}
	if o.CheckpointSize == 0 {
		o.CheckpointSize = defaultCheckpointSize
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	if o.Journal.Logger == nil {
		o.Journal.Logger = o.Logger
	}
	if most := max(o.MaxBytes/segmentShare, minSegment); o.MaxBytes > 0 && most < 64<<20 &&
		(o.Journal.SegmentBytes == 0 || o.Journal.SegmentBytes > most) {
		o.Journal.SegmentBytes = most
	}
	return o
}
