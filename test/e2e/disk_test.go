package e2e

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// smallDisk mounts a file system of a few megabytes, for a data directory.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("a full disk was not tried: no small one can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A full disk costs what does not fit on it: publishes are answered 507, and reading
// and what was delivered go on. When there is room again, so does publishing, without a
// restart; and nothing that was acknowledged is missing after one.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t)
	s := harness.StartIn(t, filepath.Join(dir, "data"), "--log-events", "100000", "--log-bytes", "100MiB")
	first := s.Publish("alice", "t", "1")
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	c := connect(t, s, "ws", client.Options{Token: s.Token("alice"), Since: "0"})
	c.wantReady()
	c.wantEvent(first)
	var kept []harness.Receipt // beside the first
	publish := func() *harness.Answer {
		t.Helper()
		return s.Do(http.MethodPost, harness.EventsPath("alice"), s.APIKey, `{"type":"t","data":"`+strings.Repeat("x", 10<<10)+`"}`)
	}
	take := func(a *harness.Answer) {
		t.Helper()
		var r harness.Receipt
		a.JSON(t, &r)
		kept = append(kept, r)
		c.wantEvent(r)
	}
	for full := 0; full < 3; {
		a := publish()
		if a.Status == http.StatusCreated {
			take(a)
			continue
		}
		wantProblem(t, a.Status, a.Header, a.Body, http.StatusInsufficientStorage, "disk-full")
		full++
		if len(readLog(t, s, "alice", "0").Events) == 0 {
			t.Fatal("reading does not go on")
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		a := publish()
		if a.Status != http.StatusCreated {
			t.Fatalf("there is room, and the answer is %d %s", a.Status, a.Body)
		}
		take(a)
	}
	s.Kill()
	s.Restart()
	c = connect(t, s, "ws", client.Options{Token: s.Token("alice"), Since: first.Cursor})
	if r := c.wantReady(); !r.Recovered || r.Replayed != len(kept) {
		t.Errorf("ready = %+v, %d were acknowledged", r, len(kept))
	}
	for _, r := range kept {
		c.wantEvent(r)
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4<<10))
	}
	_ = f.Close()
	if !strings.Contains(err.Error(), "no space") {
		t.Fatal(err)
	}
}

// segments are the files of the log, the oldest first.
func segments(t *testing.T, s *harness.Server) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.Data, "log", "journal", "*.log"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	return names
}

// A bit that changes in the middle of the log is found at the next start: its place is
// in the log, and whose event it was has another epoch and is told. Nobody else is.
func TestFlippedBitOnDisk(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Publish("alice", "t", `"the first"`)
	hit := s.Publish("alice", "t", `"a needle"`)
	alice := s.Publish("alice", "t", `"the third"`)
	bob := s.PublishMany("bob", "t", 3)
	s.Stop()
	name := segments(t, s)[0]
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	place := bytes.Index(b, []byte("a needle"))
	b[place] ^= 4
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	m := regexp.MustCompile(`"msg":"log is damaged","file":"([^"]+)","offset":(\d+),"first":(\d+)`).FindStringSubmatch(s.Logs())
	if m == nil || m[1] != filepath.Base(name) {
		t.Fatalf("the place is not named: %q", m)
	}
	if at, err := strconv.Atoi(m[2]); err != nil || at > place || at < place-200 {
		t.Errorf("the damage is at %d, and the log says %s", place, m[2])
	}
	got := readLog(t, s, "alice", hit.Cursor)
	if got.seen() != "gap 0-2 epoch; 3" || got.Epoch == at(alice.Cursor, "")[:len(got.Epoch)] {
		t.Errorf("alice is told %q in epoch %s, after %s", got.seen(), got.Epoch, alice.Cursor)
	}
	if got := readLog(t, s, "bob", at(bob.Cursor, "1")); got.seen() != "2 3" {
		t.Errorf("bob is told %q", got.seen())
	}
	if r := s.Publish("alice", "t", "4"); r.Seq != 4 {
		t.Errorf("alice's log goes on with %+v", r)
	}
	s.Restart() // it is dealt with once
	if again := readLog(t, s, "alice", "0"); again.Epoch != got.Epoch || again.seen() != "3 4" {
		t.Errorf("alice is told %q in epoch %s, before %s", again.seen(), again.Epoch, got.Epoch)
	}
}

// A log that has lost its end says so: nobody's seqs are given twice in one epoch. What
// a write left that did not finish is cut off, and costs nobody anything.
func TestTruncatedLogOnDisk(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	last := s.PublishMany("alice", "t", 3)
	s.Kill()
	name := segments(t, s)[0]
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	end := len(bytes.TrimRight(b, "\x00"))
	torn := append(bytes.Clone(b[:end+8]), b[128:180]...) // the beginning of one more
	if err := os.WriteFile(name, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	if got := readLog(t, s, "alice", at(last.Cursor, "1")); got.seen() != "2 3" || !strings.Contains(s.Logs(), "torn") {
		t.Errorf("alice is told %q", got.seen())
	}
	s.Stop()
	if err := os.Truncate(name, int64(end-20)); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	got := readLog(t, s, "alice", last.Cursor)
	if got.Gap == nil || got.Gap.Reason != "epoch" || !strings.Contains(s.Logs(), "the end of the log is lost") {
		t.Errorf("alice is told %q", got.seen())
	}
}

// A table that is cut is put aside, whatever its length; the events are there, in
// another epoch.
func TestTruncatedTableOnDisk(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	last := s.PublishMany("alice", "t", 3)
	for _, size := range []int64{1, 5000, 9000, 20_000} {
		s.Stop()
		if err := os.Truncate(filepath.Join(s.Data, "log", "state.db"), size); err != nil {
			t.Fatal(err)
		}
		s.Restart()
		if got := readLog(t, s, "alice", last.Cursor); got.seen() != "gap 0-0 epoch; 1 2 3" {
			t.Errorf("cut to %d: alice is told %q", size, got.seen())
		}
	}
	if aside, _ := filepath.Glob(filepath.Join(s.Data, "log", "state.db.damaged-*")); len(aside) != 4 {
		t.Errorf("put aside are %v", aside)
	}
}
