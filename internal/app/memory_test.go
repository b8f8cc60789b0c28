package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"hubline/broker"
	"hubline/internal/config"
	"hubline/replay"
)

// resident is the memory that the process has for itself: what is mapped from files is
// the machine's cache, and given up when others need it.
func resident(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skipf("memory cannot be measured here: %v", err)
	}
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte("RssAnon:")); ok {
			kb, err := strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Skip("memory cannot be measured here: there is no RssAnon")
	return 0
}

// publishTo publishes one event of a size to each of some users.
func publishTo(t *testing.T, b *broker.Broker, users, size int) {
	t.Helper()
	batch := min(16<<10, (8<<20)/(size+512)) // far below what may wait for the disk
	for from := 0; from < users; from += batch {
		all := make([]*broker.Pending, 0, batch)
		for i := from; i < min(from+batch, users); i++ {
			ev := &replay.Event{ID: "x", Type: "t", Time: time.Now().UnixMilli(), Data: make([]byte, size)}
			all = append(all, b.Submit(fmt.Sprint("user-", i), ev, broker.Key{}))
		}
		for _, p := range all {
			if _, err := p.Wait(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Many logs of little: what the store keeps beside the events of each is in the budget.
func TestManySmallLogsInBoundedMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes memory of its own")
	}
	cfg := config.Default()
	cfg.Data = filepath.Join(t.TempDir(), "data")
	cfg.LogUsers = 1_000_000
	b, l, err := newBroker(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { b.Close(); _ = l.Close() }()
	publishTo(t, b, 620_000, 10)
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	debug.FreeOSMemory()
	got, budget, st := resident(t), int64(cfg.LogTotalBytes), b.Store().Stats()
	t.Logf("%d MiB with %d of %d MiB in %d logs", got>>20, st.Bytes>>20, budget>>20, st.Users)
	if st.Bytes < budget*9/10 || st.Users < 400_000 {
		t.Errorf("that is no test: %+v", st)
	}
	if most := budget * 5 / 4; got > most {
		t.Errorf("%d MiB are resident, %d are allowed", got>>20, most>>20)
	}
}

// A million users who were seen, and as many bytes of events as memory may have: when
// the server has come to rest, it has no more than one and a quarter of
// --log-total-bytes, all its bookkeeping included. Under load the garbage collector has
// as much again.
func TestAMillionUsersInBoundedMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes memory of its own")
	}
	cfg := config.Default()
	cfg.Data = filepath.Join(t.TempDir(), "data")
	b, l, err := newBroker(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { b.Close(); _ = l.Close() }()
	const users = 1_000_000
	publishTo(t, b, users, 10)
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	debug.FreeOSMemory()
	seen := resident(t)
	publishTo(t, b, 30_000, 10<<10)
	debug.FreeOSMemory()
	full, budget := resident(t), int64(cfg.LogTotalBytes)
	st := b.Store().Stats()
	t.Logf("%d MiB with %d users seen, %d MiB with %d of %d MiB of events", seen>>20, l.Stats().Users, full>>20, st.Bytes>>20, budget>>20)
	if l.Stats().Users != users || st.Bytes < budget*9/10 {
		t.Errorf("that is no test: %+v, %+v", l.Stats(), st)
	}
	if most := budget * 5 / 4; seen > most || full > most {
		t.Errorf("%d and %d MiB are resident, %d are allowed", seen>>20, full>>20, most>>20)
	}
}
