package ledger

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"hubline/replay/journal"
)

// retain does what a server does in a minute: it retains, the goroutine that writes says
// facts again if it is asked to, and then there may be more to drop.
func (f *fixture) retain() {
	f.t.Helper()
	must(f.t, f.Retain(f.time()))
	if f.restate() > 0 {
		must(f.t, f.Retain(f.time()))
	}
}

// restate returns how many portions were asked for.
func (f *fixture) restate() (n int) {
	for more := f.restateWanted.Load(); more; n++ {
		more = f.RestateFacts()
	}
	return n
}

// loseTable goes on without state.db.
func (f *fixture) loseTable() {
	f.t.Helper()
	must(f.t, f.Close())
	must(f.t, os.Remove(filepath.Join(f.dir, "state.db")))
	f.open()
}

// However old facts are, the log alone has them: also those that were said while others
// were said again, and none that hold no more.
func TestFactsOutliveTheRecordsThatSaidThem(t *testing.T) {
	for _, lose := range []string{"nothing", "table", "rows", "a row"} {
		t.Run(lose, func(t *testing.T) {
			f := newFixture(t, Options{Journal: tiny, MaxAge: time.Hour})
			must(t, f.SaveFacts([]Fact{
				{Member, "c", "ann", []byte{}}, {Member, "c", "bob", []byte{}}, {Revoked, "ann", "all", []byte("x")}, {Member, "c", "eve", []byte{}},
			}))
			must(t, f.Checkpoint())
			must(t, f.SaveFacts([]Fact{{Member, "c", "eve", nil}, {Member, "d", "ann", []byte("1")}, {Member, "c", "bob", nil}}))
			for round := range 4 {
				f.put("x", crowd...)
				f.advance(time.Hour)
				must(t, f.Retain(f.time()))
				for more, n := true, 0; more; n++ {
					more = f.RestateFacts()
					must(t, f.SaveFacts([]Fact{{Member, "d", "ann", []byte(fmt.Sprint(round, n))}}))
				}
				must(t, f.Retain(f.time()))
			}
			must(t, f.SaveFacts([]Fact{{Member, "d", "ann", []byte("last")}, {Member, "c", "late", []byte{}}}))
			if f.Stats().First < 12 {
				t.Fatalf("the records that said them are still there: %+v", f.Stats())
			}
			epoch := f.Epoch()
			switch lose {
			case "table":
				f.loseTable()
			case "rows":
				must(t, f.table.update(func(tx *bolt.Tx) error { return tx.Bucket(bucketFacts).Delete(factID{Member, name{"c", "ann"}}.key()) }))
				f.crash()
			case "a row":
				must(t, f.Close())
				f.spoil(bucketFacts, factID{Revoked, name{"ann", "all"}}.key())
				f.open()
			}
			for range 2 {
				if got := f.held(Member); len(got) != 3 || !got["c/ann="] || !got["d/ann=last"] || !got["c/late="] {
					t.Errorf("members: %v", got)
				}
				if got := f.held(Revoked); len(got) != 1 || !got["ann/all=x"] {
					t.Errorf("revoked: %v", got)
				}
				if (f.Epoch() != epoch) != (lose == "table") {
					t.Errorf("epoch %s, before %s", f.Epoch(), epoch)
				}
				f.reopen()
			}
		})
	}
}

// A table from before facts were said again, and a log that is damaged: they are said
// again at once, as nobody knows what the log has of them.
func TestFactsAreSaidAgainWhenTheLogMayLackThem(t *testing.T) {
	f := newFixture(t, Options{Journal: tiny, MaxAge: time.Hour})
	must(t, f.SaveFacts([]Fact{{Member, "c", "ann", []byte{}}}))
	for range 20 {
		f.put("x", "ann")
	}
	if f.retain(); f.meta.restated.from != 1 {
		t.Fatalf("without need: %+v", f.meta.restated)
	}
	must(t, f.Close())
	must(t, os.Remove(f.files()[0]))
	f.open()
	if f.retain(); f.meta.restated.from <= 20 {
		t.Fatalf("%+v", f.meta.restated)
	}
	f.loseTable()
	if got := f.held(Member); len(got) != 1 {
		t.Errorf("members: %v", got)
	}
}

// Without facts the log goes as ever, at once.
func TestNothingIsSaidAgainOfNothing(t *testing.T) {
	f := newFixture(t, Options{Journal: tiny, MaxAge: time.Hour})
	f.put("x", "ann")
	must(t, f.SaveFacts([]Fact{{Member, "c", "ann", []byte{}}}))
	must(t, f.SaveFacts([]Fact{{Member, "c", "ann", nil}}))
	must(t, f.Checkpoint())
	f.advance(time.Hour)
	must(t, f.Retain(f.time()))
	if st := f.Stats(); st.First != 4 || f.restateWanted.Load() {
		t.Errorf("%+v", st)
	}
}

