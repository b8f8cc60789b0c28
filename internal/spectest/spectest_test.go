package spectest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const document = `
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /things/{name}:
    post:
      operationId: make
      parameters:
        - {name: name, in: path, required: true, schema: {type: string, maxLength: 5}}
        - {name: n, in: query, schema: {type: integer}}
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Thing"}
            example: {name: a, size: null}
      responses:
        "201":
          description: Made.
          headers:
            Location: {required: true, schema: {type: string, pattern: "^/"}}
            Retry-After: {schema: {type: integer, minimum: 1}}
          content:
            application/json: {schema: {$ref: "#/components/schemas/Thing"}}
        "400": {$ref: "#/components/responses/bad"}
        "204": {description: Nothing.}
components:
  responses:
    bad:
      description: Bad.
      content:
        application/problem+json: {schema: {type: object, required: [type]}}
  schemas:
    Thing:
      type: object
      required: [name]
      properties:
        name: {type: string, examples: [a]}
        size: {type: [integer, "null"], exclusiveMinimum: 0}
      additionalProperties: false
`

// answer is what the fake server says.
type answer struct {
	status int
	header []string
	body   string
}

// TestEveryDifferenceIsReported sends and answers what the document has, and then
// everything that it has not.
func TestEveryDifferenceIsReported(t *testing.T) {
	d, err := Load([]byte(document), "")
	if err != nil {
		t.Fatal(err)
	}
	good := []string{"Content-Type", "application/json", "Location", "/things/a"}
	bad := []string{"Content-Type", "application/problem+json"}
	for name, test := range map[string]struct {
		method, path, body string
		answer             answer
		want               string // empty: no difference
	}{
		"all is well":             {"POST", "/things/a?n=1", `{"name":"a","size":1}`, answer{201, good, `{"name":"a","size":null}`}, ""},
		"refused":                 {"POST", "/things/a", `{`, answer{400, bad, `{"type":"x"}`}, ""},
		"escaped":                 {"POST", "/things/%61%2fb", `{"name":"a"}`, answer{201, good, `{"name":"a"}`}, ""},
		"unknown path refused":    {"POST", "/other", "", answer{404, nil, ""}, ""},
		"unknown path served":     {"POST", "/other", "", answer{200, nil, ""}, "no such path"},
		"unknown method refused":  {"PUT", "/things/a", "", answer{405, []string{"Allow", "POST"}, ""}, ""},
		"405 without Allow":       {"PUT", "/things/a", "", answer{405, nil, ""}, "no such method"},
		"unknown method served":   {"PUT", "/things/a", "", answer{200, nil, ""}, "no such method"},
		"unknown status":          {"POST", "/things/a", `{"name":"a"}`, answer{200, nil, ""}, "does not have the status"},
		"wrong path parameter":    {"POST", "/things/abcdef", `{"name":"a"}`, answer{201, good, `{"name":"a"}`}, "does not allow the request"},
		"wrong query parameter":   {"POST", "/things/a?n=x", `{"name":"a"}`, answer{201, good, `{"name":"a"}`}, "does not allow the request"},
		"wrong request body":      {"POST", "/things/a", `{"name":7}`, answer{201, good, `{"name":"a"}`}, "does not allow the request"},
		"request bound":           {"POST", "/things/a", `{"name":"a","size":0}`, answer{201, good, `{"name":"a"}`}, "does not allow the request"},
		"no request body":         {"POST", "/things/a", "", answer{201, good, `{"name":"a"}`}, "must be a body"},
		"wrong body":              {"POST", "/things/a", `{"name":"a"}`, answer{201, good, `{"name":"a","more":1}`}, "does not fit"},
		"body is not JSON":        {"POST", "/things/a", `{"name":"a"}`, answer{201, good, `{`}, "not JSON"},
		"wrong body by reference": {"POST", "/things/a", `{`, answer{400, bad, `{}`}, "does not fit"},
		"wrong type":              {"POST", "/things/a", `{`, answer{400, good[:2], `{"type":"x"}`}, "content type"},
		"a body where none is":    {"POST", "/things/a", `{"name":"a"}`, answer{400, bad[:0], "text"}, "content type"},
		"missing header":          {"POST", "/things/a", `{"name":"a"}`, answer{201, good[:2], `{"name":"a"}`}, "Location is missing"},
		"wrong header":            {"POST", "/things/a", `{"name":"a"}`, answer{201, append([]string{"Location", "a"}, good[:2]...), `{"name":"a"}`}, "Location"},
		"header that is a number": {"POST", "/things/a", `{"name":"a"}`, answer{201, append([]string{"Retry-After", "3"}, good...), `{"name":"a"}`}, ""},
		"number out of bounds":    {"POST", "/things/a", `{"name":"a"}`, answer{201, append([]string{"Retry-After", "0"}, good...), `{"name":"a"}`}, "Retry-After"},
		"undocumented header":     {"POST", "/things/a", `{`, answer{400, append([]string{"Retry-After", "3"}, bad...), `{"type":"x"}`}, "does not have the header Retry-After"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for i := 0; i < len(test.answer.header); i += 2 {
					w.Header().Set(test.answer.header[i], test.answer.header[i+1])
				}
				w.WriteHeader(test.answer.status)
				_, _ = io.WriteString(w, test.answer.body)
			}))
			defer server.Close()
			var faults []string
			c := http.Client{Transport: &Transport{
				Next: server.Client().Transport, Document: d,
				Base:   func(*http.Request) (string, bool) { return "", true },
				Report: func(_ *http.Request, f string) { faults = append(faults, f) },
			}}
			var body io.Reader
			if test.body != "" {
				body = strings.NewReader(test.body)
			}
			r, err := http.NewRequestWithContext(t.Context(), test.method, server.URL+test.path, body)
			if err != nil {
				t.Fatal(err)
			}
			if body != nil {
				r.Header.Set("Content-Type", "application/json")
			}
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || string(got) != test.answer.body {
				t.Errorf("the test sees %q, %v", got, err)
			}
			all := strings.Join(faults, "\n")
			if test.want == "" && all != "" || !strings.Contains(all, test.want) {
				t.Errorf("faults %q, want %q", all, test.want)
			}
		})
	}
}

// TestDocumentsThatAreNoneAreRefused breaks the document in each way once.
func TestDocumentsThatAreNoneAreRefused(t *testing.T) {
	for name, change := range map[string][2]string{
		"version":           {"3.1.0", "3.0.3"},
		"example":           {"size: null", "size: x"},
		"schema's example":  {"examples: [a]", "examples: [7]"},
		"schema":            {"maxLength: 5", "maxLength: x"},
		"keyword's value":   {"additionalProperties: false", "additionalProperties: [no]"},
		"missing reference": {"schemas/Thing\"}\n            example", "schemas/Other\"}\n            example"},
		"no response":       {"description: Nothing.", "content: {}"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(document, change[0], change[1], 1)
			if text == document {
				t.Fatal("the document is as it was")
			}
			if _, err := Load([]byte(text), ""); err == nil {
				t.Error("it was loaded")
			}
		})
	}
}
