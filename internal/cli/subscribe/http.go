package subscribe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// maxDetailBytes bounds how much of a refusal is read.
const maxDetailBytes = 64 << 10

var errSilence = errors.New("the server has been silent for too long")

// get sends a GET with the token and returns the answer if it is 200, else a
// *StatusError. The caller closes the body.
func (s *subscriber) get(ctx context.Context, u *url.URL, token, accept string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", accept)
	req.Header.Set("Cache-Control", "no-cache")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, refusal(resp)
	}
	if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, accept) {
		defer resp.Body.Close()
		return nil, fmt.Errorf("the server answered %q where %s was asked for; is --server right?", printable(kind), accept)
	}
	return resp, nil
}

// withoutURL drops the address from an error: it is long and the same each time.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// refusal reads an answer that is not the one hoped for.
func refusal(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxDetailBytes)) // what could be read explains enough
	return &StatusError{Code: resp.StatusCode, Problem: problem(text), Detail: detail(text), RetryAfter: retryAfter(resp.Header)}
}

// problem returns the last part of the type of an RFC 9457 problem.
func problem(text []byte) string {
	var p struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(text, &p) != nil {
		return "" // a proxy's page
	}
	return p.Type[strings.LastIndexByte(p.Type, '/')+1:]
}

// detail picks the explanation out of a refusal: RFC 9457, the {"error"} form,
// or the text itself.
func detail(text []byte) string {
	var problem struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
		Error  string `json:"error"`
	}
	if json.Unmarshal(text, &problem) != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
		if strings.HasPrefix(line, "<") {
			return "" // a proxy's page
		}
		return printable(line)
	}
	for _, text := range []string{problem.Detail, problem.Title, problem.Error} {
		if text != "" {
			return printable(text)
		}
	}
	return ""
}

// printable keeps foreign text from moving the cursor of a terminal, and short.
func printable(text string) string {
	const longest = 300
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// watchdog ends a context when nothing has been read for a while.
type watchdog struct {
	timer   *time.Timer
	silence time.Duration
}

// newWatchdog returns a context that ends with errSilence unless the watchdog
// is fed. The caller calls stop.
func newWatchdog(ctx context.Context, silence time.Duration) (_ context.Context, w *watchdog, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w = &watchdog{silence: silence, timer: time.AfterFunc(silence, func() { cancel(errSilence) })}
	return ctx, w, func() {
		w.timer.Stop()
		cancel(nil)
	}
}

// reader feeds the watchdog with each piece that r returns.
func (w *watchdog) reader(r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		if n > 0 {
			w.timer.Reset(w.silence)
		}
		return n, err
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// cause prefers the reason why a context was ended to "context canceled".
func cause(ctx context.Context, err error) error {
	if reason := context.Cause(ctx); err != nil && errors.Is(reason, errSilence) {
		return reason
	}
	return err
}
