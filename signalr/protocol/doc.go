// Package protocol is the SignalR hub protocol as bytes: framing, messages,
// the JSON and MessagePack encodings, and the handshake. It knows neither
// connections nor hubs.
//
// Everything that comes from a peer is bounded before it is believed: message
// size by the caller's limit, nesting by [MaxDepth], lengths by the bytes that
// are really there. Arguments and results stay undecoded ([Raw]) until the
// hub knows their types.
//
// Forms and error texts follow the "SignalR Hub Protocol" and "MessagePack"
// documents and, where code and document differ, ASP.NET Core's code: clients
// are written against that.
//
// Codecs have no state and are safe for concurrent use.
package protocol
