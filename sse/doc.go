// Package sse is the Server-Sent Events carrier (HTML Living Standard, section
// 9.2): a response that does not end, one event per message.
//
// Over HTTP/1.1 the socket is taken over after the headers, so an idle stream
// is one small goroutine that waits for the client to go. Over HTTP/2, and
// wherever the socket cannot be had, the request's own goroutine writes.
package sse
