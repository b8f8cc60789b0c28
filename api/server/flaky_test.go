package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"hubline/api/notify"
)

// flaky is a network and a proxy that fail at random: before the server has seen a
// request, behind it, and in its answer. It is safe for concurrent use.
type flaky struct {
	next http.RoundTripper

	mu     sync.Mutex
	rng    *rand.Rand
	seen   map[string]bool // ids of events in requests that the server has seen
	counts [7]int
}

var eventID = regexp.MustCompile(`"id":"([^"]+)"`)

func (f *flaky) draw() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.rng.IntN(10)
	f.counts[min(n, 6)]++
	return n
}

var errCut = errors.New("connection reset by peer")

func (f *flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	do := func() (*http.Response, error) {
		f.mu.Lock()
		for _, m := range eventID.FindAllSubmatch(body, -1) {
			f.seen[string(m[1])] = true
		}
		f.mu.Unlock()
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		return f.next.RoundTrip(again)
	}
	switch f.draw() {
	case 0: // the request is lost
		return nil, errCut
	case 1: // a proxy has nobody to ask, or the server is stopping
		return made(r, 503, "application/problem+json", `{"type":"/problems/stopping","title":"t","status":503}`), nil
	case 2: // the answer is lost
		if resp, err := do(); err == nil {
			_ = resp.Body.Close()
		}
		return nil, errCut
	case 3: // a proxy has given up waiting
		if resp, err := do(); err == nil {
			_ = resp.Body.Close()
		}
		return made(r, 504, "text/html", "<html>"), nil
	case 4: // the answer is cut
		resp, err := do()
		if err != nil {
			return nil, err
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(text[:len(text)/2]), failing{}))
		return resp, nil
	case 5: // the request arrives twice
		if resp, err := do(); err == nil {
			_ = resp.Body.Close()
		}
	}
	return do()
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func made(r *http.Request, status int, kind, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

func (f *flaky) wasSeen(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[id]
}

// sender publishes one event behind the other, and notes who is to have which.
type sender struct {
	t       *testing.T
	n       *notify.Notifier
	net     *flaky
	name    int
	rng     *rand.Rand
	users   []string
	members []string
	want    map[string][]int // by user: numbers of the events, in order
}

// one publishes the n-th event, somehow, until it is there.
func (s *sender) one(n int) {
	e := notify.Event{Type: "t", Data: [2]int{s.name, n}}
	to := []string{s.users[s.rng.IntN(len(s.users))]}
	kind := s.rng.IntN(4)
	switch kind {
	case 1:
		to = nil
		for _, i := range s.rng.Perm(len(s.users))[:1+s.rng.IntN(len(s.users))] {
			to = append(to, s.users[i])
		}
	case 2:
		to = s.members
	case 3:
		to = s.users
	}
	for tries := 0; ; tries++ {
		if tries == 1000 {
			s.t.Fatal("it is never there")
		}
		var err error
		ctx := s.t.Context()
		switch kind {
		case 0:
			var r notify.Receipt
			r, err = s.n.SendToUser(ctx, to[0], e)
			e.ID = r.ID
		case 1:
			var results []notify.Result
			results, err = s.n.SendToUsers(ctx, to, e)
			e.ID = results[0].Receipt.ID
		case 2:
			var r notify.ChannelReceipt
			r, err = s.n.SendToChannel(ctx, "c", e)
			e.ID = r.ID
		case 3:
			var r notify.BroadcastReceipt
			r, err = s.n.Broadcast(ctx, e)
			e.ID = r.ID
		}
		if err == nil {
			break
		}
		// The call has given up; the event goes again, with its id.
		if failed, ok := errors.AsType[*notify.Error](err); !ok || e.ID == "" || !errors.Is(err, notify.ErrUnavailable) && failed.Status != http.StatusOK && failed.Status != http.StatusCreated {
			s.t.Errorf("err = %v", err)
			return
		} else if tries == 0 && kind != 1 && !failed.Uncertain && s.net.wasSeen(e.ID) {
			// (Of several users, some may have it while it is certain that others have not.)
			s.t.Errorf("the server has seen it, and it is said to be certain that it has not: %v", err)
		}
	}
	for _, u := range to {
		s.want[u] = append(s.want[u], n)
	}
}

// Whatever a network loses, and whether a call succeeds at once or is repeated by the
// caller with the id that it was given: each event is in the log of everybody it was
// for exactly once, and of nobody else, and each caller's in the order of its calls.
func TestEventsAreThereOnceOverABadNetwork(t *testing.T) {
	for _, where := range []string{"memory", "disk"} {
		t.Run(where, func(t *testing.T) {
			cfg := Config{Settings: map[string]string{"log-events": "100000", "log-bytes": "64MiB"}}
			if where == "disk" {
				cfg.Data = t.TempDir() + "/data"
			}
			s := start(t, cfg)
			clean := s.Notifier()
			users := []string{"ann", "ben", "cleo", "dan", "eve"}
			for _, u := range users { // a broadcast goes to those who have a log
				if _, err := clean.SendToUser(t.Context(), u, notify.Event{Type: "first"}); err != nil {
					t.Fatal(err)
				}
			}
			for _, u := range users[:3] {
				if _, err := clean.AddMember(t.Context(), "c", u); err != nil {
					t.Fatal(err)
				}
			}
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			net := &flaky{rng: rand.New(rand.NewPCG(seed, 0)), seen: map[string]bool{}}
			net.next = s.local
			n, err := notify.New(notify.Config{
				URL: "http://hubline", APIKey: s.APIKey(), HTTPClient: &http.Client{Transport: net},
				MaxAttempts: 3, MinBackoff: time.Microsecond, MaxBackoff: time.Millisecond, MaxBatchItems: 2,
			})
			if err != nil {
				t.Fatal(err)
			}
			senders := make([]*sender, 6)
			var wg sync.WaitGroup
			for i := range senders {
				senders[i] = &sender{t: t, n: n, net: net, name: i, rng: rand.New(rand.NewPCG(seed, uint64(i)+1)), users: users, members: users[:3], want: map[string][]int{}}
				wg.Go(func() {
					for k := range 60 {
						senders[i].one(k)
					}
				})
			}
			wg.Wait()
			for kind, k := range net.counts {
				if k == 0 {
					t.Errorf("failure %d has not happened", kind)
				}
			}
			for _, u := range users {
				got := make([][]int, len(senders))
				for _, e := range log(t, clean, u) {
					var from [2]int
					if e.Type == "first" {
						continue
					}
					if err := json.Unmarshal(e.Data, &from); err != nil {
						t.Fatal(err)
					}
					got[from[0]] = append(got[from[0]], from[1])
				}
				for i, s := range senders {
					if fmt.Sprint(got[i]) != fmt.Sprint(s.want[u]) {
						t.Errorf("%s has of sender %d\n%v, want\n%v", u, i, got[i], s.want[u])
					}
				}
			}
		})
	}
}
