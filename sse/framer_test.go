package sse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubline/transports"
)

// lay lays messages out, each an id, a name and a payload.
func lay(f transports.Framer, messages ...[3]string) string {
	b := transports.NewBatch(f)
	for _, m := range messages {
		b.Begin(transports.Meta{ID: []byte(m[0]), Name: m[1]})
		b.Buf = append(b.Buf, m[2]...)
		b.End()
	}
	return string(b.Buf)
}

func TestEvents(t *testing.T) {
	tests := []struct {
		name        string
		message     [3]string
		native, hub string
	}{
		{"plain", [3]string{"", "", `{"a":1}`}, "data: {\"a\":1}\n\n", "data: {\"a\":1}\r\n\r\n"},
		{"id", [3]string{"k7q2-57", "", "x"}, "id: k7q2-57\ndata: x\n\n", "data: x\r\n\r\n"},
		{"id and name", [3]string{"k7q2-57", "a.b", "x"}, "id: k7q2-57\nevent: a.b\ndata: x\n\n", "data: x\r\n\r\n"},
		{"name", [3]string{"", "hubline.ready", "x"}, "event: hubline.ready\ndata: x\n\n", "data: x\r\n\r\n"},
		{"nothing", [3]string{"", "", ""}, "data: \n\n", "data: \r\n\r\n"},
		{"line feed", [3]string{"", "", "a\nb"}, "data: a\ndata: b\n\n", "data: a\r\ndata: b\r\n\r\n"},
		{"return", [3]string{"", "", "a\rb"}, "data: a\ndata: b\n\n", "data: a\r\ndata: b\r\n\r\n"},
		{"both", [3]string{"", "", "a\r\nb"}, "data: a\ndata: b\n\n", "data: a\r\ndata: b\r\n\r\n"},
		{"the other way", [3]string{"", "", "a\n\rb"}, "data: a\ndata: \ndata: b\n\n", "data: a\r\ndata: \r\ndata: b\r\n\r\n"},
		{"at the end", [3]string{"", "", "a\n"}, "data: a\ndata: \n\n", "data: a\r\ndata: \r\n\r\n"},
		{"only", [3]string{"", "", "\r\n"}, "data: \ndata: \n\n", "data: \r\ndata: \r\n\r\n"},
		{"fields in the payload", [3]string{"", "", "a\nid: 9\n\nretry: 1"}, "data: a\ndata: id: 9\ndata: \ndata: retry: 1\n\n", "data: a\r\ndata: id: 9\r\ndata: \r\ndata: retry: 1\r\n\r\n"},
		{"fields in the name", [3]string{"", "a\ndata: forged", "x"}, "event: a\ndata: x\n\n", "data: x\r\n\r\n"},
		{"return in the name", [3]string{"", "\rid: 9", "x"}, "event: \ndata: x\n\n", "data: x\r\n\r\n"},
	}
	for _, tt := range tests {
		if got := lay(framer{}, tt.message); got != tt.native {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.native)
		}
		if got := lay(hubFramer{}, tt.message); got != tt.hub {
			t.Errorf("%s, hub: %q, want %q", tt.name, got, tt.hub)
		}
	}
}

func TestKeepAlive(t *testing.T) {
	tests := []struct {
		f        transports.Framer
		id, want string
	}{
		{framer{}, "", ":\n\n"},
		{framer{}, "k7q2-57", "id: k7q2-57\n\n"},
		{hubFramer{}, "", ":\r\n"},
		{hubFramer{}, "k7q2-57", ":\r\n"},
	}
	for _, tt := range tests {
		got := string(tt.f.KeepAlive([]byte("x"), []byte(tt.id)))
		if got != "x"+tt.want {
			t.Errorf("%T, %q: %q, want %q", tt.f, tt.id, got[1:], tt.want)
		}
		events, _, _ := parse("data: before\n\n" + got[1:])
		if len(events) != 1 {
			t.Errorf("%T, %q: fires an event", tt.f, tt.id)
		}
	}
	if _, id, _ := parse(string(framer{}.KeepAlive(nil, []byte("k7q2-57")))); id != "k7q2-57" {
		t.Errorf("the cursor is %q", id)
	}
}

// Whatever is sent, a client that goes by the standard gets it, with every line
// end as a line feed, and nothing else.
func FuzzEvents(f *testing.F) {
	f.Add("a\r\nb", "name", uint8(3))
	f.Add("\r", "x\ndata: y", uint8(0))
	f.Add("id: 1\n\nevent: z\n\n", "", uint8(1))
	f.Add(" leading", " x", uint8(9))
	f.Add("\ufeff", "\x00", uint8(255))
	f.Fuzz(func(t *testing.T, payload, name string, n uint8) {
		id := fmt.Sprint("k7q2-", n)
		normal := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(payload)
		got, last, _ := parse(lay(framer{}, [3]string{id, name, payload}, [3]string{"", "", "between"}, [3]string{id + "1", "", payload}))
		line, _, _ := strings.Cut(strings.ReplaceAll(name, "\r", "\n"), "\n")
		want := []event{{id, line, normal}, {id, "", "between"}, {id + "1", "", normal}}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(event{})); diff != "" || last != id+"1" {
			t.Errorf("last id %q, events (-want +got):\n%s", last, diff)
		}
		payloads, err := parseHub(lay(hubFramer{}, [3]string{id, name, payload}, [3]string{"", "", "between"}))
		if diff := cmp.Diff([]string{normal, "between"}, payloads); diff != "" || err != nil {
			t.Errorf("%v, payloads (-want +got):\n%s", err, diff)
		}
	})
}

func BenchmarkEvent(b *testing.B) {
	for _, tt := range []struct{ name, payload string }{
		{"200", strings.Repeat("x", 200)},
		{"200 in lines", strings.Repeat("xxxxxxxxx\n", 20)},
	} {
		b.Run(tt.name, func(b *testing.B) {
			batch := transports.NewBatch(framer{})
			m := transports.Meta{ID: []byte("k7q2-57"), Name: "a.b"}
			b.ReportAllocs()
			for b.Loop() {
				batch.Reset(framer{})
				batch.Begin(m)
				batch.Buf = append(batch.Buf, tt.payload...)
				batch.End()
			}
		})
	}
}
