package e2e

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// gapCase brings a log into a state in which a cursor cannot be resumed from.
type gapCase struct {
	name  string
	flags []string
	// prepare publishes to the user and returns the cursor to resume from.
	prepare func(t *testing.T, s *harness.Server, user string) string
	want    client.Missing
	// kept are the seqs that can still be replayed: from first, up to head.
	first, head uint64
}

// at replaces the seq of a cursor.
func at(cursor, seq string) string {
	epoch, _, _ := strings.Cut(cursor, "-")
	return epoch + "-" + seq
}

var gapCases = []gapCase{
	{
		name: "limit by count", flags: []string{"--log-events", "2"},
		prepare: func(_ *testing.T, s *harness.Server, user string) string {
			return at(s.PublishMany(user, "t", 5).Cursor, "1")
		},
		want: client.Missing{From: 2, To: 3, Reason: "limit"}, first: 4, head: 5,
	},
	{
		name: "limit by bytes", flags: []string{"--max-publish-bytes", "1KiB", "--log-bytes", "2KiB"},
		prepare: func(_ *testing.T, s *harness.Server, user string) string {
			return at(s.PublishSized(user, "t", 5, strings.Repeat("x", 700)).Cursor, "1")
		},
		want: client.Missing{From: 2, To: 3, Reason: "limit"}, first: 4, head: 5,
	},
	{
		name: "evicted by users", flags: []string{"--durability", "memory", "--log-users", "1"},
		prepare: func(_ *testing.T, s *harness.Server, user string) string {
			last := s.PublishMany(user, "t", 3)
			s.Publish("another", "t", "1")
			return at(last.Cursor, "1")
		},
		want: client.Missing{From: 2, To: 3, Reason: "evicted"}, first: 4, head: 3,
	},
	{
		name: "evicted by bytes in all", flags: []string{"--durability", "memory", "--max-publish-bytes", "1KiB", "--log-bytes", "4KiB", "--log-total-bytes", "4KiB"},
		prepare: func(_ *testing.T, s *harness.Server, user string) string {
			last := s.PublishMany(user, "t", 3)
			s.PublishSized("another", "t", 4, strings.Repeat("x", 900))
			return at(last.Cursor, "1")
		},
		want: client.Missing{From: 2, To: 3, Reason: "evicted"}, first: 4, head: 3,
	},
	{
		name: "expired by age", flags: []string{"--log-age", "1s"},
		prepare: func(t *testing.T, s *harness.Server, user string) string {
			last := s.PublishMany(user, "t", 3)
			await(t, s, 1.5)
			return at(last.Cursor, "1")
		},
		want: client.Missing{From: 2, To: 3, Reason: "expired"}, first: 4, head: 3,
	},
	{
		name: "expired by its own time to live",
		prepare: func(t *testing.T, s *harness.Server, user string) string {
			last := s.Publish(user, "t", "1")
			s.PublishEvent(user, harness.Event{Type: "t", TTLSeconds: 0.1})
			s.PublishEvent(user, harness.Event{Type: "t", TTLSeconds: 0.2})
			s.Publish(user, "t", "4")
			await(t, s, 0.5)
			return last.Cursor
		},
		want: client.Missing{From: 2, To: 3, Reason: "expired"}, first: 4, head: 4,
	},
	{
		name: "another epoch",
		prepare: func(_ *testing.T, s *harness.Server, user string) string {
			s.PublishMany(user, "t", 3)
			return "anotherlife-2"
		},
		want: client.Missing{From: 0, To: 0, Reason: "epoch"}, first: 1, head: 3,
	},
	{
		name: "another epoch of a log that lost events", flags: []string{"--log-events", "2"},
		prepare: func(_ *testing.T, s *harness.Server, user string) string {
			s.PublishMany(user, "t", 5)
			return "anotherlife-2"
		},
		want: client.Missing{From: 0, To: 3, Reason: "epoch"}, first: 4, head: 5,
	},
	{
		name: "ahead of the head",
		prepare: func(_ *testing.T, s *harness.Server, user string) string {
			return at(s.PublishMany(user, "t", 3).Cursor, "100")
		},
		want: client.Missing{From: 4, To: 100, Reason: "ahead"}, first: 4, head: 3,
	},
}

