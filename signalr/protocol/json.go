package protocol

import "bytes"

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

func (jsonCodec) Marshal(v any, n Naming) (Raw, error) { return marshal(v, false, n) }

func (jsonCodec) Unmarshal(raw Raw, v any, n Naming) error { return unmarshal(raw, v, false, n) }

func (jsonCodec) AppendJSON(dst, value []byte) ([]byte, error) { return append(dst, value...), nil }
