package broker

import (
	"sync"
	"sync/atomic"

	"hubline/replay"
)

// MaxForms is how many wire forms a frame can carry.
const MaxForms = 7

// Form numbers one wire form of an event. Dialects take theirs from the list
// below, so that two never collide.
type Form uint8

// The wire forms.
const (
	FormNative Form = iota
	FormHubJSON
	FormHubMessagePack
	FormHubJSONMeta
	FormHubMessagePackMeta
	FormBitwardenJSON
	FormBitwardenMessagePack
)

// Frame is an event on its way to connections, encoded at most once per form.
// It lives only while a connection has yet to send it; the log keeps the bare
// event. It is safe for concurrent use.
type Frame struct {
	Event *replay.Event

	forms [MaxForms]atomic.Pointer[any]
	mu    sync.Mutex // serialises encode, so that each form is made once
	again bool       // the event comes once more; does not change
}

// Form returns the frame's encoding in form n, made by encode at first use.
// What encode returns must be immutable; nil means "not expressible here" and
// is kept like any other answer.
func (f *Frame) Form(n Form, encode func(*replay.Event) any) any {
	if p := f.forms[n].Load(); p != nil {
		return *p
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.forms[n].Load(); p != nil {
		return *p
	}
	v := encode(f.Event)
	f.forms[n].Store(&v)
	return v
}
