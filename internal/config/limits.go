package config

import "time"

// Publish bounds what a publisher may send.
type Publish struct {
	// MaxPublishBytes bounds the body of one published event, in bytes. It
	// protects memory: the payload is held in a log and in outboxes. Larger
	// bodies are answered 413.
	MaxPublishBytes Size `default:"256KiB" placeholder:"SIZE" help:"Largest event that may be published (${default})."`
	// MaxBatchItems bounds the items of one request to /events:batch, which
	// bounds how long one request holds the server's attention.
	MaxBatchItems int `default:"1000" placeholder:"N" help:"Most events in one batch (${default})."`
	// MaxBatchBytes bounds the body of one request to /events:batch, in bytes.
	// It protects memory: an array is read whole.
	MaxBatchBytes Size `default:"8MiB" placeholder:"SIZE" help:"Largest body of one batch (${default})."`
	// MaxInflightBytes bounds the bodies of all requests together, from their first
	// byte until they are answered, in bytes. It protects memory against many
	// bodies that are each within their bound. Over it requests are answered 503.
	MaxInflightBytes Size `default:"256MiB" placeholder:"SIZE" help:"Most bytes of request bodies held at a time, in all (${default})."`
	// IdempotencyKeys bounds the remembered idempotency keys, in all. The
	// longest unused one is forgotten first, after which a retry with it
	// publishes again.
	IdempotencyKeys int `default:"100000" placeholder:"N" help:"Idempotency keys remembered, in all (${default})."`
}

// Clients bounds what connected and connecting clients may cost.
type Clients struct {
	// MaxConnections bounds live connections of all transports. It protects
	// memory and file descriptors; further ones are answered 503. Sockets, those
	// of requests that are no connections included, are bounded by a tenth more,
	// at least 1,000 more; further ones are closed at once.
	MaxConnections int `default:"100000" placeholder:"N" help:"Most connections, in all (${default}); sockets may be a tenth, at least 1000, more."`
	// MaxConnectionsPerUser keeps one user, or one leaked token, from taking
	// every connection. Zero means no limit.
	MaxConnectionsPerUser int `default:"100" placeholder:"N" help:"Most connections of one user; 0 for no limit (${default})."`
	// MaxConnectionsPerIP bounds connections per client address. Zero means no
	// limit, which is the default because behind a proxy that is not in
	// TrustedProxies every client has the proxy's address.
	MaxConnectionsPerIP int `default:"0" placeholder:"N" help:"Most connections from one address; 0 for no limit (${default})."`
	// MaxSocketsPerIP bounds the sockets of one address that are no connections (not
	// yet, not any more, or idle between requests): it keeps one peer that says
	// nothing, or says it slowly, from taking all. More are closed at once. Those of
	// TrustedProxies do not count. Zero means no limit.
	MaxSocketsPerIP int `name:"max-sockets-per-ip" default:"10000" placeholder:"N" help:"Most sockets from one address besides those of connections; 0 for no limit (${default})."`
	// MaxAnonymousConnections and MaxAnonymousConnectionsPerIP bound connections
	// without a token, which anybody can open: those that wait for the approval of a
	// login. Zero means none at all.
	MaxAnonymousConnections      int `default:"1000" placeholder:"N" help:"Most connections without a token, in all (${default})."`
	MaxAnonymousConnectionsPerIP int `name:"max-anonymous-connections-per-ip" default:"25" placeholder:"N" help:"Most connections without a token from one address (${default})."`
	// MaxNegotiated bounds negotiated connections that nobody has attached to
	// yet. It protects memory against a client that only negotiates.
	MaxNegotiated int `default:"10000" placeholder:"N" help:"Most negotiated connections waiting for their client (${default})."`
	// RevocationTTL is how long a revocation is remembered. A token that lives longer is
	// accepted again after it.
	RevocationTTL time.Duration `name:"revocation-ttl" default:"720h" placeholder:"DURATION" help:"How long a revocation is remembered; no token should live longer (${default})."`
	// MaxRevocations bounds the users and tokens that are remembered as revoked.
	MaxRevocations int `default:"100000" placeholder:"N" help:"Most revocations remembered (${default})."`
	// MaxKeptOut bounds the users and devices whom administrators keep out for a
	// time (refuseSeconds), some 100 bytes each.
	MaxKeptOut int `default:"10000" placeholder:"N" help:"Most users and devices that administrators keep out at a time (${default})."`
	// MaxMessageBytes bounds one inbound message (WebSocket message, hub
	// message, body of a POST to a connection), in bytes. It is the size that
	// the stock SignalR server allows.
	MaxMessageBytes Size `default:"32768" placeholder:"SIZE" help:"Largest message a client may send (${default} bytes)."`
	// OutboxEvents and OutboxBytes bound what waits for one connection. Over
	// them the queue is given back and the connection reads on from its user's
	// log, so that a slow client never delays others and never costs more; it
	// is closed only when it takes nothing for SendTimeout.
	OutboxEvents int  `default:"1024" placeholder:"N" help:"Most events waiting for one slow connection before it reads on from its log instead (${default})."`
	OutboxBytes  Size `default:"1MiB" placeholder:"SIZE" help:"Most bytes waiting for one slow connection before it reads on from its log instead (${default})."`
}

