package client

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const oneEvent = "id: e1-7\ndata: {\"id\":\"a\",\"seq\":7,\"cursor\":\"e1-7\",\"type\":\"t\",\"ts\":1,\"data\":{\ndata: }}\n\n"

func TestSSEParserReadsAnyPieces(t *testing.T) {
	stream := ":\n\nretry: 2000\n\nevent: hubline.ready\nid: e1-6\ndata: {\"type\":\"hubline.ready\",\"data\":{\"cursor\":\"e1-6\"}}\n\n" +
		oneEvent + "id: e1-9\n\n"
	stream = strings.Replace(stream, "event: hubline.ready\nid: e1-6", "id: e1-6\nevent: hubline.ready", 1)
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(stream), "bytes": iotest.OneByteReader(strings.NewReader(stream)),
	} {
		p := NewSSEParser(r)
		var kinds []Kind
		var at []string
		for {
			m, err := p.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			kinds = append(kinds, m.Kind)
			at = append(at, m.SSEID)
		}
		if diff := cmp.Diff([]Kind{Comment, Retry, Ready, Event, Move}, kinds); diff != "" {
			t.Errorf("%s: kinds (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([]string{"", "", "e1-6", "e1-7", "e1-9"}, at); diff != "" {
			t.Errorf("%s: ids (-want +got):\n%s", name, diff)
		}
	}
}

func TestSSEParserRefuses(t *testing.T) {
	for name, stream := range map[string]string{
		"a cut message":             "id: e1-7\ndata: {",
		"a message without its end": "id: e1-7\n",
		"another cursor as id":      strings.Replace(oneEvent, "id: e1-7", "id: e1-8", 1),
		"an event without id":       strings.Replace(oneEvent, "id: e1-7\n", "", 1),
		"an unknown field":          "foo: bar\n\n",
		"no space":                  "id:e1-7\n\n",
		"no colon":                  "data\n\n",
		"a carriage return":         "id: e1-7\r\n\r\n",
		"NUL":                       "id: e1\x00-7\n\n",
		"bad UTF-8":                 ": \xff\n\n",
		"two ids":                   "id: e1-7\nid: e1-7\n\n",
		"id behind data":            "data: {}\nid: e1-7\n\n",
		"a name without data":       "event: x\n\n",
		"an empty block":            "\n",
		"a control with a seq":      "event: hubline.ready\ndata: {\"type\":\"hubline.ready\",\"seq\":1,\"data\":{}}\n\n",
		"a control without a name":  "data: {\"type\":\"hubline.gap\",\"data\":{}}\n\n",
		"an unknown control":        "event: hubline.x\ndata: {\"type\":\"hubline.x\",\"data\":{}}\n\n",
	} {
		if m, err := NewSSEParser(strings.NewReader(stream)).Next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s was read as %+v", name, m)
		}
	}
}
