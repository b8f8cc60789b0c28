package web

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func get(t *testing.T, h http.Handler, method, target string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHandlerServesUnderBasePath(t *testing.T) {
	for _, base := range []string{"", "/", "/live", "live", "/live/", "/a/b"} {
		prefix := "/" + strings.Trim(base, "/")
		if prefix == "/" {
			prefix = ""
		}
		h := Handler(base, Here{})
		for urlPath, contentType := range map[string]string{
			"/":                         "text/html; charset=utf-8",
			"/console/app.js":           "text/javascript; charset=utf-8",
			"/console/client/client.js": "text/javascript; charset=utf-8",
			"/console/css/tokens.css":   "text/css; charset=utf-8",
			"/console/favicon.svg":      "image/svg+xml",
		} {
			res := get(t, h, http.MethodGet, prefix+urlPath, nil)
			if res.StatusCode != http.StatusOK {
				t.Errorf("base %q: GET %s = %d, want 200", base, prefix+urlPath, res.StatusCode)
			}
			if got := res.Header.Get("Content-Type"); got != contentType {
				t.Errorf("base %q: Content-Type of %s = %q, want %q", base, urlPath, got, contentType)
			}
			if body(t, res) == "" {
				t.Errorf("base %q: %s is empty", base, urlPath)
			}
		}
	}
}

// The page's relative URLs only resolve below the base path if the address ends
// in a slash.
func TestHandlerRedirectsBasePathToItsSlash(t *testing.T) {
	for _, base := range []string{"/live", "/a/b"} {
		res := get(t, Handler(base, Here{}), http.MethodGet, base, nil)
		if res.StatusCode != http.StatusPermanentRedirect {
			t.Fatalf("GET %s = %d, want 308", base, res.StatusCode)
		}
		at, err := url.Parse("https://example.test" + base)
		if err != nil {
			t.Fatal(err)
		}
		to, err := at.Parse(res.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := to.Path, base+"/"; got != want {
			t.Errorf("GET %s leads to %s, want %s", base, got, want)
		}
	}
}

func TestHandlerAnswersNotFound(t *testing.T) {
	root, live := Handler("", Here{}), Handler("/live", Here{})
	tests := []struct {
		h      http.Handler
		target string
	}{
		{root, "/console"},
		{root, "/console/"},
		{root, "/console/missing.js"},
		{root, "/console/../web.go"},
		{root, "/index.html"},
		{root, "/static/index.html"},
		{root, "/test/client.test.js"},
		{root, "/events"},
		{live, "/"},
		{live, "/livelier/"},
		{live, "/console/app.js"},
		{live, "/live/live/"},
	}
	for _, tt := range tests {
		res := get(t, tt.h, http.MethodGet, tt.target, nil)
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", tt.target, res.StatusCode)
		}
		if got := res.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("GET %s: Cache-Control = %q, want no-store", tt.target, got)
		}
	}
}

func TestHandlerAllowsOnlyGetAndHead(t *testing.T) {
	h := Handler("", Here{})
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch} {
		res := get(t, h, method, "/", nil)
		if res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s / = %d, want 405", method, res.StatusCode)
		}
		if got := res.Header.Get("Allow"); got != "GET, HEAD" {
			t.Errorf("%s /: Allow = %q", method, got)
		}
	}
	res := get(t, h, http.MethodHead, "/", nil)
	if got := body(t, res); res.StatusCode != http.StatusOK || got != "" {
		t.Errorf("HEAD / = %d with %d bytes, want 200 without a body", res.StatusCode, len(got))
	}
	if res.Header.Get("Content-Length") == "" {
		t.Error("HEAD / has no Content-Length")
	}
}

func TestHandlerSetsSecurityHeadersOnEveryAnswer(t *testing.T) {
	h := Handler("/live", Here{})
	want := map[string]string{
		"Content-Security-Policy":      contentSecurityPolicy,
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"X-Frame-Options":              "DENY",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	}
	for _, request := range []string{"GET /live/", "GET /live", "GET /live/console/app.js", "GET /live/missing", "POST /live/"} {
		method, target, _ := strings.Cut(request, " ")
		res := get(t, h, method, target, nil)
		got := make(map[string]string, len(want))
		for name := range want {
			got[name] = res.Header.Get(name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", request, diff)
		}
	}
	for _, forbidden := range []string{"unsafe", "*", "http:", "data:", "blob:"} {
		if strings.Contains(contentSecurityPolicy, forbidden) {
			t.Errorf("the policy contains %q", forbidden)
		}
	}
}

func TestHandlerRevalidatesByContentHash(t *testing.T) {
	h := Handler("", Here{})
	seen := make(map[string]string)
	for urlPath := range loadAssets() {
		first := get(t, h, http.MethodGet, "/"+urlPath, nil)
		etag := first.Header.Get("ETag")
		if len(etag) < 20 || etag[0] != '"' {
			t.Fatalf("/%s: ETag = %q, want a strong content hash", urlPath, etag)
		}
		if got := first.Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("/%s: Cache-Control = %q, want no-cache", urlPath, got)
		}
		if other, ok := seen[etag]; ok {
			t.Errorf("/%s and /%s have the same ETag", urlPath, other)
		}
		seen[etag] = urlPath

		again := get(t, h, http.MethodGet, "/"+urlPath, http.Header{"If-None-Match": {etag}})
		if got := body(t, again); again.StatusCode != http.StatusNotModified || got != "" {
			t.Errorf("/%s with its ETag = %d with %d bytes, want an empty 304", urlPath, again.StatusCode, len(got))
		}
		if got := again.Header.Get("ETag"); got != etag {
			t.Errorf("/%s: ETag of the 304 = %q, want %q", urlPath, got, etag)
		}
		changed := get(t, h, http.MethodGet, "/"+urlPath, http.Header{"If-None-Match": {`"another"`}})
		if changed.StatusCode != http.StatusOK {
			t.Errorf("/%s with another ETag = %d, want 200", urlPath, changed.StatusCode)
		}
	}
}
