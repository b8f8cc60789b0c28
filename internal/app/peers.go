package app

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"hubline/internal/ratelimit"
)

// peers counts the sockets of each address that are no connections: those whose
// peer has not said anything yet, or says it slowly, or is between two requests.
// Connections are counted elsewhere, by who is behind them. The zero value counts
// nothing. It is safe for concurrent use.
type peers struct {
	limit   int
	proxies []netip.Prefix
	refused atomic.Uint64

	mu sync.Mutex
	n  map[netip.Addr]int // for those who have any
}

// perIP bounds the sockets of one address; zero is no limit. Trusted proxies, which
// speak for many, have none. It returns l.
func (l *sockets) perIP(limit int, proxies []netip.Prefix) *sockets {
	l.peers.limit, l.peers.proxies, l.peers.n = limit, ratelimit.Prefixes(proxies), make(map[netip.Addr]int)
	return l
}

// of is the address that a socket is counted by; the zero Addr if it is not.
func (p *peers) of(nc net.Conn) netip.Addr {
	if p.limit <= 0 {
		return netip.Addr{}
	}
	remote, ok := nc.RemoteAddr().(interface{ AddrPort() netip.AddrPort })
	if !ok {
		return netip.Addr{}
	}
	addr := remote.AddrPort().Addr().Unmap().WithZone("")
	for _, proxy := range p.proxies {
		if proxy.Contains(addr) {
			return netip.Addr{}
		}
	}
	return ratelimit.Network(addr)
}

// enter counts one more, unless there are too many.
func (p *peers) enter(peer netip.Addr) bool {
	if !peer.IsValid() {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n[peer] >= p.limit {
		p.refused.Add(1)
		return false
	}
	p.n[peer]++
	return true
}

// add counts one more, come what may: a connection that has given its socket back.
func (p *peers) add(peer netip.Addr) {
	if peer.IsValid() {
		p.mu.Lock()
		p.n[peer]++
		p.mu.Unlock()
	}
}

// leave takes one back.
func (p *peers) leave(peer netip.Addr) {
	if !peer.IsValid() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n[peer]--; p.n[peer] <= 0 {
		delete(p.n, peer)
	}
}
