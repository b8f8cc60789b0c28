// Package config holds what `hubline serve` can be told: one [Config] struct
// whose fields are flags, environment variables (HUBLINE_<FLAG>) and keys of a
// YAML file, the reading of those sources, and the files of the data directory.
//
// A value is taken from the flag, else from the environment, else from the
// file, else from the default in the struct tag.
package config

import (
	"net/netip"
	"time"
)

// Config is the whole configuration of the server. The tags are the single
// source of names, defaults and help texts; [Default] returns the defaults
// alone. A Config is plain data: copy it, do not change it once the server runs.
type Config struct {
	Listen    `embed:"" group:"listen"`
	Storage   `embed:"" group:"storage"`
	Identity  `embed:"" group:"identity"`
	Logging   `embed:"" group:"logging"`
	Publish   `embed:"" group:"publish"`
	Clients   `embed:"" group:"clients"`
	Channels  `embed:"" group:"channels"`
	Rates     `embed:"" group:"rates"`
	Replay    `embed:"" group:"replay"`
	Timeouts  `embed:"" group:"timeouts"`
	DemoFlags `embed:""`
}

// Listen says where the server is found and whom it believes.
type Listen struct {
	// Addr is the TCP address to listen on. Port 0 takes a free one.
	Addr string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to listen on (${default})."`
	// BasePath stands before every route, so that the server can share a host
	// name with others behind a proxy that does not rewrite paths.
	BasePath string `placeholder:"/PATH" help:"Path prefix of every route, such as /realtime."`
	// TLSCert and TLSKey are PEM files; both or neither.
	TLSCert string `placeholder:"FILE" help:"Certificate chain (PEM). With --tls-key: serve HTTPS."`
	TLSKey  string `placeholder:"FILE" help:"Private key of --tls-cert (PEM)."`
	// TrustedProxies are the peers whose ForwardedHeader is believed. None by
	// default: anybody can send that header, and the limits per address would be
	// theirs to evade.
	TrustedProxies []netip.Prefix `placeholder:"CIDR" help:"Networks of proxies whose --forwarded-header is believed, such as 10.0.0.0/8 (none)."`
	// ForwardedHeader is the header that is read of TrustedProxies. A proxy writes
	// one of them and lets the others through as the client sent them, so only one
	// can be believed.
	ForwardedHeader string `default:"x-forwarded-for" enum:"x-forwarded-for,forwarded,x-real-ip" placeholder:"NAME" help:"Header in which trusted proxies tell the client's address: x-forwarded-for, forwarded or x-real-ip (${default})."`
	// StatefulReconnect lets SignalR clients that ask for it replace a lost
	// WebSocket within 15 s. Each such connection may hold 100,000 bytes more.
	StatefulReconnect bool `help:"Grant SignalR's stateful reconnect to clients that ask for it; each of their connections may hold 100 kB more."`

	// AllowedOrigins are the web origins that may connect from a browser, for
	// CORS and for the Origin of WebSockets. The server's own is always allowed;
	// "*" allows all.
	AllowedOrigins []string `placeholder:"ORIGIN" help:"Web origins that may connect, such as https://app.example.org, besides the server's own; * for all (none)."`
}

// Storage says what outlives the process.
type Storage struct {
	// Data is the directory of the signing secret, the API key and the durable
	// state. Empty means memory only: nothing outlives the process.
	Data string `default:"./hubline-data" placeholder:"DIR" help:"Directory for secrets and state, made on first start with mode 0700 (${default}). \"\" keeps everything in memory."`
	// Durability says where an event is when its publish is answered: on disk,
	// under Data, or in memory alone, where a restart loses it. Without Data it is
	// memory.
	Durability string `default:"disk" enum:"disk,memory" placeholder:"WHERE" help:"disk: events are on disk before they are acknowledged or seen; memory: a restart loses them (${default})."`
}

// Durable reports whether events are to be on disk.
func (s *Storage) Durable() bool { return s.Data != "" && s.Durability == "disk" }

// Identity says who may connect and who may publish.
type Identity struct {
	// JWTSecretFile holds the HMAC secret of client tokens (HS256, HS384,
	// HS512) on one line, at least 32 bytes. Empty means the data directory's,
	// unless public keys are configured: an HMAC secret next to public keys is
	// refused, because a public key could then be passed off as the secret.
	JWTSecretFile string `name:"jwt-secret-file" placeholder:"FILE" help:"HMAC secret of client tokens, at least 32 bytes on one line (the data directory's)."`
	// JWTPublicKeyFile are PEM files with RSA, ECDSA or Ed25519 public keys.
	JWTPublicKeyFile []string `name:"jwt-public-key-file" placeholder:"FILE" help:"PEM files with public keys of client tokens (RSA, ECDSA, Ed25519)."`
	// JWKSURL is where public keys are fetched from and refreshed.
	JWKSURL string `name:"jwks-url" placeholder:"URL" help:"JWKS document with public keys of client tokens; refreshed as keys rotate."`
	// JWTIssuer and JWTAudience must match the claims iss and aud. Empty means
	// the claim is not looked at.
	JWTIssuer   string `name:"jwt-issuer" placeholder:"ISS" help:"Required issuer (iss) of client tokens."`
	JWTAudience string `name:"jwt-audience" placeholder:"AUD" help:"Required audience (aud) of client tokens."`
	// TokenCookie is the name of a cookie that may hold a client's token, for pages
	// that can send nothing else with a WebSocket. Browsers add cookies to the requests
	// of all sites, so they count only for the server's own origin and AllowedOrigins,
	// and never for the backend API. Empty: none is looked at.
	TokenCookie string `placeholder:"NAME" help:"Cookie that may hold a client's token, such as __Host-hubline; counts for pages of the own origin and --allowed-origins (none)."`
	// JWTLeeway is how far the clocks of issuer and server may differ when exp,
	// nbf and iat are checked.
	JWTLeeway time.Duration `name:"jwt-leeway" default:"30s" placeholder:"DURATION" help:"Tolerated clock difference when exp and nbf are checked (${default})."`
	// CloseOnExpiry ends connections of SignalR hubs when their token expires; they
	// may come back with a new one. Native streams always end then.
	CloseOnExpiry bool `name:"close-on-expiry" help:"Close SignalR connections when their token expires; clients may reconnect with a new one. Native streams always end then."`
	// APIKeyFile holds lines `name scopes sha256:<hex>`; they are valid besides
	// the data directory's key.
	APIKeyFile string `name:"api-key-file" placeholder:"FILE" help:"API keys of backends: lines of \"name scopes sha256:<hex>\"."`
}

// Logging says how the process reports about itself, on standard error.
type Logging struct {
	// LogFormat auto means text on a terminal and JSON otherwise.
	LogFormat string `default:"auto" enum:"auto,text,json" placeholder:"FORMAT" help:"auto, text or json; auto is text on a terminal and json otherwise (${default})."`
	LogLevel  string `default:"info" enum:"debug,info,warn,error" placeholder:"LEVEL" help:"debug, info, warn or error (${default})."`
}

// DemoFlags are for trying Hubline out.
type DemoFlags struct {
	// Demo publishes a small backup that never ends, so that a newcomer sees
	// events without publishing any.
	Demo bool `hidden:"" help:"Publish the progress of an imaginary backup, for a first look."`
}
