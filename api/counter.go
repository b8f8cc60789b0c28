package api

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"hubline/internal/ratelimit"
	"hubline/transports"
)

// counter bounds connections per client address; IPv6 clients count by their
// /64, of which one customer has all addresses. A limit of zero counts nothing.
type counter struct {
	limit   int
	refused atomic.Uint64

	mu sync.Mutex
	n  map[netip.Addr]int
}

func newCounter(limit int) *counter { return &counter{limit: limit, n: map[netip.Addr]int{}} }

// enter reports whether one more connection from ip is allowed.
func (c *counter) enter(ip string) bool {
	p := ratelimit.ParseNetwork(ip)
	if c.limit <= 0 || !p.IsValid() {
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
	p := ratelimit.ParseNetwork(ip)
	if c.limit <= 0 || !p.IsValid() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n[p]--; c.n[p] <= 0 {
		delete(c.n, p)
	}
}

var errPerIP = tooManyConnections("Your address has as many as allowed; see max-connections-per-ip, and trusted-proxies if there is a proxy.")

// enter counts the connection by its client's address until it ends, one without a
// user among those too. It returns why it is not allowed, if it is not.
func (a *API) enter(conn *transports.Connection) error {
	anonymous := conn.User == ""
	if a.cfg.MaxPerIP <= 0 && !anonymous {
		return nil
	}
	if anonymous {
		if err := a.anonymous.enter(conn.Addr); err != nil {
			return err
		}
	}
	if !a.perIP.enter(conn.Addr) {
		if anonymous {
			a.anonymous.leave(conn.Addr)
		}
		return errPerIP
	}
	var once sync.Once
	leave := func() {
		once.Do(func() {
			a.perIP.leave(conn.Addr)
			if anonymous {
				a.anonymous.leave(conn.Addr)
			}
		})
	}
	conn.OnEnd(leave)
	if conn.Ended() { // meanwhile, and so without having seen leave
		leave()
	}
	return nil
}
