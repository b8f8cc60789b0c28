package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

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

func TestStreamReportsInTheOrderOfTheLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := "nonsense\n" + numbered(2) + "{\n{\"type\":\"bad\"}\nmore\n" + numbered(1) + "end\n"
		out, err := publishStream(t, &backend{limit: 2}, publishCommand{User: "alice", JSON: true}, strings.NewReader(lines))
		if err == nil {
			t.Error("no error for the lines that are no events")
		}
		var got []string
		for line := range strings.Lines(out.stdout) {
			var result struct {
				Line  int
				Error any
			}
			if err := json.Unmarshal([]byte(line), &result); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(result.Line, result.Error == nil))
		}
		want := []string{"1 false", "2 true", "3 true", "4 false", "5 false", "6 false", "7 true", "8 false"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("line and success (-want +got):\n%s", diff)
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
					items <- item{line: i, body: make([]byte, tt.bytes)}
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
