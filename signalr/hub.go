package signalr

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"hubline/broker"
)

// Hub is what the connections of an endpoint share. Methods and the functions
// of OnConnected and OnDisconnected are set before the first connection; after
// that a Hub is safe for concurrent use.
type Hub struct {
	cfg      Config
	methods  map[string]*method // by lower-case name
	events   *events            // nil: the hub shows none
	counters counters

	onConnected    func(context.Context, Caller) error
	onDisconnected func(Caller, error)
	directory      directory

	asked   atomic.Uint64 // calls of clients so far
	awaited sync.Map      // *Session that is to answer, by invocation id

	calls sync.WaitGroup // goroutines that run calls
}

// New returns a hub without methods that shows no events.
func New(cfg Config) *Hub {
	return &Hub{cfg: cfg.withDefaults(), methods: make(map[string]*method)}
}

// Handle registers a method that clients may call by name, whatever the case.
// fn is a function. Its first parameters may be a context.Context and a Caller,
// in this order; the others are the call's arguments, in the types that they
// are decoded into. It returns nothing, a result, an error, or both.
//
// A result of type <-chan T, iter.Seq[T] or iter.Seq2[T, error] is a stream to
// the client, which has to call the method as one. A parameter of type <-chan T
// or iter.Seq2[T, error] is a stream from the client. A stream that the client
// ends with an error ends the sequence with it; a channel is closed and the
// call fails with it. Whoever sends on a returned channel must stop when the
// context ends, since nobody receives any more then.
//
// The context ends when the connection does; that of a call with streams also
// when the client cancels it or the call is over. Of the calls without streams
// Config.MaxParallelCalls run at a time for each connection, in their order;
// calls with streams run beside them.
//
// Handle panics if fn has another form or the name is taken, since that is a
// mistake in the program.
func (h *Hub) Handle(name string, fn any, options ...MethodOption) {
	key := strings.ToLower(name)
	if _, taken := h.methods[key]; taken || name == "" {
		panic("signalr: method name " + name + " is empty or taken")
	}
	m := newMethod(name, fn)
	for _, o := range options {
		o(m)
	}
	h.methods[key] = m
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
	unsendable, withheld, resumed, delayed                          atomic.Uint64
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
	Resumed         uint64 // lost sockets that were replaced (stateful reconnect)
	Delayed         uint64 // messages that had to wait for their time (MaxMessages)
}

// Stats reads the counters.
func (h *Hub) Stats() Stats {
	c := &h.counters
	return Stats{
		Handshakes: c.handshakes.Load(), HandshakeErrors: c.handshakeErrors.Load(),
		ProtocolErrors: c.protocolErrors.Load(), TooLarge: c.tooLarge.Load(), Timeouts: c.timeouts.Load(),
		Calls: c.calls.Load(), CallErrors: c.callErrors.Load(), Panics: c.panics.Load(),
		Unsendable: c.unsendable.Load(), Withheld: c.withheld.Load(), Resumed: c.resumed.Load(),
		Delayed: c.delayed.Load(),
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
	h.directory.off = true // events find their clients through the broker
	h.Handle("Replay", replayEvents)
	h.Handle("Ack", acknowledge)
	if cfg.Channels != nil {
		h.Handle("Subscribe", h.membership(true))
		h.Handle("Unsubscribe", h.membership(false))
	}
	if h.events.envelopes = cfg.Envelopes; cfg.Envelopes.Event != nil {
		h.Handle("StreamEvents", h.events.streamEvents)
	}
	return h
}
