package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
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

// numbered returns n events as lines, with their number as data.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"type":"t","data":%d}`+"\n", i+1)
	}
	return b.String()
}

func numbers(n int) (list []string) {
	for i := range n {
		list = append(list, strconv.Itoa(i+1))
	}
	return list
}

func TestStreamPublishesEverythingOnceAndInOrder(t *testing.T) {
	for name, turns := range map[string][]turn{
		"all well":          nil,
		"connection breaks": {{err: io.ErrUnexpectedEOF}, {err: io.ErrUnexpectedEOF}},
		"answer is lost":    {{lost: true}, {lost: true}},
		"server restarts":   {{busyFrom: 1}, {status: 503, retryAfter: "1"}, {status: 502}, {lost: true}},
		"too fast":          {{status: 429, retryAfter: "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{turns: turns}
				out, err := publishStream(t, b, publishCommand{User: "alice"}, strings.NewReader(numbered(1200)))
				if err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(numbers(1200), b.log); diff != "" {
					t.Errorf("published (-want +got):\n%s", diff)
				}
				if !strings.HasPrefix(out.stdout, "Published 1,200 events") || out.stderr != "" {
					t.Errorf("output = %+v", out)
				}
				if b.keys[0] != "Bearer key" {
					t.Errorf("Authorization = %q", b.keys[0])
				}
			})
		})
	}
}

func TestStreamKeepsToTheServersLimits(t *testing.T) {
	for _, b := range []*backend{{limit: 7}, {bytes: 1000}, {bytes: 150, limit: 1}} {
		synctest.Test(t, func(t *testing.T) {
			_, err := publishStream(t, b, publishCommand{User: "alice"}, strings.NewReader(numbered(100)))
			if diff := cmp.Diff(numbers(100), b.log); diff != "" || err != nil {
				t.Errorf("error %v, published (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestStreamReportsAnEventThatIsTooLargeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{bytes: 200}
		lines := numbered(1) + `{"type":"t","data":"` + strings.Repeat("x", 200) + `"}` + "\n" + `{"type":"t","data":2}`
		out, err := publishStream(t, b, publishCommand{User: "alice"}, strings.NewReader(lines))
		if diff := cmp.Diff([]string{"1", "2"}, b.log); diff != "" || err == nil {
			t.Errorf("error %v, published (-want +got):\n%s", err, diff)
		}
		if !strings.Contains(out.stderr, "line 2: The body is too large (status 413)") {
			t.Errorf("standard error = %q", out.stderr)
		}
	})
}

func TestStreamReportsWhatCannotBePublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		lines := "{\"type\":\"t\",\"data\":1}\n\nnonsense\n{\"type\":\"bad\"}\n{\"type\":\"huge\"}\n{\"type\":\"t\",\"data\":2}\n"
		out, err := publishStream(t, b, publishCommand{User: "alice"}, strings.NewReader(lines))
		if err == nil || err.Error() != "3 events could not be published" {
			t.Errorf("error = %v", err)
		}
		if diff := cmp.Diff([]string{"1", "2"}, b.log); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
		for _, want := range []string{
			"hubline: line 3: not a JSON object: nonsense\n",
			"hubline: line 4: bad type (status 400)\n",
			"hubline: line 5: A line is too long (status 413)\n",
		} {
			if !strings.Contains(out.stderr, want) {
				t.Errorf("standard error %q lacks %q", out.stderr, want)
			}
		}
		if out.stdout != "Published 2 events.\n" {
			t.Errorf("standard output = %q", out.stdout)
		}
	})
}

func TestStreamShowsOnlySoManyFailures(t *testing.T) {
	for n, want := range map[int]int{maxShownFailures: maxShownFailures, maxShownFailures + 5: maxShownFailures + 1} {
		synctest.Test(t, func(t *testing.T) {
			out, err := publishStream(t, &backend{}, publishCommand{User: "alice"}, strings.NewReader(strings.Repeat("x\n", n)))
			if got := strings.Count(out.stderr, "\n"); got != want || err == nil {
				t.Errorf("%d failures: %d lines on standard error, want %d", n, got, want)
			}
		})
	}
}

func TestStreamAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, err := publishStream(t, &backend{}, publishCommand{JSON: true}, strings.NewReader(
			`{"user":"u","event":{"id":"a","type":"t"}}`+"\n\nx\n"+`{"user":"u","event":{"id":"a","type":"t"}}`+"\n"))
		if err == nil || out.stderr != "" {
			t.Errorf("error = %v, standard error = %q", err, out.stderr)
		}
		got := map[float64]map[string]any{}
		for line := range strings.Lines(out.stdout) {
			var result map[string]any
			if err := json.Unmarshal([]byte(line), &result); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			got[result["line"].(float64)] = result
		}
		if got[1]["duplicate"] != false || got[4]["duplicate"] != true || got[3]["error"] == nil || len(got) != 3 {
			t.Errorf("results = %v", got)
		}
	})
}

func TestStreamEndsWhenGoingOnIsUseless(t *testing.T) {
	for _, tt := range []struct {
		name     string
		turns    []turn
		want     string
		requests int
	}{
		{"wrong key", []turn{{status: 401}}, "publish: Refused: do better (status 401)", 1},
		{"another server", []turn{{answer: "<html>"}}, "is --server right?", 1},
		{"more results than items", []turn{{answer: "{}\n{}\n{}\n"}}, "is --server right?", 1},
		{"no result", []turn{{answer: "\n"}}, "without a result", maxTries},
		{"absent server", []turn{{err: errors.New("no route")}}, "given up after 12 tries", maxTries},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{}
				for range tt.requests {
					b.turns = append(b.turns, tt.turns...)
				}
				_, err := publishStream(t, b, publishCommand{User: "alice"}, strings.NewReader(numbered(1)))
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error = %v, want %q", err, tt.want)
				}
				if len(b.times) != tt.requests {
					t.Errorf("%d requests, want %d", len(b.times), tt.requests)
				}
			})
		})
	}
}

func TestStreamHonoursRetryAfterWithinBounds(t *testing.T) {
	for header, want := range map[string]time.Duration{"3": 3 * time.Second, "0": 0, "60": maxAskedPause, "61": maxAskedPause, "65535": maxAskedPause} {
		synctest.Test(t, func(t *testing.T) {
			b := &backend{turns: []turn{{status: 429, retryAfter: header}}}
			if _, err := publishStream(t, b, publishCommand{User: "alice"}, strings.NewReader(numbered(1))); err != nil {
				t.Error(err)
			}
			if got := b.times[1].Sub(b.times[0]); got != want {
				t.Errorf("Retry-After %s: pause of %v, want %v", header, got, want)
			}
		})
	}
}

// A slow stream must not wait for a batch to fill.
func TestStreamSendsEachEventAsItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		r, w := io.Pipe()
		go func() { // ends when all is written
			for range 3 {
				_, _ = io.WriteString(w, numbered(1))
				time.Sleep(time.Minute)
			}
			_ = w.Close()
		}()
		if _, err := publishStream(t, b, publishCommand{User: "alice"}, r); err != nil {
			t.Error(err)
		}
		if len(b.times) != 3 || b.times[2].Sub(b.times[0]) != 2*time.Minute {
			t.Errorf("requests at %v, want three, a minute apart", b.times)
		}
	})
}

func TestStreamCanBeInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, _ := newEnvironment(t)
		r, w := io.Pipe()
		defer w.Close()
		env.stdin = r
		client := newClient("http://hub.test", "key")
		client.http.Transport = &backend{turns: []turn{{status: 503, retryAfter: "50"}}, seen: map[string]bool{}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() { _, _ = io.WriteString(w, numbered(1)) }() // ends when it is read
		err := publishCommand{User: "alice"}.stream(ctx, env, client)
		if err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("error = %v, want interrupted", err)
		}
	})
}

func TestChunksAreBounded(t *testing.T) {
	for _, tt := range []struct{ items, bytes, want int }{
		{chunkItems * 2, 1, chunkItems},
		{20, chunkBytes / 4, 4},
		{3, chunkBytes, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			items, chunks := make(chan item), make(chan []item)
			go assemble(t.Context(), items, chunks) // ends with items
			go func() {                             // ends with the loop
				defer close(items)
				for i := range tt.items {
					items <- item{i, make([]byte, tt.bytes)}
				}
			}()
			synctest.Wait() // until as much as possible has been gathered
			total := 0
			for chunk := range chunks {
				if total += len(chunk); len(chunk) > tt.want {
					t.Errorf("chunk of %d items of %d bytes, want at most %d", len(chunk), tt.bytes, tt.want)
				}
				synctest.Wait()
			}
			if total != tt.items {
				t.Errorf("%d items came through, want %d", total, tt.items)
			}
		})
	}
}
