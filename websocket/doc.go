// Package websocket is the WebSocket carrier (RFC 6455): the upgrade and the
// reading half by gorilla/websocket, the writing half by the shared writers of
// package transports, which put all that waits for a connection into one
// system call.
//
// The HTTP handler returns after the upgrade, which gives back the request,
// its buffers and its large stack; a fresh goroutine reads. An idle connection
// is that goroutine and a small read buffer.
package websocket
