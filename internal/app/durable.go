package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hubline/api"
	"hubline/api/auth"
	"hubline/broker"
	"hubline/internal/config"
	"hubline/replay"
	"hubline/replay/journal"
	"hubline/replay/ledger"
)

// sweepInterval is how often aged events are dropped from the memory.
const sweepInterval = 10 * time.Second

// presenceInterval is how often those are looked for whose grace has ended.
const presenceInterval = 250 * time.Millisecond

// retainInterval is how often the log on disk is looked through for what may go;
// overInterval is how often it is looked whether it is over its bound, which then is
// not waited for.
const (
	retainInterval = time.Minute
	overInterval   = time.Second
)

// newBroker makes the core and, unless events are to be kept in memory alone, opens
// the log on disk behind it.
func newBroker(cfg config.Config, logger *slog.Logger) (*broker.Broker, *ledger.Ledger, error) {
	bc := broker.Config{
		QueueEvents: cfg.OutboxEvents, QueueBytes: int(cfg.OutboxBytes),
		MaxConnections: unlimited(cfg.MaxConnections), MaxConnectionsPerUser: unlimited(cfg.MaxConnectionsPerUser),
		IdempotencyKeys:    cfg.IdempotencyKeys,
		MaxChannelsPerUser: cfg.MaxChannelsPerUser, MaxChannelMembers: cfg.MaxChannelMembers, MaxMemberships: cfg.MaxMemberships,
		MaxPresenceMembers: cfg.MaxPresenceMembers, PresenceGrace: max(1, cfg.PresenceGrace), // zero asks for the default
	}
	rc := replay.Config{
		MaxEvents: cfg.LogEvents, MaxBytes: int(cfg.LogBytes), MaxAge: cfg.LogAge,
		MaxUsers: cfg.LogUsers, MaxTotalBytes: int64(cfg.LogTotalBytes), MaxWatermarks: cfg.Watermarks,
	}
	if !cfg.Durable() {
		return broker.New(bc, replay.NewStore(rc)), nil, nil
	}
	l, err := openLedger(cfg, logger)
	if err != nil {
		return nil, nil, err
	}
	bc.Ledger, rc.Backing = disk{l}, l
	return broker.New(bc, replay.NewStore(rc)), l, nil
}

// openLedger opens the log on disk.
func openLedger(cfg config.Config, logger *slog.Logger) (*ledger.Ledger, error) {
	dir := filepath.Join(cfg.Data, "log")
	l, err := ledger.Open(dir, ledger.Options{
		Logger: logger, MaxAge: cfg.LogAge, MaxBytes: int64(cfg.LogDiskBytes),
		// The broker bounds what waits; an event to a large channel must fit in one go.
		Journal: journal.Options{MaxWaitingBytes: 512 << 20},
		Progress: func(done, total int64) {
			logger.Info("reading the log", slog.Int64("records", done), slog.Int64("of", total))
		},
	})
	if errors.Is(err, journal.ErrLocked) {
		return nil, fmt.Errorf("data: %s is in use by another process: stop it, or choose another directory", cfg.Data)
	}
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return l, nil
}

// loadRevocations has those hold that the disk knows.
func loadRevocations(l *ledger.Ledger, held *auth.Revocations, logger *slog.Logger) {
	if l == nil {
		return
	}
	l.Facts(ledger.Revoked, func(f ledger.Fact) bool {
		v, ok := auth.ReadRevocation(f.Of, f.Name, f.Value)
		if !ok {
			logger.Error("a revocation could not be read", slog.String("user", f.Of))
			return true
		}
		held.Restore(v)
		return true
	})
}

// storedDevices lists what is known of a user's devices on disk, where it is known.
func storedDevices(l *ledger.Ledger) func(user string) []broker.Device {
	if l == nil {
		return nil
	}
	return func(user string) (list []broker.Device) {
		for c := range l.Cursors(user) {
			list = append(list, broker.Device{Name: c.Device, Cursor: &c.Cursor, LastSeen: c.Saved})
		}
		return list
	}
}

// diskUse tells how large the log on disk is, where there is one.
func diskUse(l *ledger.Ledger) func() api.DiskUse {
	if l == nil {
		return nil
	}
	return func() api.DiskUse {
		st := l.Stats()
		return api.DiskUse{Bytes: st.Bytes, Records: st.Last + 1 - st.First}
	}
}

// disk is a ledger as the broker knows it: with the broker's errors.
type disk struct{ *ledger.Ledger }

func (d disk) Append(entries []ledger.Entry) (uint64, error) {
	first, err := d.Ledger.Append(entries)
	return first, diskError(err)
}

func (d disk) SaveCursors(cursors []ledger.DeviceCursor) error {
	return diskError(d.Ledger.SaveCursors(cursors))
}

func diskError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, journal.ErrNoSpace):
		return fmt.Errorf("%w: %w", broker.ErrNoSpace, err)
	case errors.Is(err, journal.ErrFull):
		return fmt.Errorf("%w: %w", broker.ErrBusy, err)
	default:
		return fmt.Errorf("%w: %w", broker.ErrLog, err)
	}
}

// retain gives space on disk back.
func (s *server) retain(now time.Time) {
	if err := s.ledger.Retain(now); err != nil {
		s.log.LogAttrs(context.Background(), slog.LevelError, "space of old events cannot be given back", slog.Any("err", err))
	}
}

// retainOver is retain if the log on disk is too large.
func (s *server) retainOver(now time.Time) {
	if s.ledger.Size() > int64(s.cfg.LogDiskBytes) {
		s.retain(now)
	}
}

// closeLedger ends the log on disk, when all that was taken is written.
func (s *server) closeLedger(ctx context.Context) {
	s.broker.Close()
	if s.ledger == nil {
		return
	}
	if err := s.ledger.Close(); err != nil {
		s.log.LogAttrs(ctx, slog.LevelError, "the log was not closed in order", slog.Any("err", err))
	}
}

// diskMetrics tell of the log on disk.
func diskMetrics(l *ledger.Ledger) []prometheus.Collector {
	gauge := func(name, help string, value func(ledger.Stats) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(l.Stats()) })
	}
	counter := func(name, help string, value func(ledger.Stats) float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return value(l.Stats()) })
	}
	return []prometheus.Collector{
		gauge("hubline_disk_log_bytes", "Size of the log on disk.", func(st ledger.Stats) float64 { return float64(st.Bytes) }),
		gauge("hubline_disk_log_records", "Records in the log on disk.", func(st ledger.Stats) float64 { return float64(st.Last + 1 - st.First) }),
		gauge("hubline_disk_log_failed", "1 when the log cannot be written any more.", func(ledger.Stats) float64 {
			if l.Err() != nil {
				return 1
			}
			return 0
		}),
		counter("hubline_disk_log_commits_total", "Commits, each with one sync.", func(st ledger.Stats) float64 { return float64(st.Journal.Commits) }),
		counter("hubline_disk_log_sync_seconds_total", "Time that syncs took.", func(st ledger.Stats) float64 { return st.Journal.SyncTime.Seconds() }),
		counter("hubline_disk_log_damaged_total", "Records that could not be read.", func(st ledger.Stats) float64 { return float64(st.Damaged) }),
		counter("hubline_disk_log_epoch_changes_total", "Users who were given a new epoch for damage.", func(st ledger.Stats) float64 { return float64(st.EpochChanges) }),
	}
}
