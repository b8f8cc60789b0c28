package api

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"hubline/transports"
)

// counter bounds connections per client address; IPv6 clients count by their
// /64, of which one customer has all addresses. A limit of zero counts nothing.
type counter struct {
	limit   int
	refused atomic.Uint64

	mu sync.Mutex
	n  map[netip.Prefix]int
}

func newCounter(limit int) *counter { return &counter{limit: limit, n: map[netip.Prefix]int{}} }

// prefixOf is the network that a client counts by.
func prefixOf(ip string) (netip.Prefix, bool) {
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
	p, ok := prefixOf(ip)
	if c.limit <= 0 || !ok {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n[p] >= c.limit {
		c.refused.Add(1)
		return false
	}
	c.n[p]++
	return true
}

// leave takes one back.
func (c *counter) leave(ip string) {
	p, ok := prefixOf(ip)
	if c.limit <= 0 || !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n[p]--; c.n[p] <= 0 {
		delete(c.n, p)
	}
}

var errPerIP = tooManyConnections("Your address has as many as allowed; see max-connections-per-ip, and trusted-proxies if there is a proxy.")

// enter counts the connection by its client's address until it ends, and reports
// whether it is still allowed.
func (a *API) enter(conn *transports.Connection) bool {
	if a.cfg.MaxPerIP <= 0 {
		return true
	}
	if !a.perIP.enter(conn.Addr) {
		return false
	}
	var once sync.Once
	leave := func() { once.Do(func() { a.perIP.leave(conn.Addr) }) }
	conn.OnEnd(leave)
	if conn.Ended() { // meanwhile, and so without having seen leave
		leave()
	}
	return true
}
