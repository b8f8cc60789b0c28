package api

import (
	"errors"
	"net/http"
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

// TestRoutesAndDocumentAgree compares the operations of openapi.yaml with the
// routes that are mounted.
func TestRoutesAndDocumentAgree(t *testing.T) {
	f := newFixture(t, func(s *setup) {
		s.Demo = func() (string, string, error) { return "", "", errors.New("not asked for") }
		s.page = http.NotFoundHandler()
	})
	documented := map[string]bool{}
	for path, item := range spec().Spec.Paths.Map() {
		for method := range item.Operations() {
			documented[method+" "+path] = true
		}
	}
	mounted := map[string]bool{}
	for _, r := range f.api.echo.Routes() {
		path := strings.ReplaceAll(r.Path, `\:`, ":")
		for _, name := range []string{"user", "channel", "slug"} {
			path = strings.ReplaceAll(path, "/:"+name, "/{"+name+"}")
		}
		page := path == "/" || path == "/console/*"
		hub := slices.Contains(f.api.hubPaths, path)
		switch {
		case page:
		case hub && !documented[r.Method+" "+path]:
			// Answered by 405, and OPTIONS by 204.
			if a := f.send(r.Method, path, "", ""); a.status != http.StatusMethodNotAllowed && r.Method != http.MethodOptions && r.Method != http.MethodConnect {
				t.Errorf("%s %s: %d", r.Method, path, a.status)
			}
		case r.Method == http.MethodHead && documented["GET "+path]: // implied
		default:
			mounted[r.Method+" "+path] = true
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
