// Package transports is the connection as a byte-stream pipe: what the three
// carriers (WebSocket, Server-Sent Events, long polling) and the dialects
// (SignalR hubs, native JSON) have in common, and nothing of either.
//
// A dialect implements [Session] and is handed a [Conn]. A carrier moves bytes.
// Neither knows the other:
//
//	dialect:  has something to send        → conn.Wake()
//	carrier:  can write                    → session.Fill(batch), one write
//	carrier:  got bytes from the client    → session.Receive(bytes, end)
//	dialect:  wants to end                 → queues its farewell, conn.Close(reason)
//	sweeper:  about once a second if due   → session.Tick(now)
//	carrier:  the connection is over       → session.Closed(reason)
//
// Messages are pulled, not pushed: a session keeps what waits in its own form
// (shared, encoded once) and lays it into the batch when the carrier can write,
// so that all that waits leaves in one system call and a stalled reader costs
// no bytes here.
//
// # Concurrency properties
//
// Wake, Close and Abort never block and may be called from any goroutine, also
// with the caller's locks held: they take no lock that is held while a Session
// method runs. For one connection Fill is never called twice at the same time,
// nor is Receive, nor is Tick; but Fill, Receive and Tick run at the same time
// as each other. Closed is called exactly once, when no Receive is running and
// none will come; a Fill or Tick may still be running, and must be harmless
// after it.
package transports
