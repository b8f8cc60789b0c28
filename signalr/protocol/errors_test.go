package protocol

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestDecodeErrors(t *testing.T) {
	const bad = "Error reading JSON."
	tests := []struct{ in, want string }{
		{``, bad},
		{` `, bad},
		{`{`, bad},
		{`{"type":6`, bad},
		{`{"type":6}x`, bad},
		{`{"type":6,}`, bad},
		{`{"type":06}`, bad},
		{`{type:6}`, bad},
		{`{"type":6,"x":"` + "\x01" + `"}`, bad},
		{`{"type":6,"x":"\q"}`, bad},
		{`{"type":6,"x":"\u12g4"}`, bad},
		{`{"type":6,"x":1.}`, bad},
		{`{"type":6,"x":-}`, bad},
		{`{"type":6,"x":1e}`, bad},
		{`{"type":6,"x":nul}`, bad},
		{"{\"type\":6,\"x\":\"\xff\"}", bad},
		{`{"type":6,"x":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`, bad},
		{`[]`, `Unexpected JSON Token Type 'Array'. Expected a JSON Object.`},
		{`"a"`, `Unexpected JSON Token Type 'String'. Expected a JSON Object.`},
		{`null`, `Unexpected JSON Token Type 'Null'. Expected a JSON Object.`},
		{`5`, `Unexpected JSON Token Type 'Number'. Expected a JSON Object.`},
		{`{}`, `Missing required property 'type'.`},
		{`{"type":null}`, `Expected 'type' to be of type Number.`},
		{`{"type":"6"}`, `Expected 'type' to be of type Number.`},
		{`{"type":1.5}`, `Expected 'type' to be of type Number.`},
		{`{"type":99999999999}`, `Expected 'type' to be of type Number.`},
		{`{"type":1,"arguments":[]}`, `Missing required property 'target'.`},
		{`{"type":1,"target":"","arguments":[]}`, `Missing required property 'target'.`},
		{`{"type":1,"target":5,"arguments":[]}`, `Expected 'target' to be of type String.`},
		{`{"type":1,"target":"t"}`, `Missing required property 'arguments'.`},
		{`{"type":1,"target":"t","arguments":{}}`, `Expected 'arguments' to be of type Array.`},
		{`{"type":1,"target":"t","arguments":[],"invocationId":null}`, `Expected 'invocationId' to be of type String.`},
		{`{"type":1,"target":"t","arguments":[],"invocationId":1}`, `Expected 'invocationId' to be of type String.`},
		{`{"type":1,"target":"t","arguments":[],"streamIds":"1"}`, `Expected 'streamIds' to be of type Array.`},
		{`{"type":1,"target":"t","arguments":[],"streamIds":[1]}`, `Expected 'streamIds' to be of type String.`},
		{`{"type":1,"target":"t","arguments":[],"headers":[]}`, `Expected 'headers' to be of type Object.`},
		{`{"type":1,"target":"t","arguments":[],"headers":{"h":1}}`, `Expected header 'h' to be of type String.`},
		{`{"type":2,"item":1}`, `Missing required property 'invocationId'.`},
		{`{"type":2,"invocationId":"1"}`, `Missing required property 'item'.`},
		{`{"type":3}`, `Missing required property 'invocationId'.`},
		{`{"type":3,"invocationId":""}`, `Missing required property 'invocationId'.`},
		{`{"type":3,"invocationId":"1","error":5}`, `Expected 'error' to be of type String.`},
		{`{"type":3,"invocationId":"1","error":"e","result":null}`, `The 'error' and 'result' properties are mutually exclusive.`},
		{`{"type":4,"target":"t","arguments":[]}`, `Missing required property 'invocationId'.`},
		{`{"type":5}`, `Missing required property 'invocationId'.`},
		{`{"type":7,"allowReconnect":1}`, `Expected 'allowReconnect' to be true or false.`},
		{`{"type":7,"error":null}`, `Expected 'error' to be of type String.`},
		{`{"type":8}`, `Missing required property 'sequenceId'.`},
		{`{"type":9,"sequenceId":"1"}`, `Expected 'sequenceId' to be of type Number.`},
	}
	for _, tt := range tests {
		checkError(t, JSON, []byte(tt.in), tt.want)
	}
}

