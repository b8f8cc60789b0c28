package ledger

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hubline/internal/leaktest"
	"hubline/internal/logtest"
	"hubline/replay"
	"hubline/replay/journal"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// t0 is the time tests start at, in Unix milliseconds.
const t0 = 1_763_596_800_000

// clock moves only when told.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.ms.Store(t0)
	return c
}

func (c *clock) time() time.Time         { return time.UnixMilli(c.ms.Load()) }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// fixture is a ledger in a directory that can be opened again, with its clock and log.
type fixture struct {
	*Ledger
	*clock
	*logtest.Lines
	t    testing.TB
	dir  string
	opts Options
}

// newFixture opens a ledger that writes checkpoints only when told.
func newFixture(t testing.TB, o Options) *fixture {
	t.Helper()
	f := &fixture{clock: newClock(), Lines: &logtest.Lines{}, t: t, dir: t.TempDir(), opts: o}
	// A process that is killed loses nothing that the machine has, and these tests
	// kill no more than that.
	f.opts.noSync = true
	if f.opts.Journal.FS == nil {
		f.opts.Journal.FS = &faultFS{} // does not sync
	}
	f.opts.Now = f.time
	f.opts.Logger = slogTo(f.Lines)
	if f.opts.CheckpointEvery == 0 {
		f.opts.CheckpointEvery = time.Hour
	}
	f.open()
	t.Cleanup(func() { f.Close() })
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	l, err := Open(f.dir, f.opts)
	if err != nil {
		f.t.Fatal(err)
	}
	f.Ledger = l
}

func (f *fixture) reopen() {
	f.t.Helper()
	if err := f.Close(); err != nil {
		f.t.Fatal(err)
	}
	f.open()
}

// crash goes on with what is on disk now, as if the process had been killed.
func (f *fixture) crash() {
	f.t.Helper()
	image := copyDir(f.t, f.dir)
	if err := f.Close(); err != nil {
		f.t.Log(err)
	}
	f.dir = image
	f.open()
}

func slogTo(l *logtest.Lines) *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(filepath.Dir(from), fmt.Sprintf("image%d", images.Add(1)))
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

var images atomic.Int64

// event is one of now.
func (f *fixture) event(text string) *replay.Event {
	return &replay.Event{ID: "id-" + text, Type: "t", Time: f.ms.Load(), Data: []byte(`"` + text + `"`)}
}

// put does what a publisher does without a Store: it appends an event to each user's
// log.
func (f *fixture) put(text string, users ...string) {
	f.t.Helper()
	if err := f.try(text, users...); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) try(text string, users ...string) error {
	f.t.Helper()
	var entries []Entry
	stands := map[string]replay.Standing{}
	for i, user := range users {
		st, ok := stands[user]
		if !ok {
			if st, _ = f.Find(user); st.Epoch == "" {
				st.Epoch = f.Epoch()
			}
		}
		e := Entry{User: user, Event: f.event(fmt.Sprint(text, user, st.Head+1)), Epoch: st.Epoch, Seq: st.Head + 1, Prev: st.At}
		stands[user] = replay.Standing{Epoch: st.Epoch, Head: e.Seq, At: f.Next() + uint64(i)}
		entries = append(entries, e)
	}
	if _, err := f.Append(entries); err != nil {
		return err
	}
	for user, st := range stands {
		f.Note(user, st)
	}
	return nil
}

// events returns the texts of all events that a user still has, and why there are
// no older ones.
func (f *fixture) events(user string) (texts []string, why replay.Reason) {
	f.t.Helper()
	st, _ := f.Find(user)
	want := st.Head
	why = f.Load(user, st.At, st.Head+1, func(seq uint64, ev *replay.Event) bool {
		if seq != want || !strings.Contains(string(ev.Data), fmt.Sprint(user, seq)) {
			f.t.Errorf("%s: seq %d with %s, want seq %d", user, seq, ev.Data, want)
		}
		want--
		texts = append(texts, string(ev.Data))
		return true
	})
	return texts, why
}

// files returns the segments, oldest first.
func (f *fixture) files() []string {
	names, err := filepath.Glob(filepath.Join(f.dir, "journal", "*.log"))
	if err != nil {
		f.t.Fatal(err)
	}
	return names
}

// small makes segments of a few records.
const small = 2 << 10

// tiny is the least.
var tiny = journal.Options{SegmentBytes: 1 << 10}
