package signalr

import (
	"time"

	"hubline/broker"
	"hubline/internal/jsonscan"
	"hubline/replay"
	"hubline/signalr/protocol"
)

// Family says in what the servers of the Bitwarden family differ on the wire.
// The zero value is Vaultwarden. A process can show its events to one family
// only, since each event is encoded once for all hubs.
type Family struct {
	// TextDates leaves dates in MessagePack payloads as the ISO 8601 texts
	// that they were published as, as NodeWarden does. Otherwise those under
	// Date, RevisionDate, CreationDate, ReadDate and DeletedDate become
	// timestamps.
	TextDates bool
	// StreamIDs ends MessagePack invocations with the empty list that
	// NodeWarden's newer versions and the official server send.
	StreamIDs bool
}

// Numbers of update types.
const (
	typeSyncVault = "5"
	typeLogOut    = "11"
)

const targetReceive = "ReceiveMessage"

// bitwarden is the profile of /notifications/hub.
type bitwarden struct{ Family }

func (p bitwarden) view(c protocol.Codec, _ bool) view {
	form := broker.FormBitwardenJSON
	if c.Binary() {
		form = broker.FormBitwardenMessagePack
	}
	encode := encoder(c, p.shape)
	return view{form: form, encode: encode, again: encode} // nothing in it could say that it comes once more
}

// shape is the update that an event stands for. Its type must be a number; it
// is not interpreted. Keys of the payload stay as they were published.
func (p bitwarden) shape(ev *replay.Event) (protocol.Event, bool) {
	if !isNumber(ev.Type) {
		return protocol.Event{}, false
	}
	return p.update(ev.ContextID, ev.Type, ev.Data), true
}

func (p bitwarden) update(contextID, number string, payload []byte) protocol.Event {
	b := make([]byte, 0, len(contextID)+len(payload)+48)
	b = append(b, `[{"ContextId":`...)
	if contextID == "" {
		b = append(b, "null"...)
	} else {
		b = jsonscan.AppendString(b, contextID)
	}
	b = append(append(b, `,"Type":`...), number...)
	b = append(b, `,"Payload":`...)
	if len(payload) == 0 {
		payload = []byte("null")
	}
	b = append(append(b, payload...), "}]"...)
	return protocol.Event{
		Target: targetReceive, Arguments: b,
		NoStreamIDs: !p.StreamIDs, Timestamps: !p.TextDates,
	}
}

// isNumber reports whether s is a decimal number as JSON writes it, at most
// nine digits long.
func isNumber(s string) bool {
	if s == "" || len(s) > 9 || s[0] == '0' && len(s) > 1 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// ready: clients of the family know no control messages.
func (bitwarden) ready(string, *broker.Welcome) *protocol.Event { return nil }

// notices: nor anything of channels.
func (bitwarden) notices() bool { return false }

func (bitwarden) notice(*broker.Notice) *protocol.Event { return nil }

// gap has the client fetch everything anew: SyncVault.
func (p bitwarden) gap(user string, _ *replay.Gap, _ replay.Cursor) *protocol.Event {
	b := jsonscan.AppendString([]byte(`{"UserId":`), user)
	b = append(b, `,"Date":"`...)
	b = time.Now().UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	e := p.update("", typeSyncVault, append(b, `"}`...))
	return &e
}

func (bitwarden) mergesGaps() bool { return true }

// withheld: a logout from before the token was issued would end a session that
// began after it. Without the token's time no logout is replayed.
func (bitwarden) withheld(ev *replay.Event, issued int64) bool {
	return ev.Type == typeLogOut && (issued == 0 || ev.Time/1000 < issued)
}