func TestDecodeErrorsMessagePack(t *testing.T) {
	deep := strings.Repeat("91", MaxDepth) + "c0"
	tests := []struct{ in, want string }{
		{"", "Reading array length for 'message' failed."},
		{"06", "Reading array length for 'message' failed."},
		{"dc00", "Reading array length for 'message' failed."},
		{"dd7fffffff06", "Reading array length for 'message' failed."},
		{"90", "Reading 'messageType' as Int32 failed."},
		{"91", "Reading 'messageType' as Int32 failed."},
		{"91c0", "Reading 'messageType' as Int32 failed."},
		{"91a131", "Reading 'messageType' as Int32 failed."},
		{"91cfffffffffffffffff", "Reading 'messageType' as Int32 failed."},
		{"9101", "Reading map length for 'headers' failed."},
		{"9601c0", "Reading map length for 'headers' failed."},
		{"960181c0a131", "Null or empty key in header."},
		{"960181a161a0", "Null or empty value in header."},
		{"960181a16101", "Reading 'headers' as String failed."},
		{"9601df7fffffff", "Reading map length for 'headers' failed."},
		{"960180", "Reading 'invocationId' as String failed."},
		{"96018005", "Reading 'invocationId' as String failed."},
		{"960180a1ff", "Reading 'invocationId' as String failed."},
		{"960180a5", "Reading 'invocationId' as String failed."},
		{"960180c0c0", "Null or empty target for Invocation message."},
		{"960480a131c0", "Null or empty target for StreamInvocation message."},
		{"960180c0a174", "Reading array length for 'arguments' failed."},
		{"940180c0a17490", "Reading array length for 'arguments' failed."},
		{"960180c0a174c0", "Reading array length for 'arguments' failed."},
		{"960180c0a17491", "Deserializing object for 'argument' failed."},
		{"960180c0a17491c1", "Deserializing object for 'argument' failed."},
		{"960180c0a17491" + deep, "Deserializing object for 'argument' failed."},
		{"960180c0a17491dbffffffff", "Deserializing object for 'argument' failed."},
		{"960180c0a17491c67fffffff00", "Deserializing object for 'argument' failed."},
		{"960180c0a17491dd7fffffff00", "Deserializing object for 'argument' failed."},
		{"960180c0a174dd7fffffff00", "Reading array length for 'arguments' failed."},
		{"960180c0a17490", "Reading array length for 'streamIds' failed."},
		{"960180c0a17490c0", "Reading array length for 'streamIds' failed."},
		{"960180c0a1749091a0", "Null or empty value in streamIds received."},
		{"940280c0c0", "Null or empty invocation ID for StreamItem message."},
		{"930280a131", "Deserializing object for 'item' failed."},
		{"930280a13101", "Deserializing object for 'item' failed."},
		{"940380a0", "Null or empty invocation ID for Completion message."},
		{"930380a131", "Reading 'resultKind' as Int32 failed."},
		{"940380a13104", "Invalid invocation result kind."},
		{"950380a1310105", "Reading 'error' as String failed."},
		{"940380a13103", "Deserializing object for 'argument' failed."},
		{"960480c0a17490", "Null or empty invocation ID for StreamInvocation message."},
		{"930580c0", "Null or empty invocation ID for CancelInvocation message."},
		{"9107", "Reading 'error' as String failed."},
		{"9307c0c0", "Reading 'allowReconnect' as Boolean failed."},
		{"9307c0", "Reading 'allowReconnect' as Boolean failed."},
		{"9108", "Reading 'sequenceId' as Int64 failed."},
		{"9208cb3ff0000000000000", "Reading 'sequenceId' as Int64 failed."},
	}
	for _, tt := range tests {
		checkError(t, MessagePack, unhex(t, tt.in), tt.want)
	}
}

func checkError(t *testing.T, c Codec, in []byte, want string) {
	t.Helper()
	err := c.Decode(in, &Message{})
	if _, ok := errors.AsType[*ParseError](err); !ok || err.Error() != want {
		t.Errorf("%s: Decode(%.60q) = %v, want %s", c.Name(), in, err, want)
	}
}

func TestNestingUpToTheLimitIsAccepted(t *testing.T) {
	n := MaxDepth - 2 // the message and its argument list
	in := fmt.Sprintf(`{"type":1,"target":"t","arguments":[%s%s]}`, strings.Repeat("[", n), strings.Repeat("]", n))
	if err := JSON.Decode([]byte(in), &Message{}); err != nil {
		t.Error(err)
	}
	packed := unhex(t, "950180c0a17491"+strings.Repeat("91", n-1)+"90")
	if err := MessagePack.Decode(packed, &Message{}); err != nil {
		t.Error(err)
	}
}

func TestFraming(t *testing.T) {
	const tooLarge = "The maximum message size of 8B was exceeded. The message size can be configured in AddHubOptions."
	tests := []struct {
		c        Codec
		in, body string
		n        int
		err      string
	}{
		{JSON, "", "", 0, ""},
		{JSON, "1234567", "", 0, ""},
		{JSON, "12345678", "", 0, ""},
		{JSON, "123456789", "", 0, tooLarge},
		{JSON, "1234567\x1e", "1234567", 8, ""},
		{JSON, "1234567\x1e8901234567890", "1234567", 8, ""}, // together they may be more
		{JSON, "12345678\x1e", "", 0, tooLarge},
		{JSON, "\x1e", "", 1, ""},
		{MessagePack, "", "", 0, ""},
		{MessagePack, "\x00", "", 1, ""},
		{MessagePack, "\x02a", "", 0, ""},
		{MessagePack, "\x02ab", "ab", 3, ""},
		{MessagePack, "\x07abcdefghi", "abcdefg", 8, ""},
		{MessagePack, "\x08", "", 0, tooLarge}, // known before it is collected
		{MessagePack, "\x82\x00ab", "ab", 4, ""},
		{MessagePack, "\x80", "", 0, ""},
		{MessagePack, "\x80\x80\x80\x80", "", 0, ""},
		{MessagePack, "\xff\xff\xff\xff\x07", "", 0, tooLarge},
		{MessagePack, "\xff\xff\xff\xff\x08", "", 0, "Messages over 2GB in size are not supported."},
		{MessagePack, "\x80\x80\x80\x80\x80\x00", "", 0, "Messages over 2GB in size are not supported."},
	}
	for _, tt := range tests {
		body, n, err := tt.c.Next([]byte(tt.in), 8)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if string(body) != tt.body || n != tt.n || text != tt.err {
			t.Errorf("%s: Next(%q) = %q, %d, %v; want %q, %d, %s", tt.c.Name(), tt.in, body, n, err, tt.body, tt.n, tt.err)
		}
	}
	if _, n, err := MessagePack.Next([]byte("\xff\xff\xff\xff\x07"), 0); n != 0 || err != nil {
		t.Errorf("without a limit 2 GB is a valid length: %v", err)
	}
}
