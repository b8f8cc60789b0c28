package native

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"hubline/broker"
	"hubline/replay"
)

// The wire, to the byte: names and order of keys, data untouched.
func TestGoldenEnvelopes(t *testing.T) {
	base := replay.Event{ID: "0197c0de", Type: "backup.progress", Time: 1_763_596_800_000, Data: []byte(`{"step":3}`)}
	with := func(change func(*replay.Event)) *replay.Event {
		ev := base
		change(&ev)
		return &ev
	}
	tests := []struct {
		name string
		ev   *replay.Event
		want string
	}{
		{"plain", &base, `{"id":"0197c0de","seq":57,"cursor":"k7q2-57","type":"backup.progress","ts":1763596800000,"data":{"step":3}}`},
		{
			"channel", with(func(ev *replay.Event) { ev.Channel = "private-org-42" }),
			`{"id":"0197c0de","seq":57,"cursor":"k7q2-57","type":"backup.progress","ts":1763596800000,"channel":"private-org-42","data":{"step":3}}`,
		},
		{
			"no data", with(func(ev *replay.Event) { ev.Data = nil }),
			`{"id":"0197c0de","seq":57,"cursor":"k7q2-57","type":"backup.progress","ts":1763596800000,"data":null}`,
		},
		{
			"data as it came", with(func(ev *replay.Event) { ev.Data = []byte("{\"b\" : 1.0e2,\n \"a\":\"<\\u00e9\u2028>\",\"a\":2}") }),
			"{\"id\":\"0197c0de\",\"seq\":57,\"cursor\":\"k7q2-57\",\"type\":\"backup.progress\",\"ts\":1763596800000,\"data\":{\"b\" : 1.0e2,\n \"a\":\"<\\u00e9\u2028>\",\"a\":2}}",
		},
		{
			"text that needs escapes", with(func(ev *replay.Event) { ev.ID, ev.Type = `a"b\c`, "d\n\x00\x7f" }),
			`{"id":"a\"b\\c","seq":57,"cursor":"k7q2-57","type":"d\n\u0000` + "\x7f" + `","ts":1763596800000,"data":{"step":3}}`,
		},
		{
			"other languages", with(func(ev *replay.Event) { ev.ID, ev.Type = "größe", "進捗" }),
			`{"id":"größe","seq":57,"cursor":"k7q2-57","type":"進捗","ts":1763596800000,"data":{"step":3}}`,
		},
		{
			"line separators", with(func(ev *replay.Event) { ev.ID, ev.Type = "a\u2028b", "c\u2029d" }),
			`{"id":"a\u2028b","seq":57,"cursor":"k7q2-57","type":"c\u2029d","ts":1763596800000,"data":{"step":3}}`,
		},
		{
			"no UTF-8", with(func(ev *replay.Event) { ev.ID, ev.Type = "a\xffb", "\xc3" }),
			`{"id":"a\ufffdb","seq":57,"cursor":"k7q2-57","type":"\ufffd","ts":1763596800000,"data":{"step":3}}`,
		},
		{
			"what others may not see", with(func(ev *replay.Event) {
				ev.Device, ev.ExceptDevice, ev.ContextID, ev.Arguments = "d", "e", "c", []byte(`[1]`)
			}),
			`{"id":"0197c0de","seq":57,"cursor":"k7q2-57","type":"backup.progress","ts":1763596800000,"data":{"step":3}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkEnvelope(t, tt.ev, "k7q2", 57)
			if got := string(AppendEvent(nil, tt.ev, "k7q2", 57)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// checkEnvelope checks what must hold for every event.
func checkEnvelope(t *testing.T, ev *replay.Event, epoch string, seq uint64) {
	t.Helper()
	own := AppendEvent([]byte("before"), ev, epoch, seq)
	shared := encode(ev).(*envelope).appendTo([]byte("before"), epoch, seq)
	if !bytes.Equal(own, shared) {
		t.Errorf("own    %q\nshared %q", own, shared)
	}
	own = own[len("before"):]
	var got struct {
		ID, Cursor, Type, Channel string
		Seq                       uint64
		TS                        int64
		Data                      json.RawMessage
	}
	if err := json.Unmarshal(own, &got); err != nil {
		t.Fatalf("%q: %v", own, err)
	}
	data := ev.Data
	if len(data) == 0 {
		data = []byte("null")
	}
	valid := func(s string) string {
		var b strings.Builder // as encoding/json does: a mark for every bad byte
		for _, r := range s {
			b.WriteRune(r)
		}
		return b.String()
	}
	if got.ID != valid(ev.ID) || got.Type != valid(ev.Type) || got.Channel != valid(ev.Channel) ||
		got.Seq != seq || got.TS != ev.Time || !bytes.Equal(got.Data, data) ||
		got.Cursor != (replay.Cursor{Epoch: epoch, Seq: seq}).String() {
		t.Errorf("%q is read as %+v", own, got)
	}
	if !bytes.HasSuffix(own, append([]byte(`,"data":`), append(bytes.Clone(data), '}')...)) {
		t.Errorf("%q does not end with data", own)
	}
}

// FuzzEnvelope: whatever the API admits becomes one JSON object that says the
// same. Texts may be anything here, though the API refuses some.
func FuzzEnvelope(f *testing.F) {
	f.Add("0197c0de", "backup.progress", "", []byte(`{"step":3}`), int64(1_763_596_800_000), uint64(57))
	f.Add("a\"\\\x00\xff", "\u2028<&>", "private-ü", []byte(`"\ud800"`), int64(-1), uint64(0))
	f.Add("", "\x7f", ",", []byte(""), int64(0), ^uint64(0))
	f.Add("x", "t", "c", []byte("[1,\r\n\t2]"), int64(1), uint64(1))
	f.Fuzz(func(t *testing.T, id, kind, channel string, data []byte, ts int64, seq uint64) {
		data = bytes.TrimSpace(data)
		if len(data) > 0 && (!json.Valid(data) || !utf8.Valid(data)) {
			return
		}
		checkEnvelope(t, &replay.Event{ID: id, Type: kind, Channel: channel, Data: data, Time: ts}, "k7q2", seq)
	})
}

// Connections share one encoding, and each gets its own numbers.
func TestEnvelopesAreSharedBetweenConnections(t *testing.T) {
	ev := &replay.Event{ID: "i", Type: "t", Data: []byte("1")}
	frame := &broker.Frame{Event: ev}
	var wg sync.WaitGroup
	for i := range uint64(8) {
		wg.Go(func() { // ends after 100 deliveries
			for n := range uint64(100) {
				seq := 1000*i + n
				got := appendDelivery(nil, &broker.Delivery{Seq: seq, Event: ev, Frame: frame}, "k7q2")
				if want := AppendEvent(nil, ev, "k7q2", seq); !bytes.Equal(got, want) {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
	wg.Wait()
	if testing.AllocsPerRun(100, func() { frame.Form(broker.FormNative, encode) }) != 0 {
		t.Error("it is encoded again")
	}
}
