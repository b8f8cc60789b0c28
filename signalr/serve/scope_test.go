package serve

import (
	"context"
	"net/http"
	"testing"
)

// A token counts at the path that negotiated it: elsewhere others are let in, under
// other limits (dotnet/aspnetcore#69090).
func TestTokensCountAtTheirPathOnly(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	s.Handle("/a", chat(), Options{Stateful: true})
	s.Handle("/b", chat(), Options{Stateful: true})
	s.HandleStream("/c", func(ctx context.Context, _ *Stream) { <-ctx.Done() }, Options{})
	url := start(t, s)
	for _, from := range []string{"/a", "/b", "/c"} {
		own, _ := negotiateStateful(t, url+from, "true")
		query := own[len(url+from):]
		refused := func() {
			t.Helper()
			for _, to := range []string{"/a", "/b", "/c"} {
				if to == from {
					continue
				}
				for _, method := range []string{"GET", "POST", "DELETE"} {
					if resp, body := do(t, method, url+to+query, "x"); resp.StatusCode != http.StatusNotFound || body != "No Connection with that ID" {
						t.Errorf("%s of %s's token at %s: %d %s", method, from, to, resp.StatusCode, body)
					}
				}
				if resp, _ := do(t, "GET", url+to+query, "", "Accept", "text/event-stream"); resp.StatusCode != http.StatusNotFound {
					t.Errorf("an event stream of %s's token at %s: %d", from, to, resp.StatusCode)
				}
				if _, status := dialSocket(t, url+to+query); status != http.StatusNotFound {
					t.Errorf("a socket of %s's token at %s: %d", from, to, status)
				}
			}
		}
		refused()
		c, status := dialSocket(t, own)
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("at %s itself: %d", from, status)
		}
		if from != "/c" {
			send(t, c, `{"protocol":"json","version":2}`)
			want(t, c, "{}")
		}
		refused() // nor may another socket be brought elsewhere
		_ = c.CloseNow()
	}
}
