package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Paths of the server are told only to a browser beside it.
func TestHereTellsPathsOnTheSameMachineOnly(t *testing.T) {
	full := Here{Program: "bin/hubline", Token: "bin/hubline token", KeyFile: "hubline-data/api-key", Demo: true}
	for _, tt := range []struct {
		name, host, peer string
		header           http.Header
		local            bool
	}{
		{"same machine", "127.0.0.1:8080", "127.0.0.1:4", nil, true},
		{"by name", "localhost:8080", "[::1]:4", nil, true},
		{"IPv6", "[::1]", "[::1]:4", nil, true},
		{"other machine", "127.0.0.1:8080", "192.0.2.1:4", nil, false},
		{"public name", "hub.example", "127.0.0.1:4", nil, false},
		{"proxy that hides the name", "127.0.0.1:8080", "127.0.0.1:4", http.Header{"X-Forwarded-For": {"192.0.2.1"}}, false},
		{"no peer", "localhost", "", nil, false},
		{"no host", "", "127.0.0.1:4", nil, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/live/console/here.json", nil)
		r.Host, r.RemoteAddr = tt.host, tt.peer
		maps.Copy(r.Header, tt.header)
		w := httptest.NewRecorder()
		Handler("/live", full).ServeHTTP(w, r)
		want := Here{Demo: true}
		if tt.local {
			want = full
			want.Local = true
		}
		var got Here
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control = %q", tt.name, got)
		}
	}
}
