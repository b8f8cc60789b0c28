package web

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
)

// herePath is where the page asks what it needs to know of the server.
const herePath = "console/here.json"

// Here is what the page tells people to type beside this server, and whether
// there is a demo to look at.
type Here struct {
	// Program is how hubline was called.
	Program string `json:"program,omitempty"`
	// Token is the command that makes a token, without --user. Empty: there is none.
	Token string `json:"token,omitempty"`
	// KeyFile has the API key. Empty: there is none.
	KeyFile string `json:"keyFile,omitempty"`
	// Demo: demo/session gives a token.
	Demo bool `json:"demo"`
	// Local is set for a browser on the server's own machine.
	Local bool `json:"local"`
}

// serve answers with all of it only on the same machine, where the paths mean
// something; others have no business with where programs and secrets lie.
func (h Here) serve(w http.ResponseWriter, r *http.Request) {
	if h.Local = isLocal(r); !h.Local {
		h = Here{Demo: h.Demo}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(h) // the client is gone
}

// isLocal reports whether browser and server are on one machine, with no proxy
// between them, as far as the request shows.
func isLocal(r *http.Request) bool {
	for _, name := range [...]string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(trimBrackets(host))
	return err == nil && addr.Unmap().IsLoopback()
}

// trimBrackets takes the brackets off an IPv6 address without a port.
func trimBrackets(host string) string {
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}
