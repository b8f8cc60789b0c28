package config

import (
	"fmt"
	"slices"
	"time"
)

// npmKeepAlive and npmServerTimeout are the defaults of the SignalR clients.
const (
	npmKeepAlive     = 15 * time.Second
	npmServerTimeout = 30 * time.Second
)

// Warnings tells what is allowed but will surprise, a sentence each.
func (c Config) Warnings() []string {
	var w []string
	if c.ClientTimeout < 2*npmKeepAlive {
		w = append(w, fmt.Sprintf("client-timeout is %v: SignalR clients ping every %v unless told otherwise, and one late ping will cut them off", c.ClientTimeout, npmKeepAlive))
	}
	if c.PingInterval > npmServerTimeout/2 {
		w = append(w, fmt.Sprintf("ping-interval is %v: SignalR clients give up after %v without a message unless told otherwise", c.PingInterval, npmServerTimeout))
	}
	if c.TokenCookie != "" && slices.Contains(c.AllowedOrigins, "*") {
		w = append(w, "token-cookie does not count for the origins that allowed-origins * lets in: list those whose pages may use it")
	}
	for _, p := range c.TrustedProxies {
		if p.Bits() == 0 {
			w = append(w, fmt.Sprintf("trusted-proxies has %v: whoever connects is believed what they say of their address, so limits per address hold nobody back", p))
		}
	}
	return w
}
