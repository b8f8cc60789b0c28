package spectest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Document is a loaded OpenAPI document. It is safe for concurrent use.
type Document struct {
	Spec *openapi3.T

	routes []route
	raw    any // the document as JSON values
	// schemas are all that judge a body, a header or an example, by where they stand.
	schemas map[string]*jsonschema.Schema
}

// route is one path of the document.
type route struct {
	pattern  string
	segments []string
	item     *openapi3.PathItem
	fold     bool // it is found in any case, and with a slash at the end
}

// self is the document's own address as the schemas' references see it.
const self = "hubline:///openapi.json"

// Load reads a document. It returns an error unless it is valid 3.1, its schemas are
// valid JSON Schema 2020-12 and its examples fit them. Paths that contain fold, if
// that is not empty, are matched in any case.
func Load(text []byte, fold string) (*Document, error) {
	spec, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(spec.OpenAPI, "3.1.") {
		return nil, fmt.Errorf("openapi: %q, want 3.1", spec.OpenAPI)
	}
	if err := spec.Validate(context.Background(), openapi3.EnableMultiError()); err != nil {
		return nil, err
	}
	d := &Document{Spec: spec, schemas: map[string]*jsonschema.Schema{}}
	for pattern, item := range spec.Paths.Map() {
		d.routes = append(d.routes, route{
			pattern, strings.Split(pattern, "/"), item, fold != "" && strings.Contains(strings.ToLower(pattern), fold),
		})
	}
	// A path without parameters goes first.
	slices.SortFunc(d.routes, func(a, b route) int {
		return strings.Count(a.pattern, "{") - strings.Count(b.pattern, "{")
	})
	return d, d.compile(text)
}

// compile makes all schemas, and judges all examples.
func (d *Document) compile(text []byte) error {
	var err error
	if d.raw, err = asJSON(text); err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource(self, d.raw); err != nil {
		return err
	}
	return d.walk(c, d.raw, "")
}

// asJSON turns YAML into the values that jsonschema takes.
func asJSON(text []byte) (any, error) {
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(b))
}

// walk compiles all schemas that bodies, headers and examples are judged by.
func (d *Document) walk(c *jsonschema.Compiler, v any, at string) error {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			if err := d.walk(c, e, fmt.Sprintf("%s/%d", at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		if _, ok := v["schema"]; ok {
			if err := d.owner(c, v, at); err != nil {
				return err
			}
		}
		// A schema's own examples are a list, those beside it are named.
		component := path.Dir(at) == "/components/schemas"
		if examples, ok := v["examples"].([]any); ok || component {
			if err := d.compileAt(c, at); err != nil {
				return err
			}
			for _, e := range examples {
				if err := d.fit(at, e); err != nil {
					return err
				}
			}
		}
		for k, e := range v {
			if err := d.walk(c, e, at+"/"+escape(k)); err != nil {
				return err
			}
		}
	}
	return nil
}

// owner compiles the schema of a media type, parameter or header and judges the
// examples beside it.
func (d *Document) owner(c *jsonschema.Compiler, v map[string]any, at string) error {
	at += "/schema"
	if err := d.compileAt(c, at); err != nil {
		return err
	}
	if example, ok := v["example"]; ok {
		if err := d.fit(at, example); err != nil {
			return err
		}
	}
	examples, _ := v["examples"].(map[string]any)
	for _, e := range examples {
		if e, ok := e.(map[string]any); ok {
			if err := d.fit(at, e["value"]); err != nil {
				return err
			}
		}
	}
	return nil
}

// compileAt makes the schema that stands there.
func (d *Document) compileAt(c *jsonschema.Compiler, at string) error {
	s, err := c.Compile(self + "#" + (&url.URL{Fragment: at}).EscapedFragment())
	if err != nil {
		return err
	}
	d.schemas[at] = s
	return nil
}

// fit judges one example.
func (d *Document) fit(at string, example any) error {
	if err := d.schemas[at].Validate(example); err != nil {
		return fmt.Errorf("an example does not fit %s: %w", at, err)
	}
	return nil
}

// Component returns the schema of that name under components.
func (d *Document) Component(name string) *jsonschema.Schema {
	return d.schemas["/components/schemas/"+escape(name)]
}

// at returns the value at a pointer and, where a reference stands there or on the way,
// the pointer that this leads to.
func (d *Document) at(segments ...string) (v any, pointer string) {
	v = d.raw
	for i, s := range segments {
		of, _ := v.(map[string]any)
		if v = of[s]; v == nil {
			return nil, ""
		}
		pointer += "/" + escape(s)
		of, _ = v.(map[string]any)
		if ref, ok := of["$ref"].(string); ok {
			target := strings.Split(strings.TrimPrefix(ref, "#/"), "/")
			for k := range target {
				target[k] = strings.NewReplacer("~1", "/", "~0", "~").Replace(target[k])
			}
			return d.at(append(target, segments[i+1:]...)...)
		}
	}
	return v, pointer
}

// escape is a segment of a JSON pointer.
func escape(s string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(s) }
