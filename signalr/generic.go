package signalr

import (
	"encoding/json"
	"strconv"

	"hubline/broker"
	"hubline/internal/jsonscan"
	"hubline/replay"
	"hubline/signalr/protocol"
)

// Targets of control messages. Event types that begin with hubline. are
// reserved, so no event can be taken for one.
const (
	TargetReady          = "hubline.ready"
	TargetGap            = "hubline.gap"
	TargetMemberJoined   = "hubline.member_joined"
	TargetMemberLeft     = "hubline.member_left"
	TargetMembersChanged = "hubline.members_changed"
)

// generic is the profile of /hubs/events.
type generic struct{}

func (generic) view(c protocol.Codec, meta bool) view {
	form := broker.FormHubJSON
	switch {
	case c.Binary() && meta:
		form = broker.FormHubMessagePackMeta
	case c.Binary():
		form = broker.FormHubMessagePack
	case meta:
		form = broker.FormHubJSONMeta
	}
	shape := func(again bool) func(ev *replay.Event) (protocol.Event, bool) {
		return func(ev *replay.Event) (protocol.Event, bool) {
			e := protocol.Event{Target: ev.Type, Arguments: ev.Arguments}
			if e.Arguments == nil {
				e.Arguments = wrapData(ev.Data)
			}
			if meta {
				e.Meta = eventMeta(ev, again)
			}
			return e, true
		}
	}
	return view{form: form, encode: encoder(c, shape(false)), again: encoder(c, shape(true)), stamped: true}
}

// wrapData makes an argument list of an event's data.
func wrapData(data json.RawMessage) []byte {
	if len(data) == 0 {
		return []byte("[null]")
	}
	b := make([]byte, 0, len(data)+2)
	return append(append(append(b, '['), data...), ']')
}

// eventMeta is the part of an event's last argument that all receivers share.
// One that comes once more says so.
func eventMeta(ev *replay.Event, again bool) []byte {
	b := []byte(`{"id":`)
	b = jsonscan.AppendString(b, ev.ID)
	b = strconv.AppendInt(append(b, `,"ts":`...), ev.Time, 10)
	if ev.Channel != "" {
		b = jsonscan.AppendString(append(b, `,"channel":`...), ev.Channel)
	}
	if again {
		b = append(b, `,"replayed":true`...)
	}
	return append(b, '}')
}

// Ready is the argument of hubline.ready.
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

// Gap is the argument of hubline.gap: events From to To cannot be replayed.
type Gap struct {
	From   uint64        `json:"from"`
	To     uint64        `json:"to"`
	Reason replay.Reason `json:"reason"`
	// Cursor resumes behind the gap. The answer to Replay says its own.
	Cursor string `json:"cursor,omitempty"`
}

func toGap(g *replay.Gap) *Gap {
	if g == nil {
		return nil
	}
	return &Gap{From: g.From, To: g.To, Reason: g.Reason}
}

func (generic) ready(connectionID string, w *broker.Welcome) *protocol.Event {
	return control(TargetReady, Ready{
		ConnectionID: connectionID, Cursor: w.Resume.String(), Head: w.Head, Oldest: w.Oldest,
		Replayed: w.Replayed, Recovered: w.Recovered,
	})
}

func (generic) gap(_ string, g *replay.Gap, behind replay.Cursor) *protocol.Event {
	data := toGap(g)
	data.Cursor = behind.String()
	return control(TargetGap, data)
}

// Membership is the argument of control messages of presence channels. Those that say
// that members have changed name no user, and no channel when all have.
type Membership struct {
	Channel string `json:"channel,omitempty"`
	User    string `json:"user,omitempty"`
}

func (generic) notices() bool { return true }

func (generic) notice(n *broker.Notice) *protocol.Event {
	target := [...]string{TargetMemberJoined, TargetMemberLeft, TargetMembersChanged}[n.Kind]
	return control(target, Membership{n.Channel, n.User})
}

func (generic) mergesGaps() bool { return false }

func (generic) withheld(*replay.Event, int64) bool { return false }

// control makes an invocation with one argument.
func control(target string, argument any) *protocol.Event {
	b, err := json.Marshal([]any{argument})
	if err != nil {
		panic(err) // our own structs always marshal
	}
	return &protocol.Event{Target: target, Arguments: b}
}
