// Package client holds three clients of the native endpoint, written for tests
// from the contract alone: Server-Sent Events with a parser that refuses whatever
// the server should not send, WebSocket with another library than the server's,
// and long polling. All of them give the same [Message]s, so that a test can
// change transport without noticing.
package client
