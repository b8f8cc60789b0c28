package signalr

import (
	"context"
	"log/slog"
	"time"

	"hubline/signalr/protocol"
	"hubline/transports"
)

// Config of a hub. The zero value works.
type Config struct {
	// HandshakeTimeout is how long a client may take for its handshake. Zero
	// means 15 s.
	HandshakeTimeout time.Duration
	// KeepAliveInterval is the longest time between two pings to a client.
	// Zero means 15 s: clients give up after 30 s without a message.
	KeepAliveInterval time.Duration
	// ClientTimeout is how long a client that has pinged once may be silent.
	// Zero means 30 s.
	ClientTimeout time.Duration
	// Channels, if set, puts the user of a connection into a channel or takes the user
	// out, for the methods Subscribe and Unsubscribe of hubs that show events. It may wait;
	// the context ends with the connection. What its error says is for the client.
	Channels func(ctx context.Context, conn transports.Conn, channel string, in bool) error
	// MaxMessageBytes bounds one message of a client, framing included. Zero
	// means 32 KiB.
	MaxMessageBytes int
	// MaxMessages is how many messages of a client are handled in each
	// MessageWindow, in the long run; as many may come at once. Over it no more is
	// read from the client until its time has come. Zero means no limit.
	MaxMessages   int
	MessageWindow time.Duration
	// MaxQueuedCalls and MaxQueuedBytes bound calls that wait behind a
	// running one, their names and ids counted like their arguments; over them
	// no more is read from the client. One call may always wait, however large.
	// Zero means 16 and 64 KiB.
	MaxQueuedCalls, MaxQueuedBytes int
	// MaxRunningBytes bounds what running calls were sent with, names and ids
	// included: for those that await their client, over it the next call has to
	// wait; and by itself for those with streams, over it further ones are
	// refused. The first always runs. Zero means eight times MaxMessageBytes,
	// which is 256 KiB.
	MaxRunningBytes int
	// MaxHold is how long a client's bytes may wait for room among its calls
	// before it is closed as slow. Zero means that they wait as long as the
	// calls take, as in ASP.NET Core.
	MaxHold time.Duration
	// MaxWaitingBytes bounds answers that a client has not taken yet; over it
	// the next call, or the next item of a stream, has to wait. Zero means
	// 64 KiB.
	MaxWaitingBytes int
	// MaxOutboxBytes bounds what has been sent to a client (Clients.Send) and
	// was not taken yet; over it the client is closed and may reconnect. Zero
	// means 1 MiB.
	MaxOutboxBytes int
	// MaxParallelCalls is how many calls without streams run at a time for
	// one connection. Zero means 1.
	MaxParallelCalls int
	// MaxStreams bounds the streams of one connection at a time, both ways.
	// Zero means 64.
	MaxStreams int
	// StreamBuffer is how many items of a stream from the client may wait for
	// the method; over that, or over MaxQueuedBytes in all streams of the
	// connection together, no more is read from the client. The first item of
	// each stream may wait up to twice that. Zero means 10.
	StreamBuffer int
	// StatefulBytes and StatefulMessages bound what a connection with stateful
	// reconnect has been sent and has not acknowledged; over them it is sent
	// no more. Zero means 100,000 bytes and 1,000 messages.
	StatefulBytes, StatefulMessages int
	// Naming says how struct fields without a name in a tag are called in
	// arguments, results and items of both encodings; they are read whatever
	// their case. Zero means as Go declares them; JavaScript's clients of
	// ASP.NET Core expect protocol.NamesCamelCase.
	Naming protocol.Naming
	// Envelopes lets clients of a hub that shows events call StreamEvents. Zero
	// means that there is no such method.
	Envelopes Envelopes
	// DetailedErrors shows clients the texts of all errors, not only of those
	// made for them (Error).
	DetailedErrors bool
	// Logger gets what a human may want to know. Nil means none.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	duration := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
	}
	number := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	duration(&c.HandshakeTimeout, 15*time.Second)
	duration(&c.KeepAliveInterval, 15*time.Second)
	duration(&c.ClientTimeout, 30*time.Second)
	number(&c.MaxMessageBytes, 32<<10)
	number(&c.MaxQueuedCalls, 16)
	number(&c.MaxQueuedBytes, 64<<10)
	number(&c.MaxRunningBytes, 8*c.MaxMessageBytes)
	number(&c.MaxWaitingBytes, 64<<10)
	number(&c.MaxOutboxBytes, 1<<20)
	number(&c.MaxParallelCalls, 1)
	number(&c.MaxStreams, 64)
	number(&c.StatefulBytes, 100_000)
	number(&c.StatefulMessages, 1000)
	number(&c.StreamBuffer, 10)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
