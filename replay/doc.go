// Package replay keeps what happened to a user while nobody was listening: one
// bounded, ordered log of events per user, in an LRU of users.
//
// # Positions
//
// Events of a log are numbered 1, 2, 3, … without holes. A number alone is not
// enough to resume from, because a log can be lost and begun anew; so a [Cursor]
// is an epoch and a seq, and the pair is never used for two events of one user.
// Whoever asks for what came after a cursor gets all of it, or is told exactly
// which seqs are missing and why ([Gap]). Nothing is ever missing in silence.
//
// # Bounds
//
// A log is bounded by count, bytes and age; a log over a bound loses its oldest
// events. An event past its own time to live is never delivered; it leaves the log
// when it has become the oldest, so that the numbering needs no holes. All logs together are bounded by users and bytes; over these the least
// recently used log goes as a whole and leaves a watermark (its epoch and head),
// so that the user's numbering continues and a later reader is told "evicted".
// Watermarks are bounded too. When one is dropped and its epoch is still being
// given to new logs, new logs get another epoch from then on.
//
// A pinned log (a user with a live connection) is never evicted. When everything
// else has been evicted and the store is still over its bytes, the log that is
// being appended to gives up its own oldest events, but never its newest. So the
// overshoot is at most one event for each log that cannot be evicted.
//
// A log that holds nothing any more, because all of its events have aged, is kept
// as a watermark unless it is pinned; it then counts for no bound but that one.
//
// With a [Backing] the store is a cache: a log that was evicted comes back when
// somebody reads it, one that is only appended to does not, and watermarks need no
// epochs of their own.
//
// What counts as use of a log, for the LRU, is an append to it alone, a read or a
// survey, and the last unpin; not [Store.State], [Store.Find],
// [Store.AppendToUnpinned] or [Store.Sweep].
//
// # Concurrency
//
// All methods of [Store] and [Log] may be called concurrently. Users are spread
// over shards with one mutex each. Lock order: Store.shrinkMu, then shard.mu, then
// watermarks.mu; never two shards at a time. A filter passed to a survey runs
// under the shard's mutex: it must be quick and must not call the store. An
// [Event] is shared by readers and logs and must not change after it was appended.
package replay
