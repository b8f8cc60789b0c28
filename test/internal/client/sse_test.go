package client

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestNextGivesUpWithItsContext(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(":\n\n"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer s.Close()
	dialing, done := context.WithCancel(t.Context())
	c, err := DialSSE(dialing, Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	done()
	if m, err := c.Next(t.Context()); err != nil || m.Kind != Comment {
		t.Fatal(m, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
