package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// logPage is what GET /users/{user}/events says.
type logPage struct {
	Epoch        string
	Head, Oldest uint64
	Events       []struct {
		ID   string
		Seq  uint64
		Type string
	}
	Gap *client.Missing
}

func readLog(t *testing.T, s *harness.Server, user, since string) (p logPage) {
	t.Helper()
	a := s.Do(http.MethodGet, harness.EventsPath(user)+"?since="+url.QueryEscape(since), s.APIKey, "")
	if a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	a.JSON(t, &p)
	return p
}

// seen is a page in short: the gap, then the seqs.
func (p logPage) seen() string {
	var b strings.Builder
	if p.Gap != nil {
		fmt.Fprintf(&b, "gap %d-%d %s;", p.Gap.From, p.Gap.To, p.Gap.Reason)
	}
	for _, e := range p.Events {
		fmt.Fprintf(&b, " %d", e.Seq)
	}
	return strings.TrimSpace(b.String())
}

// Wherever a cursor stands, it is answered after a restart as before it, whether the
// process was killed or stopped: what is kept comes, and what is not is named with its
// reason.
func TestEveryCursorIsAnsweredAfterARestart(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--log-events", "3")
	epoch := strings.TrimSuffix(s.PublishMany("five", "t", 5).Cursor, "-5")
	s.PublishMany("two", "t", 2)
	s.PublishEvent("short", harness.Event{Type: "t", TTLSeconds: 0.1})
	s.PublishEvent("short", harness.Event{Type: "t", TTLSeconds: 0.1})
	await(t, s, 0.3)
	tests := []struct{ what, user, since, want string }{
		{"at the head", "five", epoch + "-5", ""},
		{"one before", "five", epoch + "-4", "5"},
		{"at the oldest", "five", epoch + "-3", "4 5"},
		{"before the oldest", "five", epoch + "-2", "3 4 5"},
		{"over the limit", "five", epoch + "-1", "gap 2-2 limit; 3 4 5"},
		{"over the limit, from the beginning", "five", epoch + "-0", "gap 1-2 limit; 3 4 5"},
		{"all that is kept", "five", "0", "3 4 5"},
		{"only what is new", "five", "latest", ""},
		{"a bare seq", "five", "1", "gap 2-2 limit; 3 4 5"},
		{"ahead by one", "five", epoch + "-6", "gap 6-6 ahead;"},
		{"far ahead", "five", epoch + "-100", "gap 6-100 ahead;"},
		{"another epoch", "five", "other-4", "gap 0-2 epoch; 3 4 5"},
		{"another epoch, ahead", "five", "other-9", "gap 0-2 epoch; 3 4 5"},
		{"nothing is missing", "two", epoch + "-0", "1 2"},
		{"another epoch that lost nothing", "two", "other-1", "gap 0-0 epoch; 1 2"},
		{"an empty log, at the head", "short", epoch + "-2", ""},
		{"an empty log, one before", "short", epoch + "-1", "gap 2-2 expired;"},
		{"an empty log, from the beginning", "short", epoch + "-0", "gap 1-2 expired;"},
		{"an empty log, ahead", "short", epoch + "-3", "gap 3-3 ahead;"},
		{"an empty log, another epoch", "short", "other-1", "gap 0-2 epoch;"},
		{"never seen", "nobody", epoch + "-0", ""},
		{"never seen, ahead", "nobody", epoch + "-1", "gap 1-1 ahead;"},
		{"never seen, another epoch", "nobody", "other-1", "gap 0-0 epoch;"},
	}
	check := func(when string) {
		t.Helper()
		for _, tt := range tests {
			if got := readLog(t, s, tt.user, tt.since); got.seen() != tt.want || got.Epoch != epoch {
				t.Errorf("%s, %s: %q in epoch %s, want %q in %s", when, tt.what, got.seen(), got.Epoch, tt.want, epoch)
			}
		}
	}
	check("before")
	s.Kill()
	s.Restart()
	check("killed")
	s.Restart()
	check("stopped")
}

// What is too old is gone after a restart too, for that reason.
func TestAgeGoesOnThroughARestart(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--log-age", "1s")
	last := s.PublishMany("alice", "t", 3)
	s.Kill()
	s.Restart()
	await(t, s, 1.2)
	if got := readLog(t, s, "alice", at(last.Cursor, "1")).seen(); got != "gap 2-3 expired;" {
		t.Error(got)
	}
	if got := readLog(t, s, "alice", last.Cursor).seen(); got != "" {
		t.Error(got)
	}
	if r := s.Publish("alice", "t", "1"); r.Seq != 4 || at(r.Cursor, "0") != at(last.Cursor, "0") {
		t.Errorf("%+v after %s", r, last.Cursor)
	}
}

