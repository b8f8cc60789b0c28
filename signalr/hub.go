package signalr

import (
	"strings"
	"sync"
	"sync/atomic"

	"hubline/broker"
)

// Hub is what the connections of an endpoint share. Methods are registered
// with Handle before the first connection; after that a Hub is safe for
// concurrent use.
type Hub struct {
	cfg      Config
	methods  map[string]*method // by lower-case name
	events   *events            // nil: the hub shows none
	counters counters

	calls sync.WaitGroup // goroutines that run calls
}

// New returns a hub without methods that shows no events.
func New(cfg Config) *Hub {
	return &Hub{cfg: cfg.withDefaults(), methods: make(map[string]*method)}
}

// Handle registers a method that clients may call by name, whatever the case.
// fn is a function. Its first parameters may be a context.Context, which ends
// with the connection, and a Caller, in this order; the others are the call's
// arguments. It returns nothing, a result, an error, or both. Calls of one
// connection run one at a time. Handle panics if fn has another form or the
// name is taken, since that is a mistake in the program.
func (h *Hub) Handle(name string, fn any) {
	key := strings.ToLower(name)
	if _, taken := h.methods[key]; taken || name == "" {
		panic("signalr: method name " + name + " is empty or taken")
	}
	h.methods[key] = newMethod(name, fn)
}

func (h *Hub) method(target string) *method {
	if m, ok := h.methods[target]; ok {
		return m
	}
	return h.methods[strings.ToLower(target)]
}

// Wait returns when no call runs any more. Connections must have ended before.
func (h *Hub) Wait() { h.calls.Wait() }

// counters are cumulative since the start.
type counters struct {
	handshakes, handshakeErrors, protocolErrors, tooLarge, timeouts atomic.Uint64
	calls, callErrors, panics                                       atomic.Uint64
	unsendable, withheld                                            atomic.Uint64
}

// Stats is a snapshot of a hub's counters.
type Stats struct {
	Handshakes      uint64 // accepted
	HandshakeErrors uint64 // refused or never sent
	ProtocolErrors  uint64 // connections ended for a message that is none
	TooLarge        uint64 // connections ended for a message over the limit
	Timeouts        uint64 // connections ended for silence
	Calls           uint64 // of methods, answered or not
	CallErrors      uint64 // that failed
	Panics          uint64 // that panicked
	Unsendable      uint64 // events, per receiver, that the profile cannot express
	Withheld        uint64 // replayed logouts, per receiver, older than the token
}

// Stats reads the counters.
func (h *Hub) Stats() Stats {
	c := &h.counters
	return Stats{
		Handshakes: c.handshakes.Load(), HandshakeErrors: c.handshakeErrors.Load(),
		ProtocolErrors: c.protocolErrors.Load(), TooLarge: c.tooLarge.Load(), Timeouts: c.timeouts.Load(),
		Calls: c.calls.Load(), CallErrors: c.callErrors.Load(), Panics: c.panics.Load(),
		Unsendable: c.unsendable.Load(), Withheld: c.withheld.Load(),
	}
}

// NewEvents returns a hub that shows each user's events in the generic
// profile: the target is the event's type, the arguments are those that it was
// published with, else its data. Clients may call Replay and Ack.
func NewEvents(cfg Config, b *broker.Broker) *Hub {
	return newEventHub(cfg, b, generic{})
}

// NewBitwarden returns a hub that shows events as the Bitwarden family's
// notification hub does. Clients may call Replay and Ack.
func NewBitwarden(cfg Config, b *broker.Broker, f Family) *Hub {
	return newEventHub(cfg, b, bitwarden{f})
}

func newEventHub(cfg Config, b *broker.Broker, p profile) *Hub {
	h := New(cfg)
	h.events = newEvents(b, p)
	h.Handle("Replay", replayEvents)
	h.Handle("Ack", acknowledge)
	return h
}
