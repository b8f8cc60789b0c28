package api

import (
	"net/netip"
	"sync"
)

// counter bounds connections per client address; IPv6 clients count by their
// /64, of which one customer has all addresses. A limit of zero counts nothing.
type counter struct {
	limit int

	mu sync.Mutex
	n  map[netip.Prefix]int
}

func newCounter(limit int) *counter { return &counter{limit: limit, n: map[netip.Prefix]int{}} }

func prefix(ip string) (netip.Prefix, bool) {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.Prefix{}, false
	}
	bits := 32
	if a = a.Unmap(); a.Is6() {
		bits = 64
	}
	p, err := a.WithZone("").Prefix(bits)
	return p, err == nil
}

// enter reports whether one more connection from ip is allowed.
func (c *counter) enter(ip string) bool {
	if c.limit <= 0 {
		return true
	}
	p, ok := prefix(ip)
	if !ok {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n[p] >= c.limit {
		return false
	}
	c.n[p]++
	return true
}

// leave takes one back.
func (c *counter) leave(ip string) {
	if c.limit <= 0 {
		return
	}
	p, ok := prefix(ip)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n[p]--; c.n[p] <= 0 {
		delete(c.n, p)
	}
}
