package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"hubline/replay/journal"
)

// held lists the facts of a kind as text, in no order.
func (f *fixture) held(kind FactKind) map[string]bool {
	held := map[string]bool{}
	f.Facts(kind, func(x Fact) bool {
		held[fmt.Sprintf("%s/%s=%s", x.Of, x.Name, x.Value)] = true
		return true
	})
	return held
}

func TestFactsHoldUntilOthersAreSaid(t *testing.T) {
	f := newFixture(t, Options{})
	must(t, f.SaveFacts([]Fact{
		{Member, "c", "ann", []byte{}}, {Member, "c", "bob", []byte{}}, {Revoked, "c", "ann", []byte("x")},
	}))
	must(t, f.Checkpoint())
	must(t, f.SaveFacts([]Fact{{Member, "c", "bob", nil}, {Member, "d", "ann", nil}, {Revoked, "c", "ann", []byte("y")}}))
	for _, step := range []func(){func() {}, func() { must(t, f.Checkpoint()) }, f.reopen, f.crash} {
		step()
		if got := f.held(Member); len(got) != 1 || !got["c/ann="] {
			t.Errorf("members: %v", got)
		}
		if got := f.held(Revoked); len(got) != 1 || !got["c/ann=y"] {
			t.Errorf("revoked: %v", got)
		}
	}
	for range 3 {
		f.Facts(Member, func(Fact) bool { return false })
	}
}

func TestFactsThatCannotBeKeptAreRefused(t *testing.T) {
	f := newFixture(t, Options{})
	long := strings.Repeat("x", maxName+1)
	for _, bad := range []Fact{
		{Member, "c", "", []byte{}},
		{Member, long, "ann", []byte{}},
		{Member, "c", long, nil},
		{Revoked, "", "j", make([]byte, maxFactValue+1)},
	} {
		if err := f.SaveFacts([]Fact{{Member, "c", "ann", []byte{}}, bad}); !errors.Is(err, ErrName) {
			t.Errorf("%.20v: %v", bad, err)
		}
	}
	must(t, f.SaveFacts(nil))
	must(t, f.SaveFacts([]Fact{{Member, long[1:], long[1:], make([]byte, maxFactValue)}}))
	if st := f.Stats(); st.Last != 1 {
		t.Errorf("%d records", st.Last)
	}
	must(t, f.Checkpoint())
	f.reopen()
	if got := f.held(Member); len(got) != 1 {
		t.Errorf("%d facts", len(got))
	}
}

// A membership that is lost must not be lost in silence: nobody can tell whose it was,
// so everybody's epoch changes.
func TestADamagedFactChangesEpochs(t *testing.T) {
	f := newFixture(t, Options{})
	f.put("one", "ann")
	must(t, f.SaveFacts([]Fact{{Member, "channel-of-ann", "ann", []byte{}}}))
	f.put("two", "bob")
	before := f.Epoch()
	file := f.files()[0]
	b, err := os.ReadFile(file)
	must(t, err)
	off := bytes.Index(b, []byte("channel-of-ann"))
	d := flipped(t, f, f.dir, filepath.Base(file), int64(off))
	if got := d.held(Member); len(got) != 0 {
		t.Errorf("members: %v", got)
	}
	for _, user := range []string{"ann", "bob"} {
		if st, _ := d.Find(user); st.Epoch == before {
			t.Errorf("%s is told of nothing", user)
		}
	}
}

// Ledgers from before there were facts have no place for them.
func TestATableWithoutFactsGetsThem(t *testing.T) {
	f := newFixture(t, Options{})
	must(t, f.table.update(func(tx *bolt.Tx) error { return tx.DeleteBucket(bucketFacts) }))
	if got := f.held(Member); len(got) != 0 {
		t.Errorf("members: %v", got)
	}
	must(t, f.SaveFacts([]Fact{{Member, "c", "ann", []byte{}}}))
	must(t, f.Checkpoint())
	f.reopen()
	if got := f.held(Member); len(got) != 1 {
		t.Errorf("members: %v", got)
	}
}

// A damaged row is left out, counted and told of.
func TestADamagedRowOfAFactIsLeftOut(t *testing.T) {
	f := newFixture(t, Options{})
	must(t, f.SaveFacts([]Fact{{Member, "c", "ann", []byte{}}, {Member, "c", "bob", []byte{}}}))
	must(t, f.Checkpoint())
	must(t, f.table.update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketFacts).Put(factID{Member, name{"c", "ann"}}.key(), []byte("?"))
	}))
	if got := f.held(Member); len(got) != 1 || !got["c/bob="] {
		t.Errorf("members: %v", got)
	}
	if st := f.Stats(); st.Damaged != 1 || f.Count("row of a fact is damaged") != 1 {
		t.Errorf("%+v: %s", st, f.String())
	}
}

// What SaveFacts would refuse is no fact when it is read either.
func TestARecordWithAFactThatCannotBeIsDamaged(t *testing.T) {
	for _, tt := range []struct {
		fact Fact
		ok   bool
	}{
		{Fact{Member, "c", "ann", []byte{}}, true},
		{Fact{Member, "c", "", []byte{}}, false},
		{Fact{Member, strings.Repeat("x", maxName+1), "ann", nil}, false},
		{Fact{Revoked, "", "j", make([]byte, maxFactValue+1)}, false},
	} {
		h, ok := parseHead(appendFacts(nil, []Fact{tt.fact}))
		n := 0
		if err := h.facts(func(Fact) { n++ }); !ok || (err == nil) != tt.ok || (n == 1) != tt.ok {
			t.Errorf("%.20v: %d facts, %v", tt.fact, n, err)
		}
	}
}

// A table that cannot be written bounds what waits of facts, as of events.
func TestFactsWaitInBoundedMemory(t *testing.T) {
	f := newFixture(t, Options{CheckpointSize: 4})
	must(t, f.Checkpoint())
	must(t, f.table.db.Close()) // every transaction fails from now on
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		err = f.SaveFacts([]Fact{{Member, "c", fmt.Sprint("u", n), []byte{}}})
	}
	if !errors.Is(err, journal.ErrFull) || f.Stats().Waiting > 3*4*overlayFactor {
		t.Errorf("after %d: %v, %+v", n, err, f.Stats())
	}
	if err := f.Close(); err == nil {
		t.Error("closing says nothing of it")
	}
	f.open()
	if got := len(f.held(Member)); got != n-1 {
		t.Errorf("%d facts of %d are left", got, n-1)
	}
}
