package transports

// batchBytes is where a batch counts as full. One write of this size keeps a
// fast reader busy and is far below a socket's default send buffer.
const batchBytes = 64 << 10

// Meta describes one message to the framer. ID and Name are used by carriers
// whose format has a place for them (Server-Sent Events); others ignore them.
type Meta struct {
	ID     []byte // event id: the cursor; valid until End
	Name   string // event name; empty for the default
	Binary bool   // WebSocket opcode: binary instead of text
}

// Framer lays a message out in a carrier's format.
type Framer interface {
	// Begin appends what stands before the payload.
	Begin(dst []byte, m Meta) []byte
	// End completes the message whose Begin was called with len(dst)==start
	// and whose payload starts at body.
	End(dst []byte, m Meta, start, body int) []byte
	// KeepAlive appends something that shows life and fires no event. With
	// an id the client's cursor moves, where the format can express that.
	KeepAlive(dst, id []byte) []byte
}

// Batch collects messages for one write. A session lays each message between
// Begin and End by appending to Buf.
type Batch struct {
	Buf []byte
	// Scratch is the session's to use for short texts such as a cursor.
	Scratch []byte

	framer      Framer
	meta        Meta
	start, body int
	count       int // messages since Reset
}

// NewBatch returns an empty batch for messages in the form of f.
func NewBatch(f Framer) *Batch { return &Batch{framer: f} }

// Reset empties the batch, keeping its memory, and sets the framer.
func (b *Batch) Reset(f Framer) {
	b.Buf, b.framer, b.count = b.Buf[:0], f, 0
}

// Framer is what the batch is laid out by: it tells whose batch it is.
func (b *Batch) Framer() Framer { return b.framer }

// Full reports that the batch holds enough for one write.
func (b *Batch) Full() bool { return len(b.Buf) >= batchBytes }

// Room is how many bytes still fit before the batch counts as full, at least 1.
func (b *Batch) Room() int { return max(1, batchBytes-len(b.Buf)) }

// Begin starts a message.
func (b *Batch) Begin(m Meta) {
	b.start, b.meta = len(b.Buf), m
	b.Buf = b.framer.Begin(b.Buf, m)
	b.body = len(b.Buf)
}

// End completes the message that Begin started.
func (b *Batch) End() {
	b.Buf = b.framer.End(b.Buf, b.meta, b.start, b.body)
	b.count++
}

// Discard drops the message that Begin started.
func (b *Batch) Discard() { b.Buf = b.Buf[:b.start] }

// KeepAlive lays out a sign of life.
func (b *Batch) KeepAlive(id []byte) { b.Buf = b.framer.KeepAlive(b.Buf, id) }

// Plain is the framer of carriers that put messages one after the other.
type Plain struct{}

// Begin appends nothing.
func (Plain) Begin(dst []byte, _ Meta) []byte { return dst }

// End appends nothing.
func (Plain) End(dst []byte, _ Meta, _, _ int) []byte { return dst }

// KeepAlive appends nothing.
func (Plain) KeepAlive(dst, _ []byte) []byte { return dst }
