package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"
)

// celsius knows JSON only.
type celsius struct{ Degrees int }

func (c celsius) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `{"c" : %d}`, c.Degrees), nil }

func (c *celsius) UnmarshalJSON(b []byte) error {
	var v struct{ C int }
	err := json.Unmarshal(b, &v)
	c.Degrees = v.C
	return err
}

// level3 is a text, by methods of the pointer.
type level3 int

func (l *level3) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "level %d", *l), nil }

func (l *level3) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "level %d", (*int)(l))
	return err
}

// packer has a MessagePack form of its own, streamer through the library.
type packer struct{ N byte }

func (p packer) MarshalMsgpack() ([]byte, error) { return []byte{codeUint8, p.N}, nil }

func (p *packer) UnmarshalMsgpack(b []byte) error {
	if len(b) != 2 {
		return errors.New("two bytes are wanted")
	}
	p.N = b[1]
	return nil
}

type streamer struct{ S string }

func (s streamer) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeString("<" + s.S) }

func (s *streamer) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	if s.S, err = d.DecodeString(); err == nil {
		s.S = s.S[1:]
	}
	return err
}

type methods struct {
	C  celsius
	CP *celsius
	L  level3
	LP *level3
	P  packer
	S  streamer
	M  map[string]celsius
}

func TestTypesWithMethods(t *testing.T) {
	v := methods{C: celsius{1}, CP: &celsius{2}, L: 3, LP: new(level3(4)), P: packer{5}, S: streamer{"s"}, M: map[string]celsius{"k": {6}}}
	check(t, JSON, &v, NamesExact, `{"C":{"c":1},"CP":{"c":2},"L":"level 3","LP":"level 4","P":{"N":5},"S":{"S":"s"},"M":{"k":{"c":6}}}`)
	check(t, MessagePack, &v, NamesExact, string(unhex(t, "87 a143 81a16301 a24350 81a16302 a14c a7 6c6576656c2033 a24c50 a7 6c6576656c2034"+
		"a150 cc05 a153 a2 3c73 a14d 81 a16b 81a16306")))
	// Without an address the methods of the pointer are out of reach, as in
	// encoding/json.
	if raw, err := JSON.Marshal(level3(3), NamesExact); err != nil || string(raw) != "3" {
		t.Errorf("%q, %v", raw, err)
	}
	check(t, MessagePack, struct{ P *packer }{}, NamesExact, "\x81\xa1P\xc0")
}

type (
	badJSON   struct{}
	badPacked struct{}
	failing   struct{}
)

func (badJSON) MarshalJSON() ([]byte, error)      { return []byte(`{"a":`), nil }
func (badPacked) MarshalMsgpack() ([]byte, error) { return []byte{0x92, 1}, nil }
func (failing) MarshalText() ([]byte, error)      { return nil, errors.New("no") }
func (failing) UnmarshalText([]byte) error        { return errors.New("no") }

// What a type gives goes to peers and must not break the message around it.
func TestMethodsAreChecked(t *testing.T) {
	for _, c := range []Codec{JSON, MessagePack} {
		for _, v := range []any{
			badJSON{},
			[]any{badJSON{}},
			failing{},
			map[failing]int{{}: 1},
			json.RawMessage("{}\x1e"), json.RawMessage(""), json.RawMessage("1 2"),
			json.Number("1x"), json.Number("+1"),
			struct{ A json.Number }{"-"},
			make(chan int), complex(1, 1), func() {},
			map[any]int{1: 1},
			map[float64]int{},
		} {
			if raw, err := c.Marshal(v, NamesExact); err == nil {
				t.Errorf("%s: %T became %q", c.Name(), v, raw)
			}
		}
		raw, _ := c.AppendJSON(nil, []byte(`{"x":"y"}`))
		if err := c.Unmarshal(raw, new(map[string]failing), NamesExact); err == nil {
			t.Errorf("%s: read what refuses", c.Name())
		}
	}
	if raw, err := MessagePack.Marshal([]any{badPacked{}}, NamesExact); err == nil {
		t.Errorf("%x", raw)
	}
	if err := MessagePack.Unmarshal(Raw{0x05}, new(packer), NamesExact); err == nil {
		t.Error("read an integer of one byte")
	}
}

func TestRawWithoutUTF8IsMended(t *testing.T) {
	raw, err := JSON.Marshal(json.RawMessage("[\"a\xff\" ]"), NamesExact)
	if diff := cmp.Diff("[\"a\uFFFD\"]", string(raw)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

type hidden struct{ A int }

type embedsHidden struct{ *hidden }

type namesHidden struct {
	hidden `json:"h"`
}

func TestUnexportedEmbeddedStructs(t *testing.T) {
	for _, c := range []Codec{JSON, MessagePack} {
		in, _ := c.AppendJSON(nil, []byte(`{"A":1}`))
		if err := c.Unmarshal(in, &embedsHidden{}, NamesExact); !errors.Is(err, errEmbedded) {
			t.Errorf("%s: %v", c.Name(), err)
		}
		v := namesHidden{hidden{2}}
		raw, err := c.Marshal(v, NamesExact)
		if err != nil {
			t.Fatal(err)
		}
		if got := readLike(t, c, v, raw, NamesExact); got != v {
			t.Errorf("%s: %+v", c.Name(), got)
		}
		in, _ = c.AppendJSON(nil, []byte(`{"h":null}`))
		if err := c.Unmarshal(in, &v, NamesExact); err != nil {
			t.Errorf("%s: %v", c.Name(), err)
		}
	}
}
