package protocol

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// form is one message in both encodings. An Append that writes another form
// than the one read gives it in json2, packed2.
type form struct {
	name            string
	msg             Message // with Raw values in JSON; packed values follow from them
	json, json2     string
	packed, packed2 string // hexadecimal, spaces ignored
}

// forms are the hub protocol's message forms (reference sections 4.3, 4.4).
var forms = []form{
	{
		name: "invocation", msg: Message{Type: 1, InvocationID: "0", Target: "Add", Arguments: []Raw{Raw("1"), Raw("2")}},
		json:   `{"target":"Add","arguments":[1,2],"invocationId":"0","type":1}`,
		json2:  `{"type":1,"invocationId":"0","target":"Add","arguments":[1,2]}`,
		packed: "0c 95 01 80 a130 a3416464 92 01 02", packed2: "0d 96 01 80 a130 a3416464 92 01 02 90",
	},
	{
		name: "send", msg: Message{Type: 1, Target: "Log", Arguments: []Raw{Raw(`"x"`)}},
		json:   `{"type":1,"target":"Log","arguments":["x"]}`,
		packed: "0c 96 01 80 c0 a34c6f67 91 a178 90",
	},
	{
		name: "send with an empty id", msg: Message{Type: 1, Target: "Log"},
		json: `{"type":1,"invocationId":"","target":"Log","arguments":[]}`, json2: `{"type":1,"target":"Log","arguments":[]}`,
		packed: "0a 96 01 80 a0 a34c6f67 90 90", packed2: "0a 96 01 80 c0 a34c6f67 90 90",
	},
	{
		name: "invocation with streams", msg: Message{Type: 1, InvocationID: "3", Target: "Up", StreamIDs: []string{"2"}},
		json:   `{"target":"Up","arguments":[],"invocationId":"3","streamIds":["2"],"type":1}`,
		json2:  `{"type":1,"invocationId":"3","target":"Up","arguments":[],"streamIds":["2"]}`,
		packed: "0c 96 01 80 a133 a25570 90 91 a132",
	},
	{
		name: "headers", msg: Message{Type: 1, Target: "T", Headers: map[string]string{"a": "1", "b": "ü"}},
		json:   `{"type":1,"headers":{"a":"1","b":"ü"},"target":"T","arguments":[]}`,
		packed: "11 96 01 82 a161 a131 a162 a2c3bc c0 a154 90 90",
	},
	{
		name: "stream invocation", msg: Message{Type: 4, InvocationID: "1", Target: "Count", Arguments: []Raw{Raw("3")}},
		json:   `{"target":"Count","arguments":[3],"invocationId":"1","type":4}`,
		json2:  `{"type":4,"invocationId":"1","target":"Count","arguments":[3]}`,
		packed: "0d 95 04 80 a131 a5436f756e74 91 03", packed2: "0e 96 04 80 a131 a5436f756e74 91 03 90",
	},
	{
		name: "stream item", msg: Message{Type: 2, InvocationID: "2", Item: Raw(`"a"`)},
		json: `{"invocationId":"2","item":"a","type":2}`, json2: `{"type":2,"invocationId":"2","item":"a"}`,
		packed: "07 94 02 80 a132 a161",
	},
	{
		name: "stream item null", msg: Message{Type: 2, InvocationID: "2", Item: Raw(`null`)},
		json:   `{"type":2,"invocationId":"2","item":null}`,
		packed: "06 94 02 80 a132 c0",
	},
	{
		name: "completion void", msg: Message{Type: 3, InvocationID: "2"},
		json:   `{"type":3,"invocationId":"2"}`,
		packed: "06 94 03 80 a132 02",
	},
	{
		name: "completion result", msg: Message{Type: 3, InvocationID: "s1", Result: Raw("10"), HasResult: true},
		json:   `{"type":3,"invocationId":"s1","result":10}`,
		packed: "08 95 03 80 a27331 03 0a",
	},
	{
		name: "completion null result", msg: Message{Type: 3, InvocationID: "s1", Result: Raw("null"), HasResult: true},
		json:   `{"type":3,"invocationId":"s1","result":null}`,
		packed: "08 95 03 80 a27331 03 c0",
	},
	{
		name: "completion error", msg: Message{Type: 3, InvocationID: "2", Error: "boom"},
		json: `{"error":"boom","invocationId":"2","type":3}`, json2: `{"type":3,"invocationId":"2","error":"boom"}`,
		packed: "0b 95 03 80 a132 01 a4626f6f6d",
	},
	{
		name: "cancel", msg: Message{Type: 5, InvocationID: "1"},
		json: `{"invocationId":"1","type":5}`, json2: `{"type":5,"invocationId":"1"}`,
		packed: "05 93 05 80 a131",
	},
	{name: "ping", msg: Message{Type: 6}, json: `{"type":6}`, packed: "02 91 06"},
	{
		name: "close", msg: Message{Type: 7}, json: `{"type":7}`,
		packed: "03 92 07 c0", packed2: "04 93 07 c0 c2",
	},
	{
		name: "close with error", msg: Message{Type: 7, Error: "e"}, json: `{"type":7,"error":"e"}`,
		packed: "05 93 07 a165 c2",
	},
	{
		name: "close and come back", msg: Message{Type: 7, AllowReconnect: true},
		json:   `{"type":7,"allowReconnect":true}`,
		packed: "04 93 07 c0 c3",
	},
	{
		name: "close with error and come back", msg: Message{Type: 7, Error: "e", AllowReconnect: true},
		json:   `{"type":7,"error":"e","allowReconnect":true}`,
		packed: "05 93 07 a165 c3",
	},
	{
		name: "ack", msg: Message{Type: 8, SequenceID: 17}, json: `{"type":8,"sequenceId":17}`,
		packed: "03 92 08 11",
	},
	{
		name: "sequence", msg: Message{Type: 9, SequenceID: 1 << 40}, json: `{"type":9,"sequenceId":1099511627776}`,
		packed: "0b 92 09 cf 0000010000000000",
	},
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// packRaws returns m with its JSON values in MessagePack.
func packRaws(t testing.TB, m Message) Message {
	t.Helper()
	pack := func(r Raw) Raw {
		if r == nil {
			return nil
		}
		p, err := MessagePack.AppendJSON(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	m.Item, m.Result = pack(m.Item), pack(m.Result)
	args := m.Arguments
	m.Arguments = nil
	for _, a := range args {
		m.Arguments = append(m.Arguments, pack(a))
	}
	return m
}

func decodeOne(t *testing.T, c Codec, in []byte) Message {
	t.Helper()
	body, n, err := c.Next(in, 0)
	if err != nil || n != len(in) {
		t.Fatalf("Next(%x) = %d, %v; want all %d bytes", in, n, err, len(in))
	}
	var m Message
	if err := c.Decode(body, &m); err != nil {
		t.Fatalf("Decode(%q): %v", body, err)
	}
	return m
}

func TestForms(t *testing.T) {
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			out := f.json2
			if out == "" {
				out = f.json
			}
			checkForm(t, JSON, f.msg, f.json+"\x1e", out+"\x1e")
			packed := f.packed2
			if packed == "" {
				packed = f.packed
			}
			checkForm(t, MessagePack, packRaws(t, f.msg), string(unhex(t, f.packed)), string(unhex(t, packed)))
		})
	}
}

