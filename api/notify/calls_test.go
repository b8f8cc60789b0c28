package notify

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const jsonText = "application/json"

func TestMembersAreReadPageByPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := func(n, from int, next string) step {
			var list []string
			for i := range n {
				list = append(list, fmt.Sprintf(`{"user":"u%05d","online":%v}`, from+i, i%2 == 0))
			}
			return reply(200, jsonText, fmt.Sprintf(`{"channel":"c","total":1003,"members":[%s],"next":%s}`, strings.Join(list, ","), next))
		}
		n, f := newFake(t, Config{}, page(1000, 0, `"u00999"`), fails(errReset), page(3, 1000, "null"))
		i := 0
		for m, err := range n.Members(t.Context(), "c") {
			if err != nil || m.User != fmt.Sprintf("u%05d", i) || m.Online != (i%1000%2 == 0) {
				t.Fatalf("member %d: %+v, %v", i, m, err)
			}
			i++
		}
		var asked []string
		for _, s := range f.seen {
			asked = append(asked, s.r.URL.RawQuery)
		}
		if i != 1003 || cmp.Diff([]string{"limit=1000", "after=u00999&limit=1000", "after=u00999&limit=1000"}, asked) != "" {
			t.Errorf("%d members, asked for %q", i, asked)
		}
		// Whoever has seen enough does not cause more.
		n, f = newFake(t, Config{}, page(1000, 0, `"u00999"`))
		for range n.Members(t.Context(), "c") {
			break
		}
		if f.requests() != 1 {
			t.Errorf("%d requests", f.requests())
		}
		// A page that does not lead on is no page.
		n, _ = newFake(t, Config{MaxAttempts: 2}, page(1, 0, `"u00000"`), page(1, 0, `"u00000"`))
		count, last := 0, error(nil)
		for _, err := range n.Members(t.Context(), "c") {
			count++
			last = err
		}
		if count != 2 || !errors.Is(last, errAnswer) {
			t.Errorf("%d yielded, the last %v", count, last)
		}
	})
}

func TestDisconnectSaysWhatIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tests := []struct {
			o           DisconnectOptions
			query, body string
		}{
			{DisconnectOptions{}, "", ""},
			{DisconnectOptions{Device: "a&b", Reason: "bye"}, "device=a%26b", `{"reason":"bye"}`},
			{DisconnectOptions{KeepOut: 1500 * time.Millisecond}, "", `{"refuseSeconds":2}`},
			{DisconnectOptions{LetIn: true}, "", `{"refuseSeconds":0}`},
		}
		for _, tt := range tests {
			n, f := newFake(t, Config{}, reply(200, jsonText, `{"disconnected":2,"refusedUntil":1700000000000}`))
			d, err := n.Disconnect(t.Context(), "ann", tt.o)
			s := f.seen[0]
			if err != nil || d.Connections != 2 || d.KeptOutUntil.IsZero() == (tt.o.KeepOut > 0) ||
				s.r.URL.RawQuery != tt.query || s.body != tt.body || s.r.Method != http.MethodDelete {
				t.Errorf("%+v: %+v, %v; sent %s %q", tt.o, d, err, s.r.URL.RawQuery, s.body)
			}
		}
	})
}

func TestRevokeSaysWhatIsWanted(t *testing.T) {
	n, f := newFake(t, Config{}, reply(200, jsonText, `{"user":"ann","issuedBefore":1,"until":1700000000000,"disconnected":3}`))
	before := time.UnixMilli(1600000000000)
	r, err := n.Revoke(t.Context(), Revocation{User: "ann", TokenID: "j", IssuedBefore: before.Add(1)})
	if want := (Revoked{Until: time.UnixMilli(1700000000000), Connections: 3}); err != nil || r != want {
		t.Errorf("%+v, %v", r, err)
	}
	if got, want := f.seen[0].body, `{"user":"ann","jti":"j","issuedBefore":1600000000001}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

// A redirect is not followed, whatever the program's client does with them, which
// stays as it is.
func TestRedirectsAreNotFollowed(t *testing.T) {
	f := &fake{steps: []step{reply(302, "text/html", "", "Location", "http://elsewhere.example/"), accepted}}
	client := &http.Client{Transport: f}
	n, err := New(Config{URL: "http://h", APIKey: "secret", HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.SendToUser(t.Context(), "ann", Event{Type: "t"})
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != 302 || f.requests() != 1 || client.CheckRedirect != nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("err = %v after %d requests", err, f.requests())
	}
}

// Calls share few connections, and Close leaves none behind (and no goroutine, which
// TestMain looks for).
func TestConnectionsAreUsedAgain(t *testing.T) {
	var opened atomic.Int64
	closed := make(chan struct{}, 1000)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet:
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"type":"/problems/scope","title":"` + strings.Repeat("x", 10<<10) + `","status":403}`))
		default:
			_, _ = w.Write([]byte(`{"channel":"c","user":"u","member":true,"changed":true}`))
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Add(1)
		case http.StateClosed:
			closed <- struct{}{}
		}
	}
	s.Start()
	defer s.Close()
	n, err := New(Config{URL: s.URL, APIKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, err := n.AddMember(t.Context(), "c", "u"); err != nil {
					t.Error(err)
				}
				if _, err := n.Presence(t.Context(), "u"); !errors.Is(err, ErrForbidden) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if opened.Load() > 8+8 { // net/http dials for whoever waits, also if another becomes free meanwhile
		t.Errorf("%d connections for 800 calls by 8", opened.Load())
	}
	n.Close()
	for range opened.Load() { // or the test does not end
		<-closed
	}
}
