package spectest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// exchange is one request and its answer.
type exchange struct {
	*Document

	route  *route
	method string // of the operation: GET for HEAD
	op     *openapi3.Operation
	params map[string]string

	r    *http.Request
	sent []byte // the request's body
	seen bool   // sent is all of it
	resp *http.Response
	body []byte // of the answer; nil where there is none, or it is a stream
	read bool   // body is all of it
}

// find looks the path and method up. There is no route for an unknown path, and no
// op for a method that the path does not have.
func (d *Document) find(method, path string) (e exchange) {
	e.Document, e.method = d, method
	if method == http.MethodHead {
		e.method = http.MethodGet
	}
	for i := range d.routes {
		rt := &d.routes[i]
		params, ok := rt.match(path)
		if !ok {
			continue
		}
		if op := rt.item.GetOperation(e.method); op != nil || e.route == nil {
			e.route, e.op, e.params = rt, op, params
		}
		if e.op != nil {
			return e
		}
	}
	return e
}

// match reads the path's parameters.
func (rt *route) match(path string) (map[string]string, bool) {
	if rt.fold {
		path = strings.TrimSuffix(path, "/")
	}
	params := map[string]string{}
	same := func(p, s string) bool {
		text, err := url.PathUnescape(s)
		if name, ok := strings.CutPrefix(p, "{"); ok {
			params[strings.TrimSuffix(name, "}")] = text
			return err == nil && text != ""
		}
		return p == s || rt.fold && err == nil && strings.EqualFold(p, text)
	}
	return params, slices.EqualFunc(rt.segments, strings.Split(path, "/"), same)
}

// faults returns how the two differ from the document.
func (e *exchange) faults() (list []string) {
	status := e.resp.StatusCode
	fault := func(format string, args ...any) {
		list = append(list, fmt.Sprintf("%s %s answered %d: ", e.r.Method, e.r.URL.Path, status)+fmt.Sprintf(format, args...))
	}
	switch {
	case e.r.Method == http.MethodOptions && status == http.StatusNoContent:
		return nil // a preflight
	case e.op == nil, e.r.Method == http.MethodHead && status == http.StatusMethodNotAllowed: // a stream has no HEAD
		refused := status == http.StatusNotFound || status == http.StatusMethodNotAllowed && e.resp.Header.Get("Allow") != ""
		switch {
		case !refused && e.route == nil:
			fault("the document has no such path")
		case !refused:
			fault("the document has no such method there, so it must be 404, or 405 with Allow")
		}
		return list
	}
	// Tests send wrong things on purpose: what the document does not allow must be
	// refused. The items of a batch are judged one by one, whatever the status.
	if status < http.StatusBadRequest && e.op.OperationID != "publishBatch" {
		if err := e.request(); err != nil {
			fault("the document does not allow the request: %v", err)
		}
	}
	if v, _ := e.answer(); v == nil {
		fault("the document does not have the status for this call")
		return list
	}
	for _, err := range e.headers() {
		fault("%s", err)
	}
	if err := e.content(); err != nil {
		fault("%v", err)
	}
	return list
}

// answer is the document's description of the answer, with further segments.
func (e *exchange) answer(segments ...string) (v any, pointer string) {
	return e.at(append([]string{
		"paths", e.route.pattern, strings.ToLower(e.method), "responses", strconv.Itoa(e.resp.StatusCode),
	}, segments...)...)
}

// request judges parameters and body.
func (e *exchange) request() error {
	r := e.r.Clone(context.WithoutCancel(e.r.Context()))
	r.Body = http.NoBody
	if err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: e.params,
		Route:   &routers.Route{Spec: e.Spec, Path: e.route.pattern, PathItem: e.route.item, Method: e.method, Operation: e.op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, ExcludeRequestBody: true},
	}); err != nil {
		return err
	}
	if !e.seen {
		return nil
	}
	described, _ := e.at("paths", e.route.pattern, strings.ToLower(e.method), "requestBody")
	of, _ := described.(map[string]any)
	if len(e.sent) == 0 {
		if of["required"] == true {
			return errors.New("there must be a body")
		}
		return nil
	}
	if of == nil {
		return nil // what is not asked for is not read
	}
	// The server does not look at the type, and curl sends one that is none of these.
	for _, kind := range []string{mediaType(e.r.Header), "application/json", "text/plain"} {
		if v, at := e.at("paths", e.route.pattern, strings.ToLower(e.method), "requestBody", "content", kind); v != nil {
			return e.judge(at+"/schema", kind, e.sent)
		}
	}
	return errors.New("no type of body is described")
}

// general are headers that say nothing of the API.
var general = []string{
	"Allow", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Security-Policy", "Content-Type", "Date", "Expires",
	"Pragma", "Transfer-Encoding", "Vary", "X-Accel-Buffering", "X-Content-Type-Options",
}

// headers judges the headers of the answer.
func (e *exchange) headers() (faults []string) {
	described, _ := e.answer("headers")
	of, _ := described.(map[string]any)
	for name := range of {
		header, at := e.answer("headers", name)
		value := e.resp.Header.Values(name)
		required, _ := header.(map[string]any)
		switch {
		case len(value) == 0 && required["required"] == true:
			faults = append(faults, "the header "+name+" is missing")
		case len(value) > 0 && !e.fits(at+"/schema", value[0]):
			faults = append(faults, fmt.Sprintf("the header %s: %q does not fit the document", name, value[0]))
		}
	}
	for name := range e.resp.Header {
		known := slices.Contains(general, name) || strings.HasPrefix(name, "Access-Control-") ||
			e.resp.StatusCode == http.StatusSwitchingProtocols
		for documented := range of {
			known = known || strings.EqualFold(documented, name)
		}
		if !known {
			faults = append(faults, "the document does not have the header "+name)
		}
	}
	return faults
}

// fits judges the text of a header, which may stand for a number.
func (e *exchange) fits(at, text string) bool {
	s := e.schemas[at]
	if s == nil || s.Validate(text) == nil {
		return true
	}
	_, err := strconv.ParseInt(text, 10, 64)
	return err == nil && s.Validate(json.Number(text)) == nil
}

// content judges type and body of the answer.
func (e *exchange) content() error {
	described, _ := e.answer("content")
	of, _ := described.(map[string]any)
	kind := mediaType(e.resp.Header)
	if len(e.resp.Header["Content-Type"]) == 0 {
		kind = "text/plain" // a hub tells WebSockets so, and no document can say it
	}
	switch {
	case e.r.Method == http.MethodHead:
		return nil
	case e.read && len(e.body) == 0:
		return nil // hubs refuse with no body
	case of == nil && e.read:
		return fmt.Errorf("the document has no body for it, got %.200q", e.body)
	case of == nil:
		return nil
	case of[kind] == nil:
		return fmt.Errorf("the document does not have the content type %q for it", kind)
	case !e.read:
		return nil
	}
	_, at := e.answer("content", kind, "schema")
	return e.judge(at, kind, e.body)
}

// judge holds a body against the schema.
func (e *exchange) judge(at, kind string, body []byte) error {
	s := e.schemas[at]
	if s == nil {
		return fmt.Errorf("no schema at %s", at)
	}
	if kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		if kind == "application/yaml" {
			v, err := asJSON(body)
			if err != nil {
				return err
			}
			return s.Validate(v)
		}
		return s.Validate(string(body))
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	if err := s.Validate(v); err != nil {
		return fmt.Errorf("the body does not fit: %w in %.300s", err, body)
	}
	return nil
}

func mediaType(h http.Header) string {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}
