package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// spec is openapi.yaml, loaded once.
var spec = sync.OnceValue(func() *openapi3.T {
	text := func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		b, err := io.ReadAll(body)
		return string(b), err
	}
	for _, kind := range []string{"application/x-ndjson", "application/octet-stream", "text/html"} {
		openapi3filter.RegisterBodyDecoder(kind, text)
	}
	doc := must(openapi3.NewLoader().LoadFromData(openapiYAML))
	if err := doc.Validate(context.Background()); err != nil {
		panic(err)
	}
	return doc
})

// checked is a transport that holds every request and answer of the tests
// against openapi.yaml: what succeeds must be allowed there, what is answered
// must be described there. Tests send wrong things on purpose, so a request that
// the document does not allow must be refused, but not the other way round.
type checked struct {
	testing.TB
	next http.RoundTripper
	base string
}

func (c *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	c.Helper()
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	in := c.match(r)
	if in == nil {
		return resp, nil // no operation: 404, 405, the page, a preflight
	}
	name := r.Method + " " + in.Route.Path
	// The items of a batch are judged one by one, whatever the status.
	if resp.StatusCode < http.StatusBadRequest && in.Route.Operation.OperationID != "publishBatch" {
		copied := r.Clone(r.Context())
		copied.Body = io.NopCloser(bytes.NewReader(sent))
		in.Request = copied
		if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
			c.Errorf("%s succeeded with %d, though openapi.yaml does not allow it: %v", name, resp.StatusCode, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	stream := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream")
	if !stream && resp.StatusCode != http.StatusSwitchingProtocols && r.Method != http.MethodHead {
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		_ = resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(b))
		out.SetBodyBytes(b)
		out.Options.ExcludeResponseBody = len(b) == 0
	} else {
		out.Options.ExcludeResponseBody = true
	}
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		c.Errorf("%s answered %d as openapi.yaml does not describe: %v", name, resp.StatusCode, err)
	}
	return resp, nil
}

// match finds the operation of a request, or nil.
func (c *checked) match(r *http.Request) *openapi3filter.RequestValidationInput {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), c.base)
	if !ok {
		return nil
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if strings.Contains(strings.ToLower(path), "/hub") {
		path = strings.TrimSuffix(path, "/") // hubs are found with a slash at the end, and in any case
	}
	segments := strings.Split(path, "/")
	for pattern, item := range spec().Paths.Map() {
		params, ok := matchPath(path, strings.Split(pattern, "/"), segments)
		if !ok {
			continue
		}
		op := item.GetOperation(method)
		if op == nil {
			continue
		}
		return &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params,
			Route:   &routers.Route{Spec: spec(), Path: pattern, PathItem: item, Method: method, Operation: op},
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		}
	}
	return nil
}

func matchPath(path string, pattern, segments []string) (map[string]string, bool) {
	params := map[string]string{}
	same := func(p, s string) bool {
		if name, ok := strings.CutPrefix(p, "{"); ok {
			text, err := url.PathUnescape(s)
			params[strings.TrimSuffix(name, "}")] = text
			return err == nil
		}
		return p == s || strings.Contains(strings.ToLower(path), "/hub") && strings.EqualFold(p, s)
	}
	return params, slices.EqualFunc(pattern, segments, same)
}

// TestRoutesAndDocumentAgree compares the operations of openapi.yaml with the
// routes that are mounted.
func TestRoutesAndDocumentAgree(t *testing.T) {
	f := newFixture(t, func(s *setup) {
		s.Demo = func() (string, string, error) { return "", "", errors.New("not asked for") }
		s.page = http.NotFoundHandler()
	})
	documented := map[string]bool{}
	for path, item := range spec().Paths.Map() {
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
