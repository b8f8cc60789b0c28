package protocol

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// Published vulnerabilities of other servers' parsers. What concerns connections
// stands in the tests of package signalr.
func TestPublishedVulnerabilities(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"CVE-2026-45591: nested arrays exhaust the stack, in messages":  testNesting,
		"CVE-2026-45591: in values":                                     TestDepthBoundOfValues,
		"CVE-2026-26130: a message's size is known before it is there":  TestFraming,
		"CVE-2026-26130: declared lengths":                              TestDeclaredLengthsAllocateNothing,
		"CVE-2020-5234: keys that collide":                              testCollidingKeys,
		"CVE-2019-0982, CVE-2020-0602, CVE-2020-0603: torn messages":    testTornMessages,
		"dotnet/aspnetcore#69283: any sequence number, and no other":    testSequenceIDs,
		"dotnet/aspnetcore#69285: a type that nobody knows wedges":      testUnknownTypes,
		"dotnet/aspnetcore#68579: the depth of the message counts, too": TestNestingUpToTheLimitIsAccepted,
	} {
		t.Run(name, test)
	}
}

// Whatever may hold a value may not be deeper than the bound: not arguments, nor
// items, nor results.
func testNesting(t *testing.T) {
	for name, tt := range map[string]struct {
		json, packed string // with %s for the value
		outer        int    // containers around it
	}{
		"argument": {`{"type":1,"target":"t","arguments":[%s]}`, "950180c0a17491%s", 2},
		"item":     {`{"type":2,"invocationId":"1","item":%s}`, "940280a131%s", 1},
		"result":   {`{"type":3,"invocationId":"1","result":%s}`, "950380a13103%s", 1},
	} {
		for depth, ok := range map[int]bool{1: true, MaxDepth - tt.outer: true, MaxDepth - tt.outer + 1: false, 10_000: false} {
			in := fmt.Sprintf(tt.json, strings.Repeat("[", depth)+strings.Repeat("]", depth))
			if err := JSON.Decode([]byte(in), &Message{}); (err == nil) != ok {
				t.Errorf("json: %s of depth %d: %v", name, depth, err)
			}
			for kind, level := range map[string]string{"arrays": "91", "maps": "81c0"} {
				packed := unhex(t, fmt.Sprintf(tt.packed, strings.Repeat(level, depth-1)+"90"))
				if err := MessagePack.Decode(packed, &Message{}); (err == nil) != ok {
					t.Errorf("messagepack: %s, %s of depth %d: %v", name, kind, depth, err)
				}
			}
		}
	}
}

// Go seeds the hash of every map: keys made for another server's hash are like
// any others.
func testCollidingKeys(t *testing.T) {
	const n = 10_000
	b := []byte{codeMap16, n >> 8, n & 0xff}
	for i := range n {
		b = append(b, codeUint64, 0, 0, byte(i>>8), byte(i), 0, 0, 0, 0, codeNil) //nolint:gosec // wanted: equal low halves
	}
	began := time.Now()
	var v map[uint64]any
	if err := MessagePack.Unmarshal(b, &v, NamesExact); err != nil || len(v) != n {
		t.Errorf("%d keys, %v", len(v), err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

// A message that breaks off anywhere, or has any byte changed, is an error or
// another message, never a panic.
func testTornMessages(t *testing.T) {
	for _, form := range forms {
		for c, body := range map[Codec][]byte{JSON: []byte(form.json), MessagePack: unhex(t, form.packed)[1:]} {
			for i := range body {
				if err := c.Decode(body[:i], &Message{}); err == nil && !c.Binary() {
					t.Errorf("%q is a message", body[:i])
				}
				for _, x := range []byte{0x00, 0x01, 0x80, 0xc1, 0xdd, 0xff, '"', '['} {
					changed := append([]byte(nil), body...)
					changed[i] ^= x
					_ = c.Decode(changed, &Message{})
				}
			}
		}
	}
}

// Ack and Sequence carry 64 bits in both encodings, signed; what is more is no
// number, and does not become another.
func testSequenceIDs(t *testing.T) {
	for _, typ := range []Type{TypeAck, TypeSequence} {
		for text, want := range map[string]int64{
			"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
			"4294967296": 1 << 32, "-2147483649": math.MinInt32 - 1, "-1": -1, "0": 0,
		} {
			checkSequenceID(t, JSON, fmt.Appendf(nil, `{"type":%d,"sequenceId":%s}`, typ, text), want, true)
		}
		for _, text := range []string{"9223372036854775808", "-9223372036854775809", "1e3", "1.0", "18446744073709551616"} {
			checkSequenceID(t, JSON, fmt.Appendf(nil, `{"type":%d,"sequenceId":%s}`, typ, text), 0, false)
		}
		for hex, want := range map[string]int64{
			"cf7fffffffffffffff": math.MaxInt64, "d38000000000000000": math.MinInt64, "cf0000000100000000": 1 << 32,
			"ceffffffff": math.MaxUint32, "d280000000": math.MinInt32, "ff": -1, "00": 0,
		} {
			checkSequenceID(t, MessagePack, append([]byte{0x92, byte(typ)}, unhex(t, hex)...), want, true)
		}
		for _, hex := range []string{"cf8000000000000000", "cfffffffffffffffff", "ca3f800000", "c0", "a131"} {
			checkSequenceID(t, MessagePack, append([]byte{0x92, byte(typ)}, unhex(t, hex)...), 0, false)
		}
	}
}

func checkSequenceID(t *testing.T, c Codec, in []byte, want int64, ok bool) {
	t.Helper()
	var m Message
	err := c.Decode(in, &m)
	if (err == nil) != ok || ok && m.SequenceID != want {
		t.Errorf("%s: %q: %d, %v; want %d", c.Name(), in, m.SequenceID, err, want)
	}
	if !ok {
		return
	}
	framed, err := c.Append(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	if again := decodeOne(t, c, framed); again.SequenceID != want {
		t.Errorf("%s: %d became %d", c.Name(), want, again.SequenceID)
	}
}

// It is read no further than its type, and what follows is found.
func testUnknownTypes(t *testing.T) {
	for c, in := range map[Codec]string{
		JSON:        `{"type":99,"target":[]}` + "\x1e" + `{"type":6}` + "\x1e",
		MessagePack: "\x03\x92\x63\xc1" + "\x02\x91\x06",
	} {
		out, err := split(c, []byte(in), func(int) int { return 1 })
		if err != nil || len(out) != 1 || out[0] != string(c.Ping()) {
			t.Errorf("%s: %q, %v", c.Name(), out, err)
		}
	}
}
