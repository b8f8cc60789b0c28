package api

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"hubline/internal/spectest"
)

// spec is openapi.yaml, loaded once. Hubs are found in any case.
var spec = sync.OnceValue(func() *spectest.Document { return must(spectest.Load(openapiYAML, "/hub")) })

// checked is a transport that holds every request and answer of the tests against
// openapi.yaml.
func checked(t testing.TB, next http.RoundTripper, base string) *spectest.Transport {
	return &spectest.Transport{
		Next: next, Document: spec(),
		Base:   func(*http.Request) (string, bool) { return base, true },
		Known:  func(path string) bool { return path == "" || path == "/" || strings.HasPrefix(path, "/console/") },
		Report: func(_ *http.Request, fault string) { t.Helper(); t.Error(fault) },
	}
}

// The document is valid OpenAPI 3.1, its schemas are valid, and its examples fit them.
func TestDocumentIsValid(t *testing.T) {
	if _, err := spectest.Load(openapiYAML, ""); err != nil {
		t.Fatal(err)
	}
}

// routes are the operations that are mounted, as the document writes them: not those of
// the page, nor a HEAD that a GET implies, nor methods that hubs only refuse.
func (f *fixture) routes() map[string]bool {
	param := regexp.MustCompile(`/:([a-z]+)`)
	served := map[string][]string{}
	for _, path := range f.api.hubPaths {
		served[path] = []string{http.MethodGet, http.MethodPost, http.MethodDelete}
		if strings.HasSuffix(path, "/negotiate") {
			served[path] = []string{http.MethodPost}
		}
	}
	mounted := map[string]bool{}
	for _, r := range f.api.echo.Routes() {
		path := strings.ReplaceAll(param.ReplaceAllString(r.Path, "/{$1}"), `\:`, ":")
		methods, hub := served[path]
		switch {
		case path == "/", path == "/console/*", r.Method == http.MethodHead, hub && !slices.Contains(methods, r.Method):
		default:
			mounted[r.Method+" "+path] = true
		}
	}
	return mounted
}

// TestRoutesAndDocumentAgree compares the operations of openapi.yaml with the
// routes that are mounted.
func TestRoutesAndDocumentAgree(t *testing.T) {
	f := newFixture(t, func(s *setup) {
		s.Demo = func() (string, string, error) { return "", "", errors.New("not asked for") }
		s.DemoKey = "not asked for"
		s.page = http.NotFoundHandler()
	})
	documented := map[string]bool{}
	for path, item := range spec().Spec.Paths.Map() {
		for method := range item.Operations() {
			documented[method+" "+path] = true
		}
	}
	mounted := f.routes()
	for _, path := range f.api.hubPaths {
		for _, method := range append([]string{"PROPFIND", "REPORT", "BREW", "get"}, methods...) {
			// Answered by the hub's 405, unless it is documented.
			if !documented[method+" "+path] && method != http.MethodConnect {
				a := f.send(method, path, "", "")
				if a.status != http.StatusMethodNotAllowed || a.header.Get("Content-Type") != "text/plain" || a.body != "" {
					t.Errorf("%s %s: %d %q %q", method, path, a.status, a.header.Get("Content-Type"), a.body)
				}
				want := "GET, POST, DELETE"
				if strings.HasSuffix(path, "/negotiate") {
					want = "POST"
				}
				if got := a.header.Values("Allow"); len(got) != 1 || got[0] != want {
					t.Errorf("%s %s: Allow: %q", method, path, got)
				}
			}
		}
	}
	for op := range documented {
		if !mounted[op] {
			t.Errorf("%s is documented and not mounted", op)
		}
	}
	for op := range mounted {
		if !documented[op] {
			t.Errorf("%s is mounted and not documented", op)
		}
	}
	if got := f.send(http.MethodGet, "/api/openapi.yaml", "", ""); got.status != http.StatusOK || got.body != string(openapiYAML) {
		t.Errorf("the document is not served: %d", got.status)
	}
}
