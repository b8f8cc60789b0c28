package native

import (
	"encoding/json"
	"time"

	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

// Types of control messages. Names that begin with hubline. are reserved, so
// no event can be taken for one.
const (
	TypeReady   = "hubline.ready"
	TypeGap     = "hubline.gap"
	TypeClosing = "hubline.closing"
	TypeCursor  = "hubline.cursor"
	TypeReply   = "hubline.reply"
)

// control appends a control message: a type and data, no seq.
func control(b []byte, kind string, data any) []byte {
	b = append(b, `{"type":`...)
	b = appendString(b, kind)
	b = append(b, `,"data":`...)
	d, err := json.Marshal(data)
	if err != nil {
		d = []byte("null") // our own structs always marshal
	}
	b = append(b, d...)
	return append(b, '}')
}

// Ready is the data of hubline.ready.
type Ready struct {
	ConnectionID string `json:"connectionId"`
	// Cursor may be kept at once: resuming from it repeats nothing that was
	// delivered and misses nothing that was not.
	Cursor    string `json:"cursor"`
	Head      uint64 `json:"head"`
	Oldest    uint64 `json:"oldest"`
	Replayed  int    `json:"replayed"`
	Recovered bool   `json:"recovered"`
}

func ready(id string, w *broker.Welcome) Ready {
	return Ready{
		ConnectionID: id, Cursor: w.Resume.String(), Head: w.Head, Oldest: w.Oldest,
		Replayed: w.Replayed, Recovered: w.Recovered,
	}
}

// Gap is the data of hubline.gap: events From to To cannot be replayed.
type Gap struct {
	From   uint64        `json:"from"`
	To     uint64        `json:"to"`
	Reason replay.Reason `json:"reason"`
	// Cursor resumes behind the gap, so that it is not announced again. A poll
	// says it for the whole answer, and leaves it out here.
	Cursor string `json:"cursor,omitempty"`
}

func gap(g *replay.Gap) *Gap {
	if g == nil {
		return nil
	}
	return &Gap{From: g.From, To: g.To, Reason: g.Reason}
}

// AppendGap appends the control message of a gap that ends at a cursor.
func AppendGap(dst []byte, g *replay.Gap, behind replay.Cursor) []byte {
	data := gap(g)
	data.Cursor = behind.String()
	return control(dst, TypeGap, data)
}

// Closing is the data of hubline.closing.
type Closing struct {
	Reason       transports.Reason `json:"reason"`
	RetryAfterMS int64             `json:"retryAfterMs"`
	// Message is what an administrator has to say who ends the connection.
	Message string `json:"message,omitempty"`
}

// Cursor is the data of hubline.cursor.
type Cursor struct {
	Cursor string `json:"cursor"`
}

// Reply is the data of hubline.reply, the answer to a client's request.
type Reply struct {
	Ref   string `json:"ref"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	// Cursor, when a channel was joined: events that are published to it from now on
	// come after that.
	Cursor string `json:"cursor,omitempty"`
	// Members, when a presence channel was joined, are users who are in it now, by name,
	// and Total is how many there are.
	Members []string `json:"members,omitempty"`
	Total   int      `json:"total,omitempty"`
}

// retryAfter is how long a client that the server sends away should wait:
// spread over the window when all go at once, at once when it is alone.
func retryAfter(r transports.Reason, window time.Duration, random func(int64) int64) int64 {
	switch r {
	case transports.ReasonDrain, transports.ReasonSlow:
		if ms := window.Milliseconds(); ms > 0 {
			return random(ms)
		}
	}
	return 0
}
