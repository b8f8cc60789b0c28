package replay

import (
	"errors"
	"fmt"
	"time"
)

const (
	defaultMaxEvents     = 1000
	defaultMaxBytes      = 1 << 20
	defaultMaxAge        = 24 * time.Hour
	defaultMaxUsers      = 100_000
	defaultMaxTotalBytes = 256 << 20
	defaultMaxWatermarks = 100_000

	// maxMaxEvents keeps the ring's indexes in 32 bits.
	maxMaxEvents = 1 << 30
)

// Config bounds a Store. The zero value works.
type Config struct {
	// MaxEvents is how many events one user's log keeps. Zero means 1000.
	MaxEvents int
	// MaxBytes is how many bytes (Event.Size) one user's log keeps. A single event
	// larger than that is kept, alone. Zero means 1 MiB.
	MaxBytes int
	// MaxAge is how long an event is kept, from Event.Time, in steps of a
	// millisecond. Zero means 24 hours, negative means for ever.
	MaxAge time.Duration
	// MaxUsers is how many logs with events there may be. Pinned logs count but
	// cannot be evicted. Zero means 100,000.
	MaxUsers int
	// MaxTotalBytes is how many bytes all logs with events may take: their events
	// (Event.Size), and 320 for each log. Zero means 256 MiB.
	MaxTotalBytes int64
	// MaxWatermarks is how many users without a log are remembered by the epoch and
	// head of the one they had, at about 150 bytes each and the user's name. Zero
	// means 100,000.
	MaxWatermarks int
	// Backing keeps events where they outlive the Store. Nil means that they are
	// kept in memory alone.
	Backing Backing
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Validate returns all problems of the configuration, joined.
func (c Config) Validate() error {
	var errs []error
	notNegative := func(name string, v int64) {
		if v < 0 {
			errs = append(errs, fmt.Errorf("replay: %s is negative: %d", name, v))
		}
	}
	notNegative("MaxEvents", int64(c.MaxEvents))
	notNegative("MaxBytes", int64(c.MaxBytes))
	notNegative("MaxUsers", int64(c.MaxUsers))
	notNegative("MaxTotalBytes", c.MaxTotalBytes)
	notNegative("MaxWatermarks", int64(c.MaxWatermarks))
	if c.MaxEvents > maxMaxEvents {
		errs = append(errs, fmt.Errorf("replay: MaxEvents is %d, at most %d", c.MaxEvents, maxMaxEvents))
	}
	return errors.Join(errs...)
}

// withDefaults fills what is zero. It also replaces what Validate would have
// refused, since NewStore cannot.
func (c Config) withDefaults() Config {
	if c.MaxEvents <= 0 {
		c.MaxEvents = defaultMaxEvents
	}
	c.MaxEvents = min(c.MaxEvents, maxMaxEvents)
	if c.MaxBytes <= 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.MaxAge == 0 {
		c.MaxAge = defaultMaxAge
	}
	if c.MaxUsers <= 0 {
		c.MaxUsers = defaultMaxUsers
	}
	if c.MaxTotalBytes <= 0 {
		c.MaxTotalBytes = defaultMaxTotalBytes
	}
	if c.MaxWatermarks <= 0 {
		c.MaxWatermarks = defaultMaxWatermarks
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}