// Facts may be as much as the log may have in all: it exceeds its bound then, but does
// not say them again and again.
func TestFactsAreSaidAgainOnceInAWhile(t *testing.T) {
	const most = 20_000
	f := newFixture(t, Options{MaxBytes: most, MaxAge: 24 * time.Hour})
	for i := range 300 {
		must(t, f.SaveFacts([]Fact{{Member, "c", fmt.Sprintf("%0100d", i), []byte{}}}))
	}
	facts := int64(300 * 110)
	f.retain()
	before := f.Stats()
	for range 10 {
		f.retain()
	}
	if st := f.Stats(); st.Last != before.Last {
		t.Errorf("%+v, before %+v", st, before)
	}
	for range 1000 {
		f.put("x", "ann")
		f.retain()
		if st := f.Stats(); st.Bytes > 3*facts+most {
			t.Fatalf("%+v", st)
		}
	}
	if st := f.Stats(); st.First < 600 {
		t.Errorf("%+v", st)
	}
	// What is too old goes all the same, and once.
	f.advance(24 * time.Hour)
	f.retain()
	before = f.Stats()
	if texts, _ := f.events("ann"); len(texts) != 0 {
		t.Errorf("%d events", len(texts))
	}
	for range 30 {
		f.advance(time.Hour)
		f.retain()
	}
	if st := f.Stats(); st.Last != before.Last {
		t.Errorf("%+v, before %+v", st, before)
	}
	f.loseTable()
	if got := f.held(Member); len(got) != 300 {
		t.Errorf("%d members", len(got))
	}
}

// Facts that stay do not keep old events in the file in which they are said again.
func TestOldEventsGoThoughFactsStay(t *testing.T) {
	f := newFixture(t, Options{MaxAge: time.Hour})
	must(t, f.SaveFacts([]Fact{{Member, "c", "ann", []byte{}}}))
	for round := range 3 {
		f.put("x", crowd...)
		f.advance(time.Hour)
		f.retain()
		if st := f.Stats(); st.First != st.Last || len(f.files()) != 1 {
			t.Errorf("round %d: %+v, %v", round, st, f.files())
		}
	}
}

// When the disk is full, old events make room all the same, and facts are said again as
// soon as there is.
func TestAFullDiskDoesNotHoldUpRetention(t *testing.T) {
	fs := &faultFS{}
	f := newFixture(t, Options{Journal: journal.Options{SegmentBytes: 1 << 10, FS: fs}, MaxBytes: 10_000})
	must(t, f.SaveFacts([]Fact{{Member, "c", "ann", []byte{}}}))
	for range 300 {
		f.put("x", "ann")
	}
	fs.on(func(op string) error {
		if op == "write" {
			return syscall.ENOSPC
		}
		return nil
	})
	must(t, f.Retain(f.time()))
	if st := f.Stats(); st.First != 1 || f.RestateFacts() {
		t.Fatalf("%+v", st)
	}
	must(t, f.Retain(f.time()))
	if st := f.Stats(); st.Bytes > 10_000 {
		t.Fatalf("%+v", st)
	}
	f.restate()
	f.retain()
	fs.on(nil)
	f.retain()
	if f.meta.restated.from == 0 || f.Err() != nil {
		t.Fatalf("%+v: %v", f.meta.restated, f.Err())
	}
	f.loseTable()
	if got := f.held(Member); len(got) != 1 {
		t.Errorf("members: %v", got)
	}
}

// Facts change, are put into the table and said again at the same time.
func TestFactsAreSaidAgainWhileTheyChange(t *testing.T) {
	f := newFixture(t, Options{Journal: tiny, MaxAge: time.Hour, CheckpointSize: 64})
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	want := map[string]bool{}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() { // ends with stop
		for {
			select {
			case <-stop:
				return
			default:
				f.advance(time.Hour)
				must(t, f.Retain(f.time()))
				must(t, f.Checkpoint())
			}
		}
	})
	rounds := 0
	for i := 0; i < 3000 || rounds < 20; i++ {
		x := Fact{Kind: Member, Of: "c", Name: fmt.Sprint(rng.IntN(5000))}
		key := "c/" + x.Name + "="
		if x.Value = []byte{}; rng.IntN(3) == 0 {
			x.Value = nil
			delete(want, key)
		} else {
			want[key] = true
		}
		must(t, f.SaveFacts([]Fact{x}))
		f.put("x", "ann")
		if f.restateWanted.Load() && !f.RestateFacts() {
			rounds++
		}
	}
	close(stop)
	wg.Wait()
	f.loseTable()
	got := f.held(Member)
	if len(got) != len(want) {
		t.Errorf("%d facts, want %d", len(got), len(want))
	}
	for key := range want {
		if !got[key] {
			t.Fatalf("%s is gone", key)
		}
	}
}

// A table that was copied back is behind what the log still has: whose heads have moved
// in between cannot be told.
func TestATableThatIsOlderThanTheLog(t *testing.T) {
	f := newFixture(t, Options{Journal: tiny, MaxAge: time.Hour})
	f.put("x", crowd...)
	f.reopen()
	table, epoch := filepath.Join(f.dir, "state.db"), f.Epoch()
	old, err := os.ReadFile(table)
	must(t, err)
	f.put("y", crowd...)
	f.advance(time.Hour)
	f.retain()
	must(t, f.Close())
	must(t, os.WriteFile(table, old, 0o600))
	f.open()
	if f.Epoch() == epoch || f.Stats().EpochChanges != 1 || f.Count("older than the log") != 1 {
		t.Errorf("epoch %s after %s: %s", f.Epoch(), epoch, f.String())
	}
}
