// Package protocol is the SignalR hub protocol as bytes: framing, messages,
// the JSON and MessagePack encodings, and the handshake. It knows neither
// connections nor hubs.
//
// Everything that comes from a peer is bounded before it is believed: message
// size by the caller's limit, nesting by [MaxDepth], lengths by the bytes that
// are really there. Arguments and results stay undecoded ([Raw]) until the
// hub knows their types.
//
// # Values
//
// [Codec.Marshal] and [Codec.Unmarshal] translate between Go types and both
// encodings. JSON is what encoding/json writes without its escapes for HTML,
// with the same tags, promotion of embedded fields, omitempty, omitzero and
// string. MessagePack follows the same rules; a msgpack tag replaces the json
// tag of its field, and the options as_array, alias and noinline of
// vmihailenco/msgpack are known. [Naming] is about untagged fields only.
//
//	Go                     JSON                     MessagePack
//	integers               number                   integer, shortest form
//	float32, float64       number, not NaN or ±Inf  float 32, float 64
//	[]byte                 base64, null if nil      bin, nil if nil
//	[N]byte                array of numbers         bin
//	time.Time              RFC 3339                 timestamp (extension -1)
//	time.Duration          nanoseconds, a number    nanoseconds, an integer
//	map                    object, sorted           map, sorted; integer keys as integers
//	json.RawMessage        as it is, compacted      transcoded
//	json.Number            number                   integer or float 64
//	json.Marshaler         what it says             that, transcoded
//	encoding.TextMarshaler string                   string
//	msgpack.Marshaler      like any other type      what it says
//
// encoding.BinaryMarshaler is ignored: an id reads the same in both encodings.
//
// Reading is lenient where nothing is lost: numbers of any form for any number
// that can hold them, integers for floats, 1.0 for 1, arrays of numbers for
// []byte, ISO 8601 without a zone (taken for UTC), text for timestamps, .NET's
// DateTimeOffset pairs. JSON names are matched without regard to case,
// MessagePack names as they are or, under [NamesCamelCase], as Go declares
// them. Unknown names are passed over. Null gives the zero value, save for
// types with UnmarshalJSON, which decide themselves. Numbers that do not fit,
// strings for numbers, and MessagePack strings that are not UTF-8 are errors.
//
// An any gets from JSON what encoding/json gives; from MessagePack int64, or
// uint64 beyond it, float64, string, []byte, time.Time, []any, map[string]any.
// What it held before is replaced.
//
// Forms and error texts follow the "SignalR Hub Protocol" and "MessagePack"
// documents and, where code and document differ, ASP.NET Core's code: clients
// are written against that.
//
// Codecs have no state and are safe for concurrent use.
package protocol
