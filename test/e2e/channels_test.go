package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// channelReceipt answers a publish to a channel.
type channelReceipt struct {
	ID                         string
	Members, Failed, Delivered int
	Durability                 string
	Duplicate                  bool
}

func publishToChannel(ctx context.Context, s *harness.Server, channel, id string) (r channelReceipt, err error) {
	a, err := s.Request(ctx, http.MethodPost, "/api/v1/channels/"+channel+"/events", s.APIKey, []byte(`{"type":"t","id":"`+id+`"}`))
	if err != nil {
		return r, err
	}
	if a.Status != http.StatusCreated {
		return r, fmt.Errorf("%d %s", a.Status, a.Body)
	}
	return r, json.Unmarshal(a.Body, &r)
}

// idsOf are the ids in a user's log, in order.
func idsOf(t *testing.T, s *harness.Server, user string) (ids []string) {
	t.Helper()
	for since := "0"; ; {
		a := s.Do(http.MethodGet, harness.EventsPath(user)+"?limit=1000&since="+since, s.APIKey, "")
		var log struct {
			Events []struct{ ID, Channel string }
			Cursor string
			Gap    *client.Missing
		}
		if err := json.Unmarshal(a.Body, &log); err != nil || log.Gap != nil {
			t.Fatalf("%s: %v", a.Body, err)
		}
		if len(log.Events) == 0 {
			return ids
		}
		for _, e := range log.Events {
			ids = append(ids, e.ID)
		}
		since = log.Cursor
	}
}

// Members who were away get on any transport what a channel was sent.
func TestMembersCatchUpOnEveryTransport(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, transport := range transports {
		token := s.Token(transport)
		if a := s.Do(http.MethodPost, "/channels/subscribe", token, `{"channel":"news"}`); string(a.Body) != `{"ok":true}` {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	if r, err := publishToChannel(t.Context(), s, "news", "one"); err != nil || r.Members != 3 || r.Durability != "disk" {
		t.Fatalf("%+v, %v", r, err)
	}
	s.Kill()
	s.Restart()
	if r, err := publishToChannel(t.Context(), s, "news", "two"); err != nil || r.Members != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, transport := range transports {
		c := connect(t, s, transport, client.Options{Token: s.Token(transport), Since: "0"})
		if transport != "poll" {
			c.wantReady()
		}
		for i, id := range []string{"one", "two"} {
			if e := c.want(client.Event); e.ID != id || e.Channel != "news" || e.Cursor.Seq != uint64(i+1) { //nolint:gosec // small
				t.Errorf("%s: %+v, want %s", transport, e, id)
			}
		}
	}
}

// Whatever the server is killed in the middle of: a membership that was answered holds,
// an event to a channel that was answered is in the log of every member, and one that
// was not is there for all members or for none.
func TestMembershipsSurviveAKill(t *testing.T) {
	t.Parallel()
	const users, rounds, kills = 12, 60, 6
	s := harness.Start(t, "--log-events", "100000")
	members := map[string]bool{} // answered
	var mu sync.Mutex
	answered := map[string][]string{} // who was a member before it was published, by id
	for round := range kills {
		var all sync.WaitGroup
		var done atomic.Int32
		kill := make(chan struct{})
		after := 2 + rand.Int32N(rounds+users-4)
		step := func() {
			if done.Add(1) == after {
				close(kill)
			}
		}
		all.Go(func() { // two more users, each round
			for i := range 2 {
				user := fmt.Sprintf("user%d", 2*round+i)
				a, err := s.Request(t.Context(), http.MethodPut, "/api/v1/channels/c/members/"+user, s.APIKey, nil)
				if err != nil {
					return
				}
				if a.Status == http.StatusOK {
					mu.Lock()
					members[user] = true
					mu.Unlock()
				}
				step()
			}
		})
		for p := range 3 {
			all.Go(func() {
				for i := range rounds {
					id := fmt.Sprintf("%d-%d-%d", round, p, i)
					mu.Lock()
					before := slices.Collect(maps.Keys(members))
					mu.Unlock()
					if _, err := publishToChannel(t.Context(), s, "c", id); err != nil {
						return
					}
					mu.Lock()
					answered[id] = before
					mu.Unlock()
					step()
				}
			})
		}
		<-kill
		s.Kill()
		all.Wait()
		s.Restart()
		a := s.Do(http.MethodGet, "/api/v1/channels/c/members?limit=100", s.APIKey, "")
		for user := range members {
			if !strings.Contains(string(a.Body), `"`+user+`"`) {
				t.Errorf("round %d: %s is no member any more: %s", round, user, a.Body)
			}
		}
	}

	// Everybody has all events from some event on, in the same order.
	logs := map[string][]string{}
	var longest []string
	for i := range users {
		user := fmt.Sprint("user", i)
		if logs[user] = idsOf(t, s, user); len(logs[user]) > len(longest) {
			longest = logs[user]
		}
	}
	for user, log := range logs {
		if tail := longest[len(longest)-len(log):]; !slices.Equal(tail, log) {
			t.Errorf("%s has %d events, not the last ones of %d", user, len(log), len(longest))
		}
	}
	due := 0
	for id, before := range answered {
		for _, user := range before {
			due++
			if n := len(slices.DeleteFunc(slices.Clone(logs[user]), func(x string) bool { return x != id })); n != 1 {
				t.Errorf("%s is there %d times for %s", id, n, user)
			}
		}
	}
	if due == 0 {
		t.Error("nothing was ever published to a member")
	}
}

// What was revoked stays so.
func TestRevocationsSurviveAKill(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	token, other := s.Token("alice"), s.Token("berta")
	if a := s.Do(http.MethodPost, "/api/v1/tokens:revoke", s.APIKey, `{"user":"alice"}`); a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	s.Kill()
	s.Restart()
	for token, want := range map[string]int{token: http.StatusUnauthorized, other: http.StatusOK} {
		if a := s.Do(http.MethodGet, "/events?wait=0", token, ""); a.Status != want {
			t.Errorf("%d %s, want %d", a.Status, a.Body, want)
		}
	}
}
