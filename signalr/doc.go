// Package signalr is the SignalR dialect: hubs over the byte-stream pipe of
// package transports, events from package broker.
//
// A [Hub] holds what all connections of an endpoint share: limits, timers, the
// table of methods that clients may call, and how events are shown (its
// profile). [Hub.Open] makes the [Session] of one connection, which implements
// transports.Session:
//
//	bytes in → Receive: handshake, framing, decoding → calls wait in a queue
//	calls    → one goroutine per connection, only while there are any, runs
//	           them one after the other; answers wait in the session
//	Fill     → answers and control messages first, then events, each event
//	           encoded once per codec for all its receivers
//
// # An idle connection
//
// holds a Session, a broker subscription and nothing else: no goroutine, timer,
// channel, map or buffer. All of these come with the first need and go when it
// is over.
//
// # Order
//
// A connection joins its user's events when it is opened; what is published
// before the handshake is done waits in the broker and follows the handshake's
// answer. Answers may overtake events, events never each other. A call of
// Replay is answered behind the events that it asked for.
//
// # Concurrency
//
// Session.mu guards what Receive, Fill, Tick and running calls share. It is a
// leaf: nothing is called with it held. Fields without it belong to Receive,
// which never runs twice at a time.
package signalr
