package auth

import (
	"strings"
	"time"
)

// Bounds of the names in a token, in bytes. They protect the memory of whoever
// keeps an Identity per connection and the logs and metrics it appears in.
const (
	// MaxUserBytes bounds the claim sub.
	MaxUserBytes = 256
	// MaxDeviceBytes bounds the claims device and did.
	MaxDeviceBytes = 128
	// MaxChannels bounds the length of the claim channels.
	MaxChannels = 256
	// MaxChannelBytes bounds each name in the claim channels.
	MaxChannelBytes = 164
	// MaxTokenIDBytes bounds the claim jti.
	MaxTokenIDBytes = maxNameBytes
	// maxNameBytes bounds the claims iss and jti.
	maxNameBytes = 256
)

// Identity is who stands behind a request. It is shared between all requests
// that bring the same token and must not be changed.
type Identity struct {
	// User is the claim sub. Of an API key it is the one user whom it is for;
	// empty if it is for all.
	User string
	// Device is the claim device, else did; may be empty.
	Device string
	// TokenID is the claim jti; may be empty.
	TokenID string
	// Issuer is the claim iss; may be empty.
	Issuer string
	// KeyName is the name of the API key; empty for a token.
	KeyName string
	// Channels is the claim channels: names of private channels the user may
	// join, where a * at the end stands for anything (see AllowsChannel).
	Channels []string
	// Expires is the claim exp, without leeway. Zero means never.
	Expires time.Time
	// IssuedAt is the claim iat. Zero means that the token does not say.
	IssuedAt time.Time
	// Scopes is what the caller may do on the backend API.
	Scopes Scope
}

// OnlyFor returns the one user whom an API key is for. A token that has scopes is,
// like most keys, for all.
func (id *Identity) OnlyFor() (user string, only bool) {
	return id.User, id.KeyName != "" && id.User != ""
}

// AllowsChannel reports whether the claim channels names the channel, either
// exactly or by a prefix that ends in *.
func (id *Identity) AllowsChannel(channel string) bool {
	for _, pattern := range id.Channels {
		if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
			if strings.HasPrefix(channel, prefix) {
				return true
			}
		} else if pattern == channel {
			return true
		}
	}
	return false
}
