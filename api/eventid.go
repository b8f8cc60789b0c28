package api

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// appendEventID appends a UUID of version 7 (RFC 9562, section 5.7) for an event
// of that time: Unix milliseconds, then the fraction of the millisecond in
// twelve bits (section 6.2, method 3), so that ids sort by time without a lock,
// then 62 random bits. An id is a name and no secret, so the runtime's own
// generator serves; uuid.NewV7 asks the kernel, locks and allocates.
func appendEventID(dst []byte, now time.Time) []byte {
	const (
		version   = 7 << 12
		variant   = 1 << 63
		randomSet = 1<<62 - 1
	)
	fraction := uint64(now.Nanosecond()%1e6) << 12 / 1e6 //nolint:gosec // below 1e6
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|version|fraction) //nolint:gosec // after 1970
	binary.BigEndian.PutUint64(id[8:], variant|rand.Uint64()&randomSet)              //nolint:gosec // no secret, see above
	var text [36]byte
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	hex.Encode(text[0:], id[0:4])
	hex.Encode(text[9:], id[4:6])
	hex.Encode(text[14:], id[6:8])
	hex.Encode(text[19:], id[8:10])
	hex.Encode(text[24:], id[10:16])
	return append(dst, text[:]...)
}
