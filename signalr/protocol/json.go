package protocol

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// jsonCodec is the "json" protocol: UTF-8 text, each message an object that
// ends with a record separator.
type jsonCodec struct{}

func (jsonCodec) Name() string { return "json" }
func (jsonCodec) Binary() bool { return false }

var jsonPing = []byte("{\"type\":6}\x1e")

func (jsonCodec) Ping() []byte { return jsonPing }

func (jsonCodec) Next(buf []byte, limit int) (body []byte, n int, err error) {
	i := bytes.IndexByte(buf, recordSeparator)
	size := i + 1
	if i < 0 {
		size = len(buf)
	}
	if limit > 0 && size > limit {
		return nil, 0, &TooLargeError{Limit: limit}
	}
	if i < 0 {
		return nil, 0, nil
	}
	return buf[:i], i + 1, nil
}

// properties holds the text of a message's properties, so that their order
// does not matter: clients write the type last. Nil means absent.
type properties struct {
	typ, invocationID, target, arguments, streamIDs, headers []byte
	item, result, error, allowReconnect, sequenceID          []byte
}

// slot returns where the property of the given name is kept, nil if it is of
// no interest. Names are case-sensitive.
func (p *properties) slot(name []byte) *[]byte {
	switch string(name) {
	case "type":
		return &p.typ
	case "invocationId":
		return &p.invocationID
	case "target":
		return &p.target
	case "arguments":
		return &p.arguments
	case "streamIds":
		return &p.streamIDs
	case "headers":
		return &p.headers
	case "item":
		return &p.item
	case "result":
		return &p.result
	case "error":
		return &p.error
	case "allowReconnect":
		return &p.allowReconnect
	case "sequenceId":
		return &p.sequenceID
	}
	return nil
}

// eachProperty calls f for every property of the JSON object in b, which must
// be all that b holds. f may be called before an error is found.
func eachProperty(b []byte, f func(name, value []byte)) error {
	if !utf8.Valid(b) {
		return errJSON
	}
	i := skipSpace(b, 0)
	if i == len(b) {
		return errJSON
	}
	if b[i] != '{' {
		if end := skipValue(b, i, MaxDepth); end < 0 || skipSpace(b, end) != len(b) {
			return errJSON
		}
		return parseErrorf("Unexpected JSON Token Type '%s'. Expected a JSON Object.", tokenName(b[i]))
	}
	i = skipSpace(b, i+1)
	done := i < len(b) && b[i] == '}'
	if done {
		i++
	}
	for !done {
		keyEnd, value := skipKey(b, i)
		if keyEnd < 0 {
			return errJSON
		}
		end := skipValue(b, value, MaxDepth-1)
		if end < 0 {
			return errJSON
		}
		name := b[i+1 : keyEnd-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			name = appendUnquoted(nil, b[i:keyEnd])
		}
		f(name, b[value:end:end])
		if i, done = skipComma(b, end, '}'); i < 0 {
			return errJSON
		}
	}
	if skipSpace(b, i) != len(b) {
		return errJSON
	}
	return nil
}

// tokenName is .NET's name of the token that starts with c.
func tokenName(c byte) string {
	switch c {
	case '{':
		return "Object"
	case '[':
		return "Array"
	case '"':
		return "String"
	case 't':
		return "True"
	case 'f':
		return "False"
	case 'n':
		return "Null"
	}
	return "Number"
}

func (jsonCodec) Decode(body []byte, m *Message) error {
	m.reset()
	var p properties
	err := eachProperty(body, func(name, value []byte) {
		if s := p.slot(name); s != nil {
			*s = value
		}
	})
	if err != nil {
		return err
	}
	if p.typ == nil {
		return errMissing("type")
	}
	t, err := jsonInt(p.typ, 32)
	if err != nil {
		return errKind("type", "Number")
	}
	m.Type = Type(t) //nolint:gosec // parsed as 32 bits
	return p.decode(m)
}

