package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

func TestPublishIsAnsweredWithAReceipt(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	live := connect(t, s, "sse", client.Options{Token: s.Token("alice")})
	live.wantReady()

	a := s.Do(http.MethodPost, harness.EventsPath("alice"), s.APIKey, `{"type":"order.paid","data":{"n":1},"id":"o-1"}`)
	if a.Status != http.StatusCreated || a.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("answer = %d %s, want 201: %s", a.Status, a.Header.Get("Content-Type"), a.Body)
	}
	var fields map[string]any
	a.JSON(t, &fields)
	for _, name := range []string{"id", "seq", "cursor", "durability", "delivered", "duplicate"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("the receipt has no %q: %s", name, a.Body)
		}
	}
	var r harness.Receipt
	a.JSON(t, &r)
	c, err := client.ParseCursor(r.Cursor)
	if err != nil || c.Seq != 1 || r.Seq != 1 || r.ID != "o-1" || r.Delivered != 1 || r.Duplicate || r.Durability != "disk" {
		t.Errorf("receipt = %+v, %v", r, err)
	}
	m := live.wantEvent(r)
	if m.Type != "order.paid" || string(m.Data) != `{"n":1}` || m.TS == 0 || m.Channel != "" {
		t.Errorf("event = %s", m.Raw)
	}
	if r := s.Publish("alice", "t", "2"); r.Seq != 2 || len(r.ID) != 36 || r.ID[14] != '7' {
		t.Errorf("second receipt = %+v, want seq 2 and a UUIDv7", r)
	}
	if r := s.Publish("bob", "t", "1"); r.Seq != 1 || r.Delivered != 0 {
		t.Errorf("receipt for another user = %+v, want seq 1, delivered to nobody", r)
	}
}

// Data comes out byte for byte, over every transport, live and from the log.
func TestDataIsKeptByteForByte(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	data := []string{
		`null`, `true`, `-0`, `1e400`, `12345678901234567890123`, `""`, `[]`, `{}`,
		`{ "b" : 1 ,"a":[ 1.0,1.50E+2 ] }`, `{"a":1,"a":2}`, "{\n  \"n\": [\n    1\n  ]\n}",
		`"<b>&\/ \u003c\u0000\u2028 ` + "\u2028 \u00e9 \U0001F600" + `\ud83d"`,
		`"` + strings.Repeat("x", 100_000) + `"`, strings.Repeat("[", 50) + strings.Repeat("]", 50),
		`"data: x\n\nid: 9\nevent: hubline.gap"`,
	}
	eachTransport(t, func(t *testing.T, transport string) {
		s := s.In(t)
		user := "bytes-" + transport
		first := s.Publish(user, "t", "0")
		live := connect(t, s, transport, client.Options{Token: s.Token(user), Since: first.Cursor})
		for _, d := range data {
			r := s.Publish(user, "t", d)
			if m := live.wantReadyless(r); string(m.Data) != d {
				t.Errorf("live: data = %.100s, want %.100s", m.Data, d)
			}
		}
		late := connect(t, s, transport, client.Options{Token: s.Token(user), Since: first.Cursor})
		for i, d := range data {
			m := late.wantReadyless(harness.Receipt{})
			if string(m.Data) != d || m.Cursor.Seq != uint64(i)+2 {
				t.Errorf("replayed: data = %.100s, want %.100s", m.Data, d)
			}
		}
	})
}

// wantReadyless takes the next event, past hubline.ready, and compares it with the
// receipt if that is not empty.
func (c *conn) wantReadyless(r harness.Receipt) client.Message {
	c.t.Helper()
	for {
		m := c.next()
		if m.Kind == client.Ready || c.transport == "poll" && m.Kind == client.Move {
			continue
		}
		if m.Kind != client.Event || r.Cursor != "" && m.Cursor.String() != r.Cursor {
			c.t.Fatalf("%s: got %s %s, want event %s", c.transport, m.Kind, m.Cursor, r.Cursor)
		}
		return m
	}
}

