package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hubline/api/auth"
	"hubline/replay"
)

var someTime = time.Date(2026, 11, 21, 10, 15, 0, 123_456_789, time.UTC)

func decodeEvent(body []byte) (*replay.Event, error) {
	f, err := scanEvent(body)
	if err != nil {
		return nil, err
	}
	return f.event(someTime)
}

func TestDecodeEvent(t *testing.T) {
	ms := someTime.UnixMilli()
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, tt := range map[string]struct {
		body string
		want replay.Event
	}{
		"least":             {`{"type":"a"}`, replay.Event{Type: "a"}},
		"all":               {` { "type" : "a", "data" : { "n" : 1 } , "id":"i","arguments":[1, 2],"device":"d","ttlSeconds":1.5,"contextId":"c" } `, replay.Event{Type: "a", Data: []byte(`{ "n" : 1 }`), ID: "i", IDGiven: true, Arguments: []byte(`[1, 2]`), Device: "d", Expires: ms + 1500, ContextID: "c"}},
		"but one device":    {`{"type":"a","exceptDevice":"d"}`, replay.Event{Type: "a", ExceptDevice: "d"}},
		"nulls are absent":  {`{"type":"a","data":null,"id":null,"arguments":null,"device":null,"exceptDevice":null,"ttlSeconds":null,"contextId":null}`, replay.Event{Type: "a", Data: []byte("null")}},
		"empties":           {`{"type":"a","data":"","id":"","arguments":[],"device":"","exceptDevice":"","contextId":""}`, replay.Event{Type: "a", Data: []byte(`""`), Arguments: []byte("[]")}},
		"number as type":    {`{"type":11}`, replay.Event{Type: "11"}},
		"escapes":           {`{"\u0074ype":"\u00e9\ud83d\ude00\"\\\/","id":"\u0041"}`, replay.Event{Type: `é😀"\/`, ID: "A", IDGiven: true}},
		"names are exact":   {`{"Type":"b","type":"a","TYPE":"c","ID":"x","type ":"d"}`, replay.Event{Type: "a"}},
		"the last counts":   {`{"type":"a","type":"b","data":1,"data":2,"id":"x","id":null,"device":"d","device":"","exceptDevice":"e"}`, replay.Event{Type: "b", Data: []byte("2"), ExceptDevice: "e"}},
		"a wrong one first": {`{"type":7.5,"ttlSeconds":"x","type":"a","ttlSeconds":1}`, replay.Event{Type: "a", Expires: ms + 1000}},
		"unknown members":   {`{"x":{"type":"no"},"type":"a","y":[{}]}`, replay.Event{Type: "a"}},
		"data byte for byte": {
			`{"type":"a","data":[1.0,-0,1E400,"\u0000\/<` + "\u2028" + `"]}`,
			replay.Event{Type: "a", Data: []byte(`[1.0,-0,1E400,"\u0000\/<` + "\u2028" + `"]`)},
		},
		"line ends in data":  {"{\"type\":\"a\",\"data\":{\r\n\"n\":\n1}}", replay.Event{Type: "a", Data: []byte("{\r\n\"n\":\n1}")}},
		"shortest life":      {`{"type":"a","ttlSeconds":1e-9}`, replay.Event{Type: "a", Expires: ms + 1}},
		"longest life":       {`{"type":"a","ttlSeconds":31622400}`, replay.Event{Type: "a", Expires: ms + 31622400_000}},
		"longest type":       {`{"type":"` + long(128) + `"}`, replay.Event{Type: long(128)}},
		"longest type, esc.": {`{"type":"` + strings.Repeat(`\u0078`, 128) + `"}`, replay.Event{Type: long(128)}},
		"longest texts": {
			`{"type":"a","id":"` + long(256) + `","device":"` + long(auth.MaxDeviceBytes) + `","contextId":"` + long(256) + `"}`,
			replay.Event{Type: "a", ID: long(256), IDGiven: true, Device: long(auth.MaxDeviceBytes), ContextID: long(256)},
		},
		"not quite reserved": {`{"type":"hubline"}`, replay.Event{Type: "hubline"}},
		"deepest":            {`{"type":"a","data":` + strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1) + `}`, replay.Event{Type: "a", Data: []byte(strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1))}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeEvent([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Time = ms
			ignore := cmp.Options{}
			if !tt.want.IDGiven {
				if len(got.ID) != 36 {
					t.Errorf("id = %q", got.ID)
				}
				ignore = append(ignore, cmpopts.IgnoreFields(replay.Event{}, "ID"))
			}
			if diff := cmp.Diff(&tt.want, got, ignore...); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeEventErrors(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, tt := range map[string]struct{ body, want string }{
		"empty":             {``, "ends too early at byte 0"},
		"array":             {`[]`, "must be a JSON object"},
		"null":              {`null`, "must be a JSON object"},
		"text":              {`"a"`, "must be a JSON object"},
		"two":               {`{"type":"a"} {}`, "something follows the value at byte 13"},
		"cut":               {`{"type":"a"`, "ends too early at byte 11"},
		"comma":             {`{"type":"a",}`, "no name in quotes at byte 12"},
		"not UTF-8":         {"{\"type\":\"a\xff\"}", "no valid UTF-8 at byte 10"},
		"not UTF-8 in data": {"{\"type\":\"a\",\"data\":\"\xc3\"}", "no valid UTF-8"},
		"too deep":          {`{"type":"a","data":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`, "nested too deeply at byte 81"},
		"no type":           {`{}`, `"type" is missing`},
		"null type":         {`{"type":null}`, `"type" is missing`},
		"empty type":        {`{"type":""}`, `"type" is missing`},
		"type true":         {`{"type":true}`, `"type" must be`},
		"type object":       {`{"type":{}}`, `"type" must be`},
		"type fraction":     {`{"type":1.5}`, `"type" must be`},
		"type negative":     {`{"type":-1}`, `"type" must be`},
		"type exponent":     {`{"type":1e3}`, `"type" must be`},
		"type too long":     {`{"type":"` + long(129) + `"}`, `"type" must be`},
		"type far too long": {`{"type":"` + long(5000) + `"}`, `"type" must be`},
		"number too long":   {`{"type":` + strings.Repeat("1", 129) + `}`, `"type" must be`},
		"NUL in type":       {`{"type":"a\u0000"}`, `"type" must be`},
		"newline in type":   {`{"type":"a\n"}`, `"type" must be`},
		"C1 in type":        {`{"type":"a\u0085"}`, `"type" must be`},
		"separator in type": {`{"type":"a\u2028"}`, `"type" must be`},
		"half a pair":       {`{"type":"a\ud800"}`, `"type" must be`},
		"reserved":          {`{"type":"hubline.ready"}`, "reserved"},
		"reserved, escaped": {`{"type":"hubline\u002eready"}`, "reserved"},
		"ping":              {`{"type":"ping"}`, "reserved"},
		"pong":              {`{"type":"pong"}`, "reserved"},
		"id a number":       {`{"type":"a","id":7}`, `"id" must be`},
		"id too long":       {`{"type":"a","id":"` + long(257) + `"}`, `"id" must be`},
		"id with tab":       {`{"type":"a","id":"\t"}`, `"id" must be`},
		"device too long":   {`{"type":"a","device":"` + long(auth.MaxDeviceBytes+1) + `"}`, `"device" must be`},
		"device a list":     {`{"type":"a","exceptDevice":[]}`, `"exceptDevice" must be`},
		"both devices":      {`{"type":"a","device":"d","exceptDevice":"e"}`, "exclude each other"},
		"context too long":  {`{"type":"a","contextId":"` + long(257) + `"}`, `"contextId" must be`},
		"arguments object":  {`{"type":"a","arguments":{}}`, `"arguments" must be an array`},
		"arguments text":    {`{"type":"a","arguments":"[]"}`, `"arguments" must be an array`},
		"ttl text":          {`{"type":"a","ttlSeconds":"1"}`, `"ttlSeconds" must be`},
		"ttl zero":          {`{"type":"a","ttlSeconds":0}`, `"ttlSeconds" must be`},
		"ttl negative":      {`{"type":"a","ttlSeconds":-1}`, `"ttlSeconds" must be`},
		"ttl too long":      {`{"type":"a","ttlSeconds":31622401}`, `"ttlSeconds" must be`},
		"ttl beyond float":  {`{"type":"a","ttlSeconds":1e999}`, `"ttlSeconds" must be`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decodeEvent([]byte(tt.body))
			if err == nil {
				t.Fatal("accepted")
			}
			p := asProblem(err)
			if p.Status != 400 || !strings.Contains(p.Detail, tt.want) {
				t.Errorf("problem %+v, want %q", p, tt.want)
			}
		})
	}
}

// TestEventKeepsNothingOfTheRequest overwrites the request's memory and looks
// whether the event changes with it.
func TestEventKeepsNothingOfTheRequest(t *testing.T) {
	body := []byte(`{"type":"kind","data":{"n":1},"id":"given","arguments":[1],"device":"d","contextId":"c"}`)
	got, err := decodeEvent(body)
	if err != nil {
		t.Fatal(err)
	}
	want := *got
	want.Type, want.ID, want.Device, want.ContextID = "kind", "given", "d", "c"
	want.Data, want.Arguments = []byte(`{"n":1}`), []byte(`[1]`)
	clear(body)
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if &got.Data[0] != &bytes.TrimSuffix(got.Data, nil)[0] || cap(got.Data) != len(got.Data) {
		t.Error("appending to the data would write into the arguments")
	}
}

func TestEventTakesThreeAllocations(t *testing.T) {
	body := []byte(sampleBody)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := decodeEvent(body); err != nil {
			t.Fatal(err)
		}
	}); n > 3 {
		t.Errorf("%v allocations", n)
	}
	if size := unsafe.Sizeof(eventFields{}); size > 256 {
		t.Errorf("eventFields has %d bytes", size)
	}
}

