package protocol

// Type is the number of a hub message type.
type Type int32

// The message types (hub protocol, section "Overview").
const (
	TypeInvocation       Type = 1
	TypeStreamItem       Type = 2
	TypeCompletion       Type = 3
	TypeStreamInvocation Type = 4
	TypeCancelInvocation Type = 5
	TypePing             Type = 6
	TypeClose            Type = 7
	TypeAck              Type = 8
	TypeSequence         Type = 9
)

// Known reports whether the type is one of the above. A receiver skips others.
func (t Type) Known() bool { return t >= TypeInvocation && t <= TypeSequence }

// Counted reports whether the type is counted by stateful reconnect. Counting
// by number, before anything is bound, keeps both ends in step.
func (t Type) Counted() bool { return t >= TypeInvocation && t <= TypeCancelInvocation }

// Raw is one value in a codec's encoding, undecoded.
type Raw []byte

// Message is one hub message of any type. Only the fields of its type are set.
type Message struct {
	Type Type
	// InvocationID is empty for calls that want no answer.
	InvocationID string
	Target       string
	Arguments    []Raw
	StreamIDs    []string
	Headers      map[string]string
	// Item is a StreamItem's value.
	Item Raw
	// Result is a Completion's value and is meaningful if HasResult is set. A
	// Completion with neither Result nor Error ended without a value.
	Result    Raw
	HasResult bool
	// Error of a Completion or Close; empty means none.
	Error          string
	AllowReconnect bool
	SequenceID     int64
}

// reset empties m, keeping the memory of its argument list.
func (m *Message) reset() {
	*m = Message{Arguments: m.Arguments[:0]}
}