func TestPublishRefusesWhatItCannotCarry(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	long := strings.Repeat("x", 129)
	for name, body := range map[string]string{
		"no body": "", "not JSON": "{", "an array": "[]", "a string": `"x"`, "null": "null", "two values": `{"type":"t"} {}`,
		"not UTF-8": "{\"type\":\"\xff\"}", "no type": `{"data":1}`, "an empty type": `{"type":""}`, "a type of another kind": `{"type":{}}`,
		"NUL in the type": `{"type":"a\u0000b"}`, "a newline in the type": `{"type":"a\nb"}`, "a carriage return in the type": `{"type":"a\rb"}`,
		"DEL in the type": `{"type":"a\u007fb"}`, "a type that is too long": `{"type":"` + long + `"}`,
		"a reserved type": `{"type":"hubline.ready"}`, "NUL in the id": `{"type":"t","id":"a\u0000"}`,
		"a newline in the id": `{"type":"t","id":"a\nb"}`, "an id of another kind": `{"type":"t","id":7}`,
		"arguments that are no array": `{"type":"t","arguments":{}}`, "a time to live below zero": `{"type":"t","ttlSeconds":-1}`,
		"a newline in the device": `{"type":"t","device":"a\nb"}`,
	} {
		a := s.Do(http.MethodPost, harness.EventsPath("alice"), s.APIKey, body)
		t.Run(name, func(t *testing.T) {
			wantProblem(t, a.Status, a.Header, a.Body, http.StatusBadRequest, "")
		})
	}
	for _, user := range []string{"a%00b", "a%0Ab", "a%0Db", strings.Repeat("u", 300), "%ff"} {
		a := s.Do(http.MethodPost, "/api/v1/users/"+user+"/events", s.APIKey, `{"type":"t"}`)
		t.Run("user "+user[:3], func(t *testing.T) {
			wantProblem(t, a.Status, a.Header, a.Body, http.StatusBadRequest, "")
		})
	}
	// Nothing of all that was published.
	if r := s.Publish("alice", strings.Repeat("t", 128), "1"); r.Seq != 1 {
		t.Errorf("first good event has seq %d", r.Seq)
	}
}

func TestUserNamesAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, user := range []string{
		"a/b", "a b", "ä", "a%b", "a%2Fb", "a+b", "..", "alice@example.org", "6a7b5d1e-4c0e-4b8e-9d2f-0c7d5d1b6a11",
	} {
		t.Run(user, func(t *testing.T) {
			s := s.In(t)
			r := s.Publish(user, "t", "1")
			p := client.NewPoller(client.Options{URL: s.URL, Token: s.Token(user), Since: "0", Query: query("wait", "0")})
			a, err := p.Poll(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Events) != 1 || a.Events[0].ID != r.ID {
				t.Errorf("the user's events = %v, want %s", a.Events, r.ID)
			}
		})
	}
	// However the sender escapes it, it is the same user.
	for _, escaped := range []string{"alice@example.org", "alice%40example.org", "%61lice%40example%2Eorg"} {
		if a := s.Do(http.MethodPost, "/api/v1/users/"+escaped+"/events", s.APIKey, `{"type":"t"}`); a.Status != http.StatusCreated {
			t.Errorf("%s: %d %s", escaped, a.Status, a.Body)
		}
	}
	if r := s.Publish("alice@example.org", "t", "1"); r.Seq != 5 {
		t.Errorf("seq = %d, want 5: all four before it went to the same user", r.Seq)
	}
}

func TestBodyOverTheLimit(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--max-publish-bytes", "1KiB", "--max-batch-bytes", "4KiB")
	big := `{"type":"t","data":"` + strings.Repeat("x", 2000) + `"}`
	a := s.Do(http.MethodPost, harness.EventsPath("alice"), s.APIKey, big)
	wantProblem(t, a.Status, a.Header, a.Body, http.StatusRequestEntityTooLarge, "too-large")

	// Without a Content-Length the limit holds too.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+harness.EventsPath("alice"), struct{ *strings.Reader }{strings.NewReader(big)})
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = -1
	r.Header.Set("Authorization", "Bearer "+s.APIKey)
	resp, err := harness.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("chunked: status = %d, want 413", resp.StatusCode)
	}

	exact := `{"type":"t","data":"` + strings.Repeat("x", 1024-len(`{"type":"t","data":""}`)) + `"}`
	if a := s.Do(http.MethodPost, harness.EventsPath("alice"), s.APIKey, exact); a.Status != http.StatusCreated {
		t.Errorf("a body of exactly the limit: %d %s", a.Status, a.Body)
	}
	if a := s.Do(http.MethodPost, harness.EventsPath("alice"), s.APIKey, exact+" "); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of one byte more: %d, want 413", a.Status)
	}
}

