package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

func TestTheTokenCommand(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	r := harness.Run(t, nil, "token", "--data-dir", s.Data, "--user", "alice", "--device", "phone", "--scope", "publish", "--ttl", "5m")
	token := strings.TrimSuffix(r.Stdout, "\n")
	if r.Status != 0 || r.Stderr != "" || strings.ContainsAny(token, " \n") || strings.Count(token, ".") != 2 {
		t.Fatalf("%+v", r)
	}
	if !accepted(t, s, token) {
		t.Error("the token is not accepted")
	}
	if a := s.Do("POST", harness.EventsPath("alice"), token, `{"type":"t"}`); a.Status != 201 {
		t.Errorf("publish with the token's scope: %d %s", a.Status, a.Body)
	}
	for _, args := range [][]string{{"token"}, {"token", "--user", ""}, {"token", "--user", "alice", "--data-dir", t.TempDir()}, {"token", "--user", "a\nb", "--data-dir", s.Data}} {
		if r := harness.Run(t, nil, args...); r.Status == 0 || r.Stderr == "" || r.Stdout != "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

func TestThePublishCommand(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	live := connect(t, s, "sse", client.Options{Token: s.Token("alice")})
	live.wantReady()
	to := []string{"--server", s.URL, "--data-dir", s.Data}
	r := harness.Run(t, nil, append([]string{"publish", "--user", "alice", "--type", "hello", "--data", `{ "n":1 }`, "--json"}, to...)...)
	var receipt harness.Receipt
	if err := json.Unmarshal([]byte(r.Stdout), &receipt); r.Status != 0 || err != nil || receipt.Seq != 1 || receipt.Delivered != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	if m := live.wantEvent(receipt); m.Type != "hello" {
		t.Errorf("event = %s", m.Raw)
	}
	var lines strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&lines, `{"type":"t","data":%d}`+"\n", i)
	}
	if r := harness.RunWith(t, lines.String(), nil, append([]string{"publish", "--user", "alice", "-"}, to...)...); r.Status != 0 {
		t.Fatalf("%+v", r)
	}
	for i := range 2500 {
		if m := live.want(client.Event); string(m.Data) != fmt.Sprint(i) || m.Cursor.Seq != uint64(i)+2 {
			t.Fatalf("event %d = %s", i, m.Raw)
		}
	}
	for name, args := range map[string][]string{
		"a reserved type":    append([]string{"publish", "--user", "alice", "--type", "hubline.x"}, to...),
		"no target":          append([]string{"publish", "--type", "t"}, to...),
		"broken data":        append([]string{"publish", "--user", "alice", "--type", "t", "--data", "{"}, to...),
		"a key that is none": {"publish", "--user", "alice", "--type", "t", "--server", s.URL, "--api-key", "wrong"},
		"nobody there":       {"publish", "--user", "alice", "--type", "t", "--server", "http://127.0.0.1:1", "--data-dir", s.Data},
	} {
		if r := harness.Run(t, nil, args...); r.Status == 0 || r.Stderr == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Tail follows over each transport, through restarts of the server, and does not
// print anything twice.
func TestTheTailCommandFollowsReconnects(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"ws", "sse", "poll"} {
		t.Run(transport, func(t *testing.T) {
			s := harness.Start(t)
			s.PublishMany("alice", "before", 2)
			tail := harness.Spawn(t, "tail", "--user", "alice", "--since", "0", "--transport", transport, "--server", s.URL, "--data-dir", s.Data)
			tail.Want(t, `"seq":2,`)
			s.Publish("alice", "live", "1")
			tail.Want(t, `"seq":3,.*"type":"live"`)
			s.Restart()
			// Nothing is lost with a restart: what follows comes, and nothing is announced.
			s.Publish("alice", "after", "1")
			tail.Want(t, `"type":"after"`)
			s.Kill()
			s.Restart()
			s.Publish("alice", "again", "1")
			tail.Want(t, `"type":"again"`)
			for _, kind := range []string{`"type":"live"`, `"type":"after"`, `"type":"again"`} {
				if n := strings.Count(tail.Output(), kind); n != 1 {
					t.Errorf("%s was printed %d times", kind, n)
				}
			}
			if strings.Contains(tail.Output(), "hubline.gap") {
				t.Error("a gap was announced")
			}
			if status := tail.Interrupt(t); status != 0 && status != 130 {
				t.Errorf("exit status after SIGINT = %d", status)
			}
		})
	}
}
