// Package signalr is the SignalR dialect: hubs over the byte-stream pipe of
// package transports, events from package broker.
//
// A [Hub] holds what all connections of an endpoint share: limits, timers, the
// table of methods that clients may call, who is connected and in which groups,
// and how events are shown (its profile). Package signalr/serve puts hubs of other
// programs on the web. [Hub.Open] makes the [Session] of one connection, which
// implements transports.Session:
//
//	bytes in → Receive: handshake, framing, decoding → calls wait in a queue
//	calls    → goroutines, only while there are any: as many plain calls at a time
//	           as there are slots (one), calls with streams beside them; answers
//	           wait in the session
//	Fill     → answers and control messages first, then events, each event
//	           encoded once per codec for all its receivers
//
// What stands where: calls.go the queue and the slots, room.go what a client may
// make us hold, perform.go one call,
// stream.go and upload.go streams, results.go calls of the client, clients.go and
// directory.go sending to many, lifetime.go OnConnected and OnDisconnected,
// stateful.go stateful reconnect; events.go, generic.go and bitwarden.go events.
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
// leaf: nothing is called with it held. So is directory.mu, which guards the lists
// of connections; neither is taken with the other held. stateful.fill is taken
// before Session.mu. Fields without a lock belong to Receive, which never runs
// twice at a time.
//
// Receive waits while calls or streams have no room; Interrupt, which carriers
// call when a socket is gone, lets it go.
package signalr
