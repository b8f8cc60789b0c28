package native

import (
	"context"
	"sync/atomic"
	"time"

	"hubline/internal/ratelimit"
	"hubline/replay"
	"hubline/transports"
)

// Config holds what all sessions share. The zero value works.
type Config struct {
	// PingInterval is how often something is sent to a client, so that it and
	// what stands between see that the connection lives. Zero means 15 s,
	// below the idle limits of common proxies.
	PingInterval time.Duration
	// SilenceTimeout is after how long without a sign of life a WebSocket
	// client is given up. Zero means two and a half ping intervals and a
	// second: two lost pongs are tolerated.
	SilenceTimeout time.Duration
	// RetryWindow is over which time clients are spread when the server
	// stops. Zero means 5 s.
	RetryWindow time.Duration
	// Channels, if set, puts the user of a connection into a channel or takes the user
	// out. It may wait, and is called on a goroutine that ends with it, one at a time for
	// each connection; the context ends with the connection. What its error says is for
	// the client. Without it there are no channels.
	Channels func(ctx context.Context, conn transports.Conn, channel string, in bool) error
	// Renew, if set, takes another token of the connection's client, and tells its session
	// when that expires ([Session.Renew]). It is called like Channels. Without it tokens
	// cannot be renewed.
	Renew func(ctx context.Context, conn transports.Conn, token string) error
	// MaxMessageBytes bounds one message of a client. Zero means 32 KiB.
	MaxMessageBytes int
	// MessageRate bounds the messages of one connection: over it no more is read
	// from the client until its time has come. Zero means no limit.
	MessageRate ratelimit.Rate
	// Delayed, if set, counts messages that had to wait.
	Delayed *atomic.Uint64
}

// WithDefaults fills in what is zero.
func (c Config) WithDefaults() Config {
	if c.PingInterval == 0 {
		c.PingInterval = 15 * time.Second
	}
	if c.SilenceTimeout == 0 {
		c.SilenceTimeout = c.PingInterval*5/2 + time.Second
	}
	if c.RetryWindow == 0 {
		c.RetryWindow = 5 * time.Second
	}
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = 32 << 10
	}
	return c
}

// Options describe one client.
type Options struct {
	User, Device string
	Since        replay.Since
	Types        []string  // only these; empty: all
	Control      bool      // wants control messages
	Named        bool      // SSE: an event field with the type
	Expires      time.Time // the token's; zero: never
}
