package api

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hubline/api/auth"
)

// Whoever wonders why a page does not connect finds the reason in the log, once.
func TestRefusedOriginsAreLogged(t *testing.T) {
	for name, change := range map[string]func(*setup){"none allowed": func(*setup) {}, "another allowed": origins("https://app.example")} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, change)
			token := f.token(auth.Claims{})
			for i, call := range []string{"GET /events", "POST /events/negotiate", "POST /hubs/events/negotiate", "OPTIONS /events"} {
				method, path, _ := strings.Cut(call, " ")
				for range 2 {
					f.send(method, path, token, "", "Origin", fmt.Sprintf("https://evil%d.example", i), "Access-Control-Request-Method", "GET")
				}
				if got := strings.Count(f.logs.String(), fmt.Sprintf("https://evil%d.example", i)); got != 1 {
					t.Errorf("%s: logged %d times: %s", call, got, f.logs)
				}
			}
			if !strings.Contains(f.logs.String(), "--allowed-origins") {
				t.Errorf("the flag is not named: %s", f.logs)
			}
			f.send(http.MethodGet, "/events?wait=0", token, "", "Origin", f.url)
			f.send(http.MethodGet, "/healthz", "", "", "Origin", "https://harmless.example")
			if strings.Contains(f.logs.String(), f.url) || strings.Contains(f.logs.String(), "harmless") {
				t.Errorf("logged without a refusal: %s", f.logs)
			}
		})
	}
}

// Anybody can send any Origin: neither the log nor the memory grows with them.
func TestRefusedOriginsAreLoggedWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := refusals{log: slog.New(slog.NewTextHandler(&log, nil))}
		note := func(origin string) { r.note(context.Background(), http.Header{"Origin": {origin}}) }
		for i := range maxRefusals + 10 {
			note(fmt.Sprint("https://a", i))
			note(fmt.Sprint("https://a", i))
		}
		if got := strings.Count(log.String(), "\n"); got != maxRefusals || len(r.seen) != maxRefusals {
			t.Errorf("%d lines, %d remembered, want %d", got, len(r.seen), maxRefusals)
		}
		time.Sleep(refusalQuiet - time.Nanosecond)
		note("https://a0")
		time.Sleep(time.Nanosecond)
		log.Reset()
		note("https://a0")
		note("https://" + strings.Repeat("ä", maxLoggedOrigin))
		if got := strings.Count(log.String(), "\n"); got != 2 || log.Len() > 1000 || len(r.seen) != 2 {
			t.Errorf("a minute later: %d lines of %d bytes, %d remembered", got, log.Len(), len(r.seen))
		}
	})
}
