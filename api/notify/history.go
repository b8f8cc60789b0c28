package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// EventsQuery says which part of a log [Notifier.Events] reads.
type EventsQuery struct {
	// Since is a cursor, or a seq of the current epoch: what comes after it is read.
	// Empty means everything kept.
	Since string
	// Limit is how many events at most, up to 1000. Zero means 100.
	Limit int
	// Types narrows to events of these types, at most 64. Nil means all.
	Types []string
	// Device narrows to events that this device gets. Empty means all.
	Device string
}

// Log is a part of a user's log.
type Log struct {
	// Epoch names this life of the log, Head is its newest seq, Oldest the oldest
	// that is kept; Head + 1 when there is none.
	Epoch  string `json:"epoch"`
	Head   uint64 `json:"head"`
	Oldest uint64 `json:"oldest"`
	// Events are in the order of their seqs.
	Events []Published `json:"events"`
	// Cursor is for the next Since. There is no more when its seq is Head.
	Cursor string `json:"cursor"`
	// Gap is what was lost before Events; nil if nothing was.
	Gap *Gap `json:"gap"`
}

// End reports whether the part reaches to the head of the log.
func (l *Log) End() bool { return l.Cursor == l.Epoch+"-"+strconv.FormatUint(l.Head, 10) }

// Published is an event in a user's log.
type Published struct {
	ID      string `json:"id"`
	Seq     uint64 `json:"seq"`
	Cursor  string `json:"cursor"`
	Type    string `json:"type"`
	Millis  int64  `json:"ts"`      // when it was published, in Unix milliseconds
	Channel string `json:"channel"` // of an event to a channel
	// Data is the payload, byte for byte.
	Data json.RawMessage `json:"data"`
}

// Time is when the event was published.
func (p *Published) Time() time.Time { return time.UnixMilli(p.Millis) }

// Gap is a range of events that can no longer be read, both ends included.
type Gap struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// Reason is evicted, expired, epoch, ahead or limit.
	Reason string `json:"reason"`
}

// Events reads a part of a user's log. It acknowledges nothing and moves no cursor.
// An answer ends after Limit events, after about 1 MiB, or before a gap, which the next
// one begins with. A user who was never heard of has an empty log. Needs the scope read.
func (n *Notifier) Events(ctx context.Context, user string, q EventsQuery) (Log, error) {
	const op = "Events"
	if err := checkUser(user); err != nil {
		return Log{}, invalid(op, err)
	}
	var l Log
	err := n.do(ctx, op, request{
		method: http.MethodGet, path: userPath(user) + "/events?" + q.encode(),
		answer: func(text []byte) error {
			l = Log{}
			if err := json.Unmarshal(text, &l); err != nil {
				return err
			}
			if l.Epoch == "" || l.Cursor == "" || l.Events == nil {
				return errAnswer
			}
			return nil
		},
	})
	if err != nil {
		return Log{}, err
	}
	return l, nil
}

func (q *EventsQuery) encode() string {
	v := url.Values{}
	for _, p := range [...]struct{ name, value string }{
		{"since", q.Since}, {"types", strings.Join(q.Types, ",")}, {"device", q.Device},
	} {
		if p.value != "" {
			v.Set(p.name, p.value)
		}
	}
	if q.Limit != 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v.Encode()
}