// Every reason, over every transport: ready does not say recovered, the gap comes in
// the place of what is missing, the rest follows, and who resumes behind the gap is
// not told of it again.
func TestGapsAreAnnouncedExactly(t *testing.T) {
	t.Parallel()
	for _, tt := range gapCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			eachTransport(t, func(t *testing.T, transport string) {
				s := harness.Start(t, tt.flags...)
				user := "gap-" + transport
				token := s.Token(user)
				since := tt.prepare(t, s, user)
				c := connect(t, s, transport, client.Options{Token: token, Since: since})
				if transport != "poll" {
					keep := since // the gap is still to be announced
					if tt.want.Reason == "ahead" {
						keep = at(since, strconv.FormatUint(tt.head, 10))
					}
					if r := c.wantReady(); r.Recovered || r.Head != tt.head || r.Cursor != keep {
						t.Errorf("ready = %+v, want head %d, not recovered, cursor %s", r, tt.head, keep)
					}
				}
				m := c.want(client.Gap)
				if diff := cmp.Diff(tt.want, m.Gap); diff != "" {
					t.Errorf("gap (-want +got):\n%s", diff)
				}
				if transport == "sse" && (m.SSEID == "" || m.SSEID == since) {
					t.Errorf("the gap carries the id %q: an EventSource that reconnects now would be told of it again", m.SSEID)
				}
				c.wantSeqs(tt.first, tt.head)
				// Whoever resumes behind the gap is not told of it again: SSE carries
				// the cursor with the gap, a poll with its answer.
				cursor := m.SSEID
				if transport == "poll" {
					cursor = c.want(client.Move).Cursor.String()
				}
				if cursor != "" {
					again := connect(t, s, transport, client.Options{Token: token, Since: cursor, Query: pollOnly(transport, "wait", "0")})
					if transport == "sse" {
						if r := again.wantReady(); !r.Recovered {
							t.Errorf("ready behind the gap = %+v, want recovered", r)
						}
						again.wantSeqs(tt.first, tt.head)
					} else if m := again.next(); m.Kind != client.Move || m.Cursor.String() != cursor {
						t.Errorf("behind the gap came %s", m.Kind)
					}
				}
				// The stream goes on.
				live := s.Publish(user, "t", "1")
				if live.Seq != tt.head+1 {
					t.Errorf("next seq = %d, want %d", live.Seq, tt.head+1)
				}
				c.wantEvent(live)
			})
		})
	}
}

// "0" asks for what there is: nothing is missing from that, so there is no gap; but
// recovered is only said when there was never more.
func TestSinceZeroHasNoGap(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--log-events", "3")
	s.PublishMany("short", "t", 3)
	s.PublishMany("long", "t", 10)
	eachTransport(t, func(t *testing.T, transport string) {
		for user, oldest := range map[string]uint64{"short": 1, "long": 8} {
			c := connect(t, s, transport, client.Options{Token: s.Token(user), Since: "0"})
			if transport != "poll" {
				if r := c.wantReady(); r.Oldest != oldest || r.Replayed != 3 || r.Recovered != (oldest == 1) {
					t.Errorf("%s: ready = %+v", user, r)
				}
			}
			c.wantSeqs(oldest, oldest+2)
		}
	})
}

// A log that was evicted goes on with its numbers: a client that was there before
// is told of the gap even when there is nothing new yet.
func TestAnEvictedLogRemembersWhereItWas(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--log-users", "1")
	last := s.PublishMany("alice", "t", 3)
	s.Publish("bob", "t", "1")
	c := connect(t, s, "sse", client.Options{Token: s.Token("alice"), Since: last.Cursor})
	if r := c.wantReady(); !r.Recovered || r.Head != 3 {
		t.Errorf("ready = %+v: who has seen everything has missed nothing", r)
	}
	if r := s.Publish("alice", "t", "4"); r.Seq != 4 || at(r.Cursor, "0") != at(last.Cursor, "0") {
		t.Errorf("the log goes on with %s after %s", r.Cursor, last.Cursor)
	}
	c.wantSeqs(4, 4)
}

// A restart loses nothing that was acknowledged, however the process ends: epoch,
// numbers and what a device has confirmed are as before.
func TestARestartLosesNothing(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*harness.Server){
		"stopped": func(*harness.Server) {}, "killed": func(s *harness.Server) { s.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			s := harness.Start(t)
			first := s.PublishMany("alice", "t", 1)
			last := s.PublishMany("alice", "t", 4)
			end(s)
			s.Restart()
			eachTransport(t, func(t *testing.T, transport string) {
				c := connect(t, s, transport, client.Options{Token: s.Token("alice"), Since: first.Cursor})
				if transport != "poll" {
					if r := c.wantReady(); !r.Recovered || r.Replayed != 4 || r.Head != 5 || r.Oldest != 1 {
						t.Errorf("ready = %+v", r)
					}
				}
				c.wantSeqs(2, 5)
			})
			if r := s.Publish("alice", "t", "6"); r.Seq != 6 || at(r.Cursor, "0") != at(last.Cursor, "0") || r.Durability != "disk" {
				t.Errorf("the log goes on with %+v after %s", r, last.Cursor)
			}
		})
	}
}

// A restart loses the logs that are only in memory: old cursors are of another
// epoch, and their owners are told.
func TestARestartWithoutADiskIsAnotherEpoch(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--durability", "memory")
	last := s.PublishMany("alice", "t", 3)
	token := s.Token("alice")
	s.Restart()
	eachTransport(t, func(t *testing.T, transport string) {
		c := connect(t, s, transport, client.Options{Token: token, Since: last.Cursor})
		if transport != "poll" {
			if r := c.wantReady(); r.Recovered {
				t.Errorf("ready = %+v", r)
			}
		}
		if m := c.want(client.Gap); m.Gap.Reason != "epoch" {
			t.Errorf("gap = %+v", m.Gap)
		}
	})
}
