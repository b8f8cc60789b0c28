package config

import (
	"errors"

	"hubline/internal/ratelimit"
)

// Rates bound how often somebody may do something. Each is "COUNT/TIME", a bucket
// of so many that fills up in that time, or 0 for no limit. Callers are answered 429
// with the time after which to come back; clients that are connected already are
// read more slowly instead.
type Rates struct {
	// APIRate is for the backend API, for each API key and each token's user. A call
	// counts one, a batch as many as its events. No limit is the default: whoever
	// has a key may load the server, and shares of it are for its operator to give.
	APIRate ratelimit.Rate `name:"api-rate" default:"0" placeholder:"RATE" help:"Calls of the backend API by one API key or token, such as 1000/s; a batch counts its events; 0 for no limit (${default})."`
	// ConnectRatePerIP is for attempts to connect and to negotiate, by address, before
	// anything is looked at. Behind a proxy that is not in TrustedProxies all clients
	// share one bucket, which is why it holds a restart's worth of them.
	ConnectRatePerIP ratelimit.Rate `name:"connect-rate-per-ip" default:"30000/30s" placeholder:"RATE" help:"Attempts to connect or negotiate from one address; 0 for no limit (${default})."`
	// RequestRatePerUser is for requests with a user's token: negotiations, connects,
	// polls, and POSTs to a hub. A client that polls comes back after each answer, and
	// an answer takes all that waits.
	RequestRatePerUser ratelimit.Rate `name:"request-rate-per-user" default:"10000/10s" placeholder:"RATE" help:"Requests of one user's clients, polls included; 0 for no limit (${default})."`
	// AuthFailureRatePerIP is for tokens and API keys that are refused, by address. Over
	// it no signature is checked for the address: tokens that were seen before and API
	// keys that exist are let in as ever.
	AuthFailureRatePerIP ratelimit.Rate `name:"auth-failure-rate-per-ip" default:"5000/10s" placeholder:"RATE" help:"Refused tokens and API keys from one address before new ones are not looked at; 0 for no limit (${default})."`
	// MessageRate is for messages of one connection: WebSocket messages on native
	// connections, hub messages. Over it the connection is read more slowly.
	MessageRate ratelimit.Rate `name:"message-rate" default:"10000/10s" placeholder:"RATE" help:"Messages of one connected client, before it is read more slowly; 0 for no limit (${default})."`
	// RateSubjects bounds the buckets of each of these limits, some 300 bytes each.
	// Those of subjects that have been quiet are given up at once.
	RateSubjects int `default:"65536" placeholder:"N" help:"Users or addresses of each rate whose use is remembered at a time (${default})."`
}

// Minimum and maximum of RateSubjects.
const (
	minSubjects = 16
	maxSubjects = 16 << 20
)

func (c Config) validateRates() error {
	return errors.Join(
		between("rate-subjects", c.RateSubjects, minSubjects, maxSubjects),
		between("max-sockets-per-ip", c.MaxSocketsPerIP, 0, maxCount),
		between("max-anonymous-connections", c.MaxAnonymousConnections, 0, maxCount),
		between("max-anonymous-connections-per-ip", c.MaxAnonymousConnectionsPerIP, 0, maxCount),
	)
}