// diskBytes is what the log takes of the file system.
func diskBytes(t *testing.T, s *harness.Server) (n int64) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(s.Data, "log", "journal"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err == nil { // it may just have been removed
			n += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A log that is over its bound on disk gives space back while the server runs and
// clients are connected; whoever comes back to what is gone is told so, also after a
// restart, and the user's log goes on in its numbers.
func TestSpaceOnDiskIsGivenBack(t *testing.T) {
	t.Parallel()
	const bound = 16 << 20
	s := harness.Start(t, "--log-disk-bytes", "16MiB")
	old := s.PublishMany("alice", "t", 3)
	c := connect(t, s, "ws", client.Options{Token: s.Token("bob"), Since: "0"})
	fill := strings.Repeat("x", 64<<10)
	seq := uint64(0)
	for range 5 { // 19 MiB in all
		last := s.PublishSized("bob", "t", 60, fill)
		for seq < last.Seq { // who is connected is told of everything
			m := c.next()
			switch m.Kind {
			case client.Event:
				if m.Cursor.Seq != seq+1 {
					t.Fatalf("%s came behind %d", m.Cursor, seq)
				}
				seq = m.Cursor.Seq
			case client.Gap:
				if m.Gap.From != seq+1 || m.Gap.Reason != "limit" {
					t.Fatalf("gap %+v behind %d", m.Gap, seq)
				}
				seq = m.Gap.To
			}
		}
	}
	for n := diskBytes(t, s); n > bound; n = diskBytes(t, s) {
		await(t, s, 0.2)
	}
	live := s.Publish("bob", "t", "1")
	c.wantEvent(live)
	s.Kill()
	s.Restart()
	if n := diskBytes(t, s); n > bound {
		t.Errorf("%d bytes are used, %d are allowed", n, bound)
	}
	for since, want := range map[string]string{at(old.Cursor, "1"): "gap 2-3 evicted;", old.Cursor: "", "0": ""} {
		if got := readLog(t, s, "alice", since).seen(); got != want {
			t.Errorf("since %s: %q, want %q", since, got, want)
		}
	}
	eachTransport(t, func(t *testing.T, transport string) {
		c := connect(t, s, transport, client.Options{Token: s.Token("alice"), Since: at(old.Cursor, "1")})
		if m := c.pass(t.Context(), client.Ready, client.Comment, client.Retry); m.Kind != client.Gap {
			t.Errorf("%s came first", m.Kind)
		} else if diff := cmp.Diff(client.Missing{From: 2, To: 3, Reason: "evicted"}, m.Gap); diff != "" {
			t.Error(diff)
		}
	})
	if r := s.Publish("alice", "t", "4"); r.Seq != 4 || at(r.Cursor, "0") != at(old.Cursor, "0") {
		t.Errorf("%+v after %s", r, old.Cursor)
	}
}

// Events that are on disk alone can be delivered again: after a kill, to a client that
// has just come, with the ids and seqs that they had, and without moving its place.
func TestRedeliveryFromTheDisk(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--log-users", "1")
	var all []harness.Receipt
	for i := range 5 {
		all = append(all, s.Publish("alice", "t", fmt.Sprint(i)))
	}
	s.Kill()
	s.Restart()
	s.Publish("bob", "t", "1") // the only log in memory
	c := connect(t, s, "ws", client.Options{Token: s.Token("alice", harness.Claims{"device": "phone"}), Since: "latest", Query: query("control", "1")})
	c.wantReady()
	for _, dryRun := range []bool{true, false} {
		var a struct{ Matching, Sent int }
		s.Do(http.MethodPost, "/api/v1/users/alice/replays", s.APIKey, fmt.Sprintf(`{"since":%q,"dryRun":%t}`, all[1].Cursor, dryRun)).JSON(t, &a)
		if a.Matching != 3 || a.Sent != 3 {
			t.Errorf("%+v", a)
		}
	}
	for _, r := range all[2:] {
		m := c.wantEvent(r)
		var marked struct{ Replayed bool }
		if err := json.Unmarshal(m.Raw, &marked); err != nil || !marked.Replayed {
			t.Errorf("%s is not marked: %v", m.Raw, err)
		}
	}
	live := s.Publish("alice", "t", "6")
	m := c.wantEvent(live)
	if live.Seq != 6 || strings.Contains(string(m.Raw), "replayed") {
		t.Errorf("then came %s", m.Raw)
	}
	c.Close()
	again := connect(t, s, "ws", client.Options{Token: s.Token("alice"), Since: all[4].Cursor})
	again.wantReady()
	again.wantEvent(live)
}