// FuzzDecodeEvent compares with encoding/json: a body is taken only if that
// takes it too, with the same data.
func FuzzDecodeEvent(f *testing.F) {
	for _, s := range []string{
		sampleBody, `{"type":"a"}`, `{"type":7,"arguments":[1],"data":null}`, `{"type":"a","id":"\u0041","ttlSeconds":0.5,"device":"d","contextId":null}`,
		`{"type":"a","type":"b"}`, `[]`, "{\"type\":\"\xff\"}", `{"type":"hubline.x"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		ev, err := decodeEvent(body)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			if p := asProblem(err); p.Status != 400 || p.Detail == "" {
				t.Fatalf("%+v", p)
			}
			return
		}
		var std map[string]json.RawMessage
		if err := json.Unmarshal(body, &std); err != nil {
			t.Fatalf("encoding/json refuses: %v", err)
		}
		if !bytes.Equal(std["data"], ev.Data) || std["data"] == nil != (ev.Data == nil) {
			t.Fatalf("data = %s, want %s", ev.Data, std["data"])
		}
		var kind string
		if json.Unmarshal(std["type"], &kind) == nil && kind != ev.Type {
			t.Fatalf("type = %q, want %q", ev.Type, kind)
		}
		if !auth.Usable(ev.Type, maxTypeBytes) || !auth.Usable(ev.ID, maxIDBytes) || ev.Expires < 0 || ev.Device != "" && ev.ExceptDevice != "" {
			t.Fatalf("%+v", ev)
		}
	})
}
