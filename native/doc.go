// Package native is Hubline's own dialect: JSON envelopes and control messages
// over WebSocket, Server-Sent Events and long polling, with the same cursor on
// each of them.
package native
