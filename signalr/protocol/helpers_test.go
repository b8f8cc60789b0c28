package protocol

import (
	"reflect"
	"testing"
)

// readLike decodes raw into a new value of v's type.
func readLike(t testing.TB, c Codec, v any, raw Raw, n Naming) any {
	t.Helper()
	p := reflect.New(reflect.TypeOf(v))
	if err := c.Unmarshal(raw, p.Interface(), n); err != nil {
		t.Errorf("%s, naming %d: reading %q: %v", c.Name(), n, raw, err)
	}
	return p.Elem().Interface()
}