func TestDeeplyNestedJSONIsRefusedOrCarried(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, depth := range []int{1_000, 20_000, 100_000} {
		for _, pair := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
			body := `{"type":"t","data":` + strings.Repeat(pair[0], depth) + "1" + strings.Repeat(pair[1], depth) + `}`
			a := s.Do(http.MethodPost, harness.EventsPath("alice"), s.APIKey, body)
			if a.Status != http.StatusCreated && a.Status != http.StatusBadRequest && a.Status != http.StatusRequestEntityTooLarge {
				t.Errorf("depth %d: %d %.200s", depth, a.Status, a.Body)
			}
		}
	}
	if a := s.Do(http.MethodGet, "/healthz", "", ""); a.Status != http.StatusOK {
		t.Errorf("healthz = %d", a.Status)
	}
}

func TestPublishingTwiceWithTheSameKeyOrID(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	live := connect(t, s, "ws", client.Options{Token: s.Token("alice")})
	post := func(user, body string, header ...string) (int, harness.Receipt) {
		var r harness.Receipt
		a := s.Do(http.MethodPost, harness.EventsPath(user), s.APIKey, body, header...)
		if a.Status == http.StatusCreated {
			a.JSON(t, &r)
		}
		return a.Status, r
	}
	same := func(first, again harness.Receipt) {
		t.Helper()
		first.Duplicate = true
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("the repeated answer differs (-first +again):\n%s", diff)
		}
	}
	_, first := post("alice", `{"type":"t","data":1}`, "Idempotency-Key", "k1")
	status, again := post("alice", `{"type":"t","data":1}`, "Idempotency-Key", "k1")
	if status != http.StatusCreated {
		t.Errorf("repeated key: status %d, want the same answer", status)
	}
	same(first, again)
	a := s.Do(http.MethodPost, harness.EventsPath("alice"), s.APIKey, `{"type":"t","data":2}`, "Idempotency-Key", "k1")
	wantProblem(t, a.Status, a.Header, a.Body, http.StatusUnprocessableEntity, "")
	if _, other := post("bob", `{"type":"t","data":1}`, "Idempotency-Key", "k1"); other.Duplicate {
		t.Error("a key of another user's event counts as repeated")
	}
	_, named := post("alice", `{"type":"t","data":3,"id":"x"}`)
	_, again = post("alice", `{"type":"t","data":3,"id":"x"}`)
	same(named, again)
	a = s.Do(http.MethodPost, harness.EventsPath("alice"), s.APIKey, `{"type":"t"}`, "Idempotency-Key", strings.Repeat("k", 300))
	wantProblem(t, a.Status, a.Header, a.Body, http.StatusBadRequest, "")

	last := s.Publish("alice", "t", "4")
	live.wantEvent(first)
	live.wantEvent(named)
	live.wantEvent(last)
	if last.Seq != 3 {
		t.Errorf("last seq = %d, want 3: repeats take no seq", last.Seq)
	}
}

func TestRepeatsAtTheSameTimeArePublishedOnce(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	fresh, seqs := 0, map[uint64]bool{}
	for range 20 {
		wg.Go(func() {
			r, err := s.TryPublish(t.Context(), "alice", harness.Event{ID: "one", Type: "t", Data: json.RawMessage(`1`)})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			seqs[r.Seq] = true
			if !r.Duplicate {
				fresh++
			}
		})
	}
	wg.Wait()
	if fresh != 1 || len(seqs) != 1 {
		t.Errorf("%d of 20 repeats were published, with seqs %v", fresh, seqs)
	}
}

func TestBroadcastReachesEveryUserWithALogOrAConnection(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Publish("logged", "t", "1")
	live := connect(t, s, "ws", client.Options{Token: s.Token("connected")})
	r, err := s.Broadcast(t.Context(), harness.Event{Type: "news", Data: json.RawMessage(`{"n":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	if r.ID == "" || r.Delivered != 1 || r.Durability != "disk" {
		t.Errorf("receipt = %+v", r)
	}
	if m := live.want(client.Event); m.ID != r.ID || m.Cursor.Seq != 1 {
		t.Errorf("connected user got %s", m.Raw)
	}
	for user, want := range map[string]uint64{"logged": 2, "connected": 1} {
		late := connect(t, s, "sse", client.Options{Token: s.Token(user), Since: fmt.Sprint(want - 1)})
		late.wantReady()
		if m := late.want(client.Event); m.ID != r.ID || m.Cursor.Seq != want {
			t.Errorf("%s got %s", user, m.Raw)
		}
	}
	if r := s.Publish("stranger", "t", "1"); r.Seq != 1 {
		t.Errorf("a user without log or connection got the broadcast too: seq %d", r.Seq)
	}
}