func checkForm(t *testing.T, c Codec, want Message, in, out string) {
	t.Helper()
	if diff := cmp.Diff(want, decodeOne(t, c, []byte(in)), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: decoded (-want +got):\n%s", c.Name(), diff)
	}
	got, err := c.Append([]byte("x"), &want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("x"+out, string(got)); diff != "" {
		t.Errorf("%s: encoded (-want +got):\n%s", c.Name(), diff)
	}
}

func TestLeniency(t *testing.T) {
	tests := []struct {
		name, json, packed string
		want               Message
	}{
		{"unknown type", `{"type":99,"target":5}`, "92 63 c0", Message{Type: 99}},
		{"unknown property, extra items", `{"x":{"y":[1]},"type":6,"z":null}`, "93 06 c0 c0", Message{Type: 6}},
		{"white space", " {\r\n\t\"type\" : 7 , \"allowReconnect\" : false } ", "92 07 c0", Message{Type: 7}},
		{"duplicates: last wins", `{"type":6,"type":8,"sequenceId":1,"sequenceId":2}`, "92 d3 0000000000000008 d1 0002", Message{Type: 8, SequenceID: 2}},
		{"escaped names and values", `{"t\u0079pe":5,"invocationId":"\u00fc\n\ud83d\ude00"}`, "93 05 80 a7 c3bc 0a f09f9880", Message{Type: 5, InvocationID: "ü\n😀"}},
		{"names are case-sensitive", `{"type":1,"Target":"a","target":"b","arguments":[]}`, "95 01 80 c0 a162 90", Message{Type: 1, Target: "b"}},
		{"items of a later version", `{"type":3,"invocationId":"1"}`, "96 03 80 a131 02 c0 01", Message{Type: 3, InvocationID: "1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for c, in := range map[Codec][]byte{JSON: []byte(tt.json), MessagePack: unhex(t, tt.packed)} {
				var m Message
				if err := c.Decode(in, &m); err != nil {
					t.Fatalf("%s: %v", c.Name(), err)
				}
				if diff := cmp.Diff(tt.want, m, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", c.Name(), diff)
				}
			}
		})
	}
}

func TestAppendRefusesUnknownType(t *testing.T) {
	for _, c := range []Codec{JSON, MessagePack} {
		if got, err := c.Append([]byte("x"), &Message{Type: 10}); err == nil || string(got) != "x" {
			t.Errorf("%s: Append = %q, %v", c.Name(), got, err)
		}
	}
}

func TestLookup(t *testing.T) {
	for name, want := range map[string]Codec{"json": JSON, "JSON": JSON, "MessagePack": MessagePack, "msgpack": nil, "": nil} {
		if got, _ := Lookup(name); got != want {
			t.Errorf("Lookup(%q) = %v", name, got)
		}
	}
}
