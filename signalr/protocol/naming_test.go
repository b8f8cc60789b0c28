package protocol

import "testing"

// The names are those of .NET's own tests of JsonNamingPolicy.CamelCase, as far
// as Go can have them.
func TestCamelCase(t *testing.T) {
	for name, want := range map[string]string{
		"URLValue": "urlValue", "URL": "url", "ID": "id", "I": "i", "": "", "Person": "person",
		"iPhone": "iPhone", "IPhone": "iPhone", "MyURL": "myURL", "IDs": "iDs", "XMLHttpRequest": "xmlHttpRequest",
		"IsCIA": "isCIA", "VmQ": "vmQ", "Xml2Json": "xml2Json", "SnAkEcAsE": "snAkEcAsE", "SnA__kEcAsE": "snA__kEcAsE",
		"already_snake_case_": "already_snake_case_", "SHOUTING_CASE": "shoutinG_CASE", "ID2": "iD2", "Äpfel": "äpfel", "ÄÖÜ": "äöü",
	} {
		if got := camelCase(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if got := NamesExact.of(name); got != name {
			t.Errorf("exact %s: %s", name, got)
		}
	}
}

func TestFoldedNamesAreEqual(t *testing.T) {
	for _, pair := range [][2]string{{"name", "NAME"}, {"größe", "GRÖßE"}, {"k", "\u212a"}, {"s1", "\u017f1"}, {"", ""}} {
		a, b := appendFolded(nil, []byte(pair[0])), appendFolded(nil, []byte(pair[1]))
		if string(a) != string(b) {
			t.Errorf("%q gives %q, %q gives %q", pair[0], a, pair[1], b)
		}
	}
	if string(appendFolded(nil, []byte("a"))) == string(appendFolded(nil, []byte("b"))) {
		t.Error("a equals b")
	}
}

type crowded struct {
	ID    int
	Other int `json:"id"`
}

type twins struct {
	ID int
	Id int //nolint:staticcheck // the clash is the point
}

// Two fields that only the naming makes equal would hide one another, and
// nobody would see why.
func TestNamesThatClash(t *testing.T) {
	for _, c := range []Codec{JSON, MessagePack} {
		for _, v := range []any{crowded{}, twins{}} {
			if raw, err := c.Marshal(v, NamesExact); err != nil {
				t.Errorf("%s: %q, %v", c.Name(), raw, err)
			}
			if raw, err := c.Marshal(v, NamesCamelCase); err == nil {
				t.Errorf("%s: %T became %q", c.Name(), v, raw)
			}
		}
		var v crowded
		raw, _ := c.AppendJSON(nil, []byte(`{"id":1}`))
		if err := c.Unmarshal(raw, &v, NamesCamelCase); err == nil {
			t.Errorf("%s: read %+v", c.Name(), v)
		}
		if _, err := c.Marshal(v, 2); err == nil {
			t.Errorf("%s: wrote with a naming that does not exist", c.Name())
		}
	}
}
