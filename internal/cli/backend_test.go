package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// backend plays a server's /api/v1/events:batch without a network.
type backend struct {
	turns []turn // for the next requests; then plain ones
	log   []string
	times []time.Time
	seen  map[string]bool // ids, for duplicates
	limit int             // most items in a request; 0: no limit
	bytes int             // most bytes in a request; 0: no limit
	keys  []string
}

// turn is how the backend treats one request.
type turn struct {
	err        error  // break the connection
	lost       bool   // do the work, then break the connection
	status     int    // refuse it all
	retryAfter string // with the refusal
	busyFrom   int    // answer items from this index on with 503, if > 0
	answer     string // answer this and nothing else
}

func (b *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	b.times = append(b.times, time.Now())
	b.keys = append(b.keys, r.Header.Get("Authorization"))
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if b.bytes > 0 && len(body) > b.bytes {
		return reply(413, `{"title":"The body is too large"}`), nil
	}
	var now turn
	if len(b.turns) > 0 {
		now, b.turns = b.turns[0], b.turns[1:]
	}
	if now.err != nil {
		return nil, now.err
	}
	if now.status != 0 {
		resp := reply(now.status, `{"title":"Refused","detail":"do better"}`)
		if now.retryAfter != "" {
			resp.Header.Set("Retry-After", now.retryAfter)
		}
		return resp, nil
	}
	if now.answer != "" {
		return reply(200, now.answer), nil
	}
	var out bytes.Buffer
	for i, line := range bytes.Split(bytes.TrimSpace(body), []byte("\n")) {
		if b.limit > 0 && i == b.limit {
			fmt.Fprintln(&out, `{"error":{"title":"The batch is too large","status":413}}`)
			break
		}
		if now.busyFrom > 0 && i >= now.busyFrom {
			fmt.Fprintln(&out, `{"error":{"title":"The server is stopping","status":503}}`)
			continue
		}
		out.WriteString(b.item(line) + "\n")
	}
	if now.lost {
		return nil, io.ErrUnexpectedEOF
	}
	return reply(200, out.String()), nil
}

// item publishes one item and returns the answer to it.
func (b *backend) item(line []byte) string {
	var item struct {
		User  string `json:"user"`
		Event struct {
			ID, Type string
			Data     json.RawMessage
		} `json:"event"`
	}
	if err := json.Unmarshal(line, &item); err != nil {
		return `{"error":{"title":"bad JSON","status":400}}`
	}
	switch item.Event.Type {
	case "bad":
		return `{"error":{"title":"bad type","status":400}}`
	case "huge":
		return `{"error":{"title":"A line is too long","status":413}}`
	}
	duplicate := b.seen[item.Event.ID]
	if !duplicate {
		b.seen[item.Event.ID] = true
		b.log = append(b.log, string(item.Event.Data))
	}
	return fmt.Sprintf(`{"id":%q,"seq":%d,"cursor":"k-%d","delivered":1,"duplicate":%v}`, item.Event.ID, len(b.log), len(b.log), duplicate)
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// outputs are the files that stand for standard output and error.
type outputs struct{ stdout, stderr string }

// publishStream runs `hubline publish -` against the backend in a bubble.
func publishStream(t *testing.T, b *backend, c publishCommand, stdin io.Reader) (out outputs, err error) {
	t.Helper()
	b.seen = map[string]bool{}
	env, read := newEnvironment(t)
	env.stdin = stdin
	client := newClient("http://hub.test", "key")
	client.http.Transport = b
	err = c.stream(t.Context(), env, client)
	return read(), err
}

// newEnvironment returns an environment whose output goes to files, and a
// function that reads them.
func newEnvironment(t *testing.T) (environment, func() outputs) {
	t.Helper()
	dir := t.TempDir()
	create := func(name string) *os.File {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	env := environment{stdin: strings.NewReader(""), stdout: create("stdout"), stderr: create("stderr")}
	return env, func() outputs {
		stdout, err1 := os.ReadFile(env.stdout.Name())
		stderr, err2 := os.ReadFile(env.stderr.Name())
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		return outputs{string(stdout), string(stderr)}
	}
}