// Channels bounds who is in which channel.
type Channels struct {
	// MaxChannelsPerUser keeps one user from joining channels without end.
	MaxChannelsPerUser int `default:"1000" placeholder:"N" help:"Most channels that one user is in (${default})."`
	// MaxChannelMembers bounds how many logs one event to a channel enters: all of
	// them are written in one commit, and others wait for it.
	MaxChannelMembers int `default:"100000" placeholder:"N" help:"Most members of one channel (${default})."`
	// ChannelWebhook is asked who may join private- and presence- channels that the
	// token does not name. Without it nobody but those may.
	ChannelWebhook string `placeholder:"URL" help:"Asked by POST {user, device, channel} who may join private- and presence- channels that the token does not name; 2xx allows (none)."`
	// ChannelWebhookSecretFile holds what the webhook is sent as Authorization: Bearer.
	ChannelWebhookSecretFile string `placeholder:"FILE" help:"Secret on one line that the webhook is sent as Authorization: Bearer (none)."`
	// ChannelWebhookTimeout bounds one question; nobody joins without an answer.
	ChannelWebhookTimeout time.Duration `default:"3s" placeholder:"DURATION" help:"Longest wait for the webhook's answer (${default})."`
	// ChannelWebhookCache is how long an answer counts: so long a refused client stays
	// refused, and one who has lost the right may still join.
	ChannelWebhookCache time.Duration `default:"10s" placeholder:"DURATION" help:"How long the webhook's answer counts; 0s asks each time (${default})."`
	// MaxPresenceMembers bounds channels whose names begin with presence-: all members are
	// told of each, so that the cost grows with the square.
	MaxPresenceMembers int `default:"1000" placeholder:"N" help:"Most members of one presence- channel (${default})."`
	// PresenceGrace hides reconnects from the other members.
	PresenceGrace time.Duration `default:"5s" placeholder:"DURATION" help:"How long a user without a connection is still in its presence- channels (${default})."`
	// MaxMemberships bounds those of all users. It protects memory: one takes about 50
	// bytes and its share of the names.
	MaxMemberships int `default:"10000000" placeholder:"N" help:"Most memberships of all users in all channels (${default})."`
}

// Replay bounds the logs from which clients catch up.
type Replay struct {
	// LogEvents, LogBytes and LogAge bound the log of one user. Whichever is
	// reached first evicts the oldest event; a client that was away longer is
	// told of a gap.
	LogEvents int           `default:"1000" placeholder:"N" help:"Most events kept for one user (${default})."`
	LogBytes  Size          `default:"1MiB" placeholder:"SIZE" help:"Most bytes kept for one user (${default})."`
	LogAge    time.Duration `default:"24h" placeholder:"DURATION" help:"Longest time an event is kept (${default})."`
	// LogUsers and LogTotalBytes bound all logs together. The user longest
	// without events and without a live connection is evicted first.
	LogUsers      int  `default:"100000" placeholder:"N" help:"Most users whose log is in memory (${default})."`
	LogTotalBytes Size `default:"256MiB" placeholder:"SIZE" help:"Most bytes of all logs in memory (${default})."`
	// LogDiskBytes bounds the log on disk; over it the oldest events go, whosever
	// they are. What LogUsers and LogTotalBytes push out of the memory stays there.
	LogDiskBytes Size `default:"4GiB" placeholder:"SIZE" help:"Most bytes of the log on disk; the oldest events go first (${default})."`
	// Watermarks bounds the evicted users whose last seq is remembered (some
	// 100 bytes each), so that they are told of a gap and never that they
	// missed nothing.
	Watermarks int `default:"100000" placeholder:"N" help:"Users without a log in memory whose last position is remembered there (${default})."`
}

// Timeouts bound how long the server waits for somebody else.
type Timeouts struct {
	// NegotiateTTL is how long a negotiated connection waits for its client.
	NegotiateTTL time.Duration `name:"negotiate-ttl" default:"15s" placeholder:"DURATION" help:"How long a negotiated connection waits for its client (${default})."`
	// TicketTTL is how long a ticket of /events/negotiate may be used, at most
	// 60 s: it stands in a URL and so in other people's logs.
	TicketTTL time.Duration `name:"ticket-ttl" default:"60s" placeholder:"DURATION" help:"How long a ticket of /events/negotiate is good, at most 60s (${default})."`
	// PingInterval is the longest silence towards a client. The stock SignalR
	// clients give up after 30 s, so 15 s tolerates one lost ping, and most
	// proxies cut idle connections after 60 s.
	PingInterval time.Duration `default:"15s" placeholder:"DURATION" help:"Longest silence towards a client (${default})."`
	// ClientTimeout is the longest silence of a client that is expected to
	// speak or to answer pings, before its connection counts as dead.
	ClientTimeout time.Duration `default:"30s" placeholder:"DURATION" help:"Longest silence of a client before it counts as gone (${default})."`
	// HandshakeTimeout bounds the SignalR handshake and the WebSocket upgrade.
	HandshakeTimeout time.Duration `default:"15s" placeholder:"DURATION" help:"Longest handshake of a hub connection (${default})."`
	// SendTimeout bounds one write to a client. It protects the goroutine and
	// the outbox behind a peer that no longer reads.
	SendTimeout time.Duration `default:"10s" placeholder:"DURATION" help:"Longest single write to a client (${default})."`
	// PollTimeout is how long a SignalR long poll is held when nothing happens.
	PollTimeout time.Duration `default:"90s" placeholder:"DURATION" help:"How long a hub's long poll is held (${default})."`
	// ReadHeaderTimeout and BodyTimeout bound the arrival of a request's
	// headers and body, against peers that send one byte at a time.
	ReadHeaderTimeout time.Duration `default:"10s" placeholder:"DURATION" help:"Longest arrival of request headers (${default})."`
	BodyTimeout       time.Duration `default:"30s" placeholder:"DURATION" help:"Longest arrival of a request body (${default})."`
	// DrainTimeout bounds the whole ordered stop: telling the clients, closing
	// streams, waiting for requests, flushing state.
	DrainTimeout time.Duration `default:"10s" placeholder:"DURATION" help:"Longest ordered stop after SIGTERM (${default})."`
}