// decode fills m, whose type is set, from the properties that its type has.
func (p *properties) decode(m *Message) (err error) {
	switch m.Type {
	case TypeInvocation, TypeStreamInvocation:
		err = p.invocation(m)
	case TypeStreamItem:
		if err = p.id(m); err == nil && p.item == nil {
			err = errMissing("item")
		}
		m.Item = p.item
	case TypeCompletion:
		if err = p.id(m); err == nil && p.error != nil {
			m.Error, err = jsonString(p.error, "error")
		}
		if err == nil && p.error != nil && p.result != nil {
			err = &ParseError{Text: "The 'error' and 'result' properties are mutually exclusive."}
		}
		m.Result, m.HasResult = p.result, p.result != nil
	case TypeCancelInvocation:
		err = p.id(m)
	case TypeClose:
		err = p.close(m)
	case TypeAck, TypeSequence:
		if p.sequenceID == nil {
			return errMissing("sequenceId")
		}
		if m.SequenceID, err = jsonInt(p.sequenceID, 64); err != nil {
			err = errKind("sequenceId", "Number")
		}
	}
	if err == nil && p.headers != nil && m.Type.Counted() {
		m.Headers, err = jsonHeaders(p.headers)
	}
	return err
}

// id reads the invocation id that most messages must have.
func (p *properties) id(m *Message) (err error) {
	if p.invocationID == nil {
		return errMissing("invocationId")
	}
	m.InvocationID, err = jsonString(p.invocationID, "invocationId")
	if err == nil && m.InvocationID == "" {
		err = errMissing("invocationId")
	}
	return err
}

func (p *properties) invocation(m *Message) (err error) {
	if m.Type == TypeStreamInvocation {
		err = p.id(m)
	} else if p.invocationID != nil {
		m.InvocationID, err = jsonString(p.invocationID, "invocationId")
	}
	if err != nil {
		return err
	}
	if p.target == nil {
		return errMissing("target")
	}
	if m.Target, err = jsonString(p.target, "target"); err != nil {
		return err
	}
	if m.Target == "" {
		return errMissing("target")
	}
	if p.arguments == nil {
		return errMissing("arguments")
	}
	if p.arguments[0] != '[' {
		return errKind("arguments", "Array")
	}
	eachElement(p.arguments, func(v []byte) { m.Arguments = append(m.Arguments, v) })
	if p.streamIDs == nil {
		return nil
	}
	if p.streamIDs[0] != '[' {
		return errKind("streamIds", "Array")
	}
	eachElement(p.streamIDs, func(v []byte) {
		var id string
		if err == nil {
			id, err = jsonString(v, "streamIds")
			m.StreamIDs = append(m.StreamIDs, id)
		}
	})
	return err
}

func (p *properties) close(m *Message) (err error) {
	if p.error != nil {
		if m.Error, err = jsonString(p.error, "error"); err != nil {
			return err
		}
	}
	switch {
	case p.allowReconnect == nil:
	case p.allowReconnect[0] == 't':
		m.AllowReconnect = true
	case p.allowReconnect[0] != 'f':
		return &ParseError{Text: "Expected 'allowReconnect' to be true or false."}
	}
	return nil
}

// eachElement calls f for every element of a valid JSON array.
func eachElement(b []byte, f func(value []byte)) {
	for i := skipSpace(b, 1); b[i] != ']'; {
		end := skipValue(b, i, MaxDepth)
		f(b[i:end:end])
		next, done := skipComma(b, end, ']')
		if done {
			return
		}
		i = next
	}
}

func jsonString(v []byte, property string) (string, error) {
	if v[0] != '"' {
		return "", errKind(property, "String")
	}
	return unquote(v), nil
}

func jsonInt(v []byte, bits int) (int64, error) {
	return strconv.ParseInt(string(v), 10, bits)
}

func jsonHeaders(v []byte) (map[string]string, error) {
	if v[0] != '{' {
		return nil, errKind("headers", "Object")
	}
	var headers map[string]string
	var bad error
	err := eachProperty(v, func(name, value []byte) {
		if value[0] != '"' {
			if bad == nil {
				bad = parseErrorf("Expected header '%s' to be of type String.", name)
			}
			return
		}
		if headers == nil {
			headers = make(map[string]string)
		}
		headers[string(name)] = unquote(value)
	})
	if err == nil {
		err = bad
	}
	return headers, err
}

func (jsonCodec) Unmarshal(raw Raw, v any) error { return json.Unmarshal(raw, v) }

func (jsonCodec) Marshal(v any) (Raw, error) {
	if raw, ok := v.(json.RawMessage); ok && raw != nil {
		return Raw(raw), nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func (jsonCodec) AppendJSON(dst, value []byte) ([]byte, error) { return append(dst, value...), nil }
