package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"hubline/internal/ratelimit"
)

// The headers in which proxies tell for whom they speak, as --forwarded-header
// names them.
const (
	headerForwarded = "forwarded" // RFC 7239
	headerRealIP    = "x-real-ip" // one address, without those of proxies on the way
)

// clientAddr returns a function that tells the client's address: the peer's, or,
// if that is one of the trusted proxies, the last in the header that is not
// (everything left of it the client may have made up). An entry that is no address
// ends the search, and the trusted proxy that wrote it counts as the client. The
// zero Addr if there is no address at all, as on a Unix socket.
//
// Only one header is read, by default X-Forwarded-For. A proxy writes one and lets
// the others through as the client sent them: whoever read them all would believe
// the client.
func clientAddr(proxies []netip.Prefix, header string) func(*http.Request) netip.Addr {
	trusted := ratelimit.Prefixes(proxies)
	name, last := "X-Forwarded-For", lastAddress
	switch header {
	case headerForwarded:
		name, last = "Forwarded", lastForwarded
	case headerRealIP:
		name, last = "X-Real-Ip", wholeAddress
	}
	return func(r *http.Request) netip.Addr {
		addr, ok := parseAddr(r.RemoteAddr)
		if !ok {
			return netip.Addr{}
		}
		for _, list := range slices.Backward(r.Header[name]) {
			for more := true; more; {
				if !contains(trusted, addr) {
					return addr
				}
				var entry string
				entry, list, more = last(list)
				next, ok := parseAddr(entry)
				if !ok {
					return addr
				}
				addr = next
			}
		}
		return addr
	}
}

// lastAddress cuts the last of the addresses of a list with commas.
func lastAddress(list string) (entry, rest string, more bool) {
	if k := strings.LastIndexByte(list, ','); k >= 0 {
		return strings.TrimSpace(list[k+1:]), list[:k], true
	}
	return strings.TrimSpace(list), "", false
}

func wholeAddress(list string) (entry, rest string, more bool) {
	return strings.TrimSpace(list), "", false
}

// parseAddr reads an address with or without a port, as proxies write both.
func parseAddr(s string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// clientIP is the client's address as text; empty if there is none.
func (a *API) clientIP(r *http.Request) string {
	if addr := a.clientAddr(r); addr.IsValid() {
		return addr.String()
	}
	return ""
}

// schemeOf is the scheme that the server itself was asked with. No header is asked:
// no answer has an absolute URL in it.
func schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}
