// Package loopback tells whether a request comes from the server's own machine,
// as far as the request shows, for the few answers that have no business elsewhere.
package loopback

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Request reports whether client and server are on one machine, with no proxy
// between them that says so.
//
// The Host header must name the loopback interface too. A page of another site
// whose name has been made to resolve to 127.0.0.1 (DNS rebinding) sends its own
// name there.
func Request(r *http.Request) bool {
	for _, name := range [...]string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(trimBrackets(host))
	return err == nil && addr.Unmap().IsLoopback()
}

// OwnPage reports whether the request is one of [Request] that a page of this
// very server has sent: browsers name the page's origin in every POST, and
// scripts cannot change it. Where no Origin is sent it is false; programs that
// are no browsers may send what they like.
func OwnPage(r *http.Request) bool {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	origin := r.Header["Origin"]
	if len(origin) != 1 || !strings.EqualFold(origin[0], scheme+"://"+r.Host) {
		return false
	}
	// Browsers that have the header know it better than anybody.
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	return Request(r)
}

// trimBrackets takes the brackets off an IPv6 address without a port.
func trimBrackets(host string) string {
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}
