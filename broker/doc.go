// Package broker is the core: it puts events into users' logs and hands them
// to the users' connections, in one step per user.
//
// # One critical section per user
//
// Append to the log, which gives the seq, and hand-over to every connection
// happen under one lock; so do the look at the log and the join of a new
// connection. A client therefore sees from+1, from+2, … or an announced gap,
// by construction, and two publishers can never arrive swapped.
//
// A connection takes what waits with [Subscription.Next]. What waits is kept
// as references to shared frames, bounded in number and bytes; a connection
// that falls further behind gives its queue back and reads on from the log,
// page by page, until it has caught up. Replays use the same path: a replay of
// any length needs no more memory than a page.
//
// # Delivering again
//
// What [Broker.Redeliver] puts before a connection waits beside its queue, and is
// taken when the connection has passed the head that the log had then. It is
// therefore nothing to fall back to the log from, and no position.
//
// # Channels
//
// A membership is a user's, not a connection's: an event to a channel enters the log of
// every member, with a seq of that log's own, and from there on is like any other. Who
// is a member is kept in memory, in a [roster], and with a ledger as facts on disk. With
// a ledger both memberships and events go through the committer, which writes what is
// published to a channel in one commit for all members; without one, a lock for the
// channel keeps its publishers apart, so that all members see the same order.
//
// # Presence
//
// Members of channels whose names begin with presence- are told when others come and go.
// Each shard knows those of its users who are in any ([attendance]); a user's first
// connection looks into the roster for them. A change of a [seat] is noted under the lock under which
// it happens, and announced by one goroutine that is there while anything is to be
// announced, to one shard after another. What is told is no event: a [Notice] waits beside
// the queue, as the last states of each user and channel, and never makes anybody fall
// behind. The grace that hides reconnects is a list in the order of its ends, which
// [Broker.SweepPresence] looks at.
//
// # Lock order
//
//	shard.publishing → shard.mu, roster.mu
//	shard.mu → Subscription.mu → replay's own locks
//	shard.mu → deviceCursors.mu
//	shard.mu → roster.mu (a leaf)
//	shard.mu → gatherings.mu (a leaf)
//	Broker.broadcastMu (a leaf)
//	Frame.mu (a leaf: held only while a frame is encoded)
//
// Never two shards' mu at a time. Wakers are called with shard.mu held, so a Waker
// must not block and must not call back. Filters run under replay's locks.
// Nothing here does I/O or logs under a lock.
package broker
