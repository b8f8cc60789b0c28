// Package journal is an ordered log of opaque records in the files of one
// directory. A record is acknowledged when it is on disk. Whoever opens the log
// later finds every acknowledged record, or is told which one is damaged.
//
// # Committing
//
// Submissions are copied into a queue. One goroutine takes all that waits,
// writes it at once, syncs the file once, and calls those who submitted it, in
// order. So a sync is shared by all who publish at the time, and no caller waits
// for the disk unless it wants to ([Journal.Append]).
//
// A submission is there whole or not at all, whatever happens.
//
// # What can go wrong
//
//   - The process or the power ends: a commit that was not finished is cut off by
//     the next Open, with one line in the log.
//   - The disk is full: the commit is undone and answered with [ErrNoSpace]. The
//     next may succeed.
//   - Syncing fails, or writing does for another reason: the journal accepts
//     nothing any more ([ErrFailed]) and never tries that again. After a failed
//     sync the machine may believe that pages are on disk which are not, and a
//     second sync would say so too.
//   - Bytes change on the disk: the record is reported as a [CorruptError] with
//     its place, by [Journal.Range], [Journal.Read] and in the log. Everything else
//     is read. Only in the last commit of a process that was killed can damage not
//     be told from a commit that was not finished; it is cut off like one.
//
// # Files
//
// A segment is named for the index of its first record. It begins with a head,
// twice: magic "hubjrnl1", first index (8 bytes), salt (4), newest time of all
// segments before (8), CRC-32C of the foregoing (4). Frames follow from byte 128:
//
//	 0  CRC-32C of bytes 4 to 23
//	 4  CRC-32C of the record
//	 8  length; bit 31 end of a commit, bit 30 begin of one, bit 29 mark
//	12  index, counted from the segment's first
//	16  time
//	24  the record
//
// Numbers are little-endian; checksums of frames start from the salt, so that
// nobody can write a record that is taken for several. Behind the newest record are
// zeros, written ahead. A mark is a frame without a record that an orderly end
// writes. The next commit is written only after the last one was synced: so the
// begin of a commit proves that all before it was complete, a mark proves it
// for the last one, and what is unreadable there is damage and not a torn tail.
// With the length lost, reading goes on at the next frame whose checksum holds.
//
// # Concurrency
//
// All methods of [Journal] may be called concurrently. Submit may be called
// under any lock: it takes one mutex for the time of a copy. Callbacks run on
// the committing goroutine without a lock of ours. Lock order: Journal.dropMu,
// then listMu; queue.mu, segment.mu and files.mu are innermost and never held
// together; a file is opened and closed, but never written or synced, under files.mu.
package journal
