package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"hubline/test/internal/document"
)

// Event is the body of a publish.
type Event struct {
	ID           string          `json:"id,omitempty"`
	Type         string          `json:"type"`
	Data         json.RawMessage `json:"data,omitempty"`
	Arguments    json.RawMessage `json:"arguments,omitempty"`
	Device       string          `json:"device,omitempty"`
	ExceptDevice string          `json:"exceptDevice,omitempty"`
	TTLSeconds   float64         `json:"ttlSeconds,omitempty"`
}

// Body is the event's JSON, with the data exactly as it is given: json.Marshal would
// take white space out of it and put escapes into it.
func (e Event) Body() []byte {
	data := e.Data
	if data != nil {
		e.Data = json.RawMessage(`0`)
	}
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // a struct of strings, but for arguments that are not JSON
	}
	return bytes.Replace(b, []byte(`"data":0`), append([]byte(`"data":`), data...), 1)
}

// Receipt is the answer to a publish or a broadcast.
type Receipt struct {
	ID         string `json:"id"`
	Seq        uint64 `json:"seq"`
	Cursor     string `json:"cursor"`
	Durability string `json:"durability"`
	Delivered  int    `json:"delivered"`
	Duplicate  bool   `json:"duplicate"`
	Users      int    `json:"users"`
}

// Answer is a response that has been read.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON decodes the body into v.
func (a *Answer) JSON(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatalf("body is not the expected JSON: %v\n%d %s", err, a.Status, a.Body)
	}
}

// Client sends the requests of tests: it follows no redirects, and shares no
// connections with the clients under test.
var Client = &http.Client{
	Transport:     document.Transport(&http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}),
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       patience,
}

// Request sends a request to the path and returns the answer. An empty auth sends
// no Authorization header.
func (s *Server) Request(ctx context.Context, method, path, auth string, body []byte, header ...string) (*Answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if auth != "" {
		r.Header.Set("Authorization", "Bearer "+auth)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: b}, nil
}

// Do is Request for the test's own goroutine: it fails the test on errors of the
// network.
func (s *Server) Do(method, path, auth, body string, header ...string) *Answer {
	s.t.Helper()
	a, err := s.Request(s.t.Context(), method, path, auth, []byte(body), header...)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// EventsPath is where events for the user are published.
func EventsPath(user string) string { return "/api/v1/users/" + url.PathEscape(user) + "/events" }

// TryPublish publishes to one user and returns the receipt of a 201.
func (s *Server) TryPublish(ctx context.Context, user string, e Event, header ...string) (Receipt, error) {
	return s.publish(ctx, EventsPath(user), e.Body(), header...)
}

func (s *Server) publish(ctx context.Context, path string, body []byte, header ...string) (r Receipt, err error) {
	a, err := s.Request(ctx, http.MethodPost, path, s.APIKey, body, header...)
	if err != nil {
		return r, err
	}
	if a.Status != http.StatusCreated {
		return r, fmt.Errorf("POST %s: %d %s", path, a.Status, a.Body)
	}
	err = json.Unmarshal(a.Body, &r)
	return r, err
}

// Publish publishes to one user from the test's goroutine.
func (s *Server) Publish(user, kind, data string) Receipt {
	s.t.Helper()
	return s.PublishEvent(user, Event{Type: kind, Data: json.RawMessage(data)})
}

// PublishEvent is Publish with every field.
func (s *Server) PublishEvent(user string, e Event) Receipt {
	s.t.Helper()
	r, err := s.TryPublish(s.t.Context(), user, e)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// PublishMany publishes n events of the type with their number as data, in batches,
// and returns the last receipt.
func (s *Server) PublishMany(user, kind string, n int) Receipt {
	s.t.Helper()
	return s.PublishSized(user, kind, n, "")
}

// PublishSized is PublishMany with a text that fills the events up.
func (s *Server) PublishSized(user, kind string, n int, fill string) Receipt {
	s.t.Helper()
	const batch = 500
	var last Receipt
	for from := 0; from < n; from += batch {
		var lines bytes.Buffer
		for i := from; i < min(from+batch, n); i++ {
			fmt.Fprintf(&lines, `{"user":%q,"event":{"type":%q,"data":{"n":%d,"fill":%q}}}`+"\n", user, kind, i, fill)
		}
		a := s.Do(http.MethodPost, "/api/v1/events:batch", s.APIKey, lines.String(), "Content-Type", "application/x-ndjson")
		if a.Status != http.StatusOK {
			s.t.Fatalf("batch: %d %s", a.Status, a.Body)
		}
		for line := range bytes.Lines(a.Body) {
			last = Receipt{}
			if err := json.Unmarshal(line, &last); err != nil || last.Seq == 0 {
				s.t.Fatalf("batch result %s: %v", line, err)
			}
		}
	}
	return last
}

// Broadcast publishes to every user.
func (s *Server) Broadcast(ctx context.Context, e Event) (Receipt, error) {
	return s.publish(ctx, "/api/v1/broadcasts", e.Body())
}

// Patience is how long a test waits for something that must happen.
func Patience() time.Duration { return patience }
