package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientIP returns a function that tells the client's address: the peer's, or,
// if that is one of the trusted proxies, the last in X-Forwarded-For that is not
// (everything left of it the client may have made up). An entry that is no
// address ends the search, and the trusted proxy that wrote it counts as the
// client. Empty if there is no address at all, as on a Unix socket.
func clientIP(proxies []netip.Prefix) func(*http.Request) string {
	trusted := make([]netip.Prefix, len(proxies))
	for i, p := range proxies {
		if trusted[i] = p; p.Addr().Is4In6() && p.Bits() >= 96 {
			trusted[i] = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
	}
	return func(r *http.Request) string {
		addr, ok := parseAddr(r.RemoteAddr)
		if !ok {
			return ""
		}
		for _, list := range slices.Backward(r.Header["X-Forwarded-For"]) {
			for more := true; more; {
				if !contains(trusted, addr) {
					return addr.String()
				}
				entry := list
				if k := strings.LastIndexByte(list, ','); k >= 0 {
					list, entry = list[:k], list[k+1:]
				} else {
					more = false
				}
				next, ok := parseAddr(strings.TrimSpace(entry))
				if !ok {
					return addr.String()
				}
				addr = next
			}
		}
		return addr.String()
	}
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
