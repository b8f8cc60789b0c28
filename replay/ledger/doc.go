// Package ledger gives the records of a [journal.Journal] their meaning: events
// of users, what devices have received, what publishers have sent under which key.
// It is the [replay.Backing] that makes a replay.Store a cache in front of the disk.
//
// # What lies where
//
// A directory holds journal/, the log, which is the truth, and state.db, a table
// that spares reading the log: where each user's log stands, the cursors of
// devices, idempotency keys, and facts: who is in which channel, what is revoked. Events are in the log alone. Each names the one
// before it of the same user, so a user's log is a chain that is followed from its
// newest event to older ones ([Ledger.Load]).
//
// The table is behind the log. What was written since is in memory, in an overlay,
// until a checkpoint moves it into the table in one transaction together with the
// index up to which the log is contained in it. So memory is bounded by what
// changes between two checkpoints, not by how many users there are.
//
// # Facts
//
// Facts hold until others are said, and the log forgets. Before [Ledger.Retain] drops the
// records that said a fact last, all facts that hold are said again: by
// [Ledger.RestateFacts], which the goroutine that writes calls, for it alone knows the
// order of changes. So the log alone has them, from an index on that is kept. What
// Retain may drop ends before that index until they have been said again; they are once
// in the time in which the log is renewed as a whole.
//
// # Opening
//
// [Open] reads the log from its beginning, for its checksums, and applies what lies
// behind the checkpoint. It takes as long as what is retained takes to read.
//
// # Epochs
//
// A user's head goes on from where it stood, in the epoch that it had. When that
// cannot be promised, the epoch is another from then on, and every reader is told:
//
//   - A record is damaged that belonged to a user's events, or to a broadcast that
//     the user got: that user's epoch changes. Who it was is known from the later
//     event that names the record, or from the table.
//   - It cannot be told whose a record was, because it lies behind the checkpoint
//     and nothing names it; or the table is lost, or the log ends before the place
//     that the table knows: everybody's epoch changes.
//   - A row of the table is damaged: the epoch of that user changes, and that of new
//     users, for the name in it may have been another.
//   - A user who is forgotten, long after the last of the events is gone, comes back
//     as a new one: new users are given another epoch from the forgetting on.
//
// Damage is dealt with once: the table remembers which records are known to be lost.
// Damage that is found while running changes no epoch: it is the end of a chain, and
// readers are told that what is before it was evicted.
//
// # Concurrency
//
// One goroutine writes: it alone calls Next, Append, SaveCursors, SaveFacts and
// RestateFacts. All other methods may be called concurrently. Lock order: writeMu, then tableMu, then mu;
// the last is held for looking into maps, never for anything that waits. Methods of
// replay.Backing and Note take only mu, so they may be called under a user's lock.
package ledger
