package ratelimit

import "net/netip"

// Network is the subject that a client's address counts as: an IPv4 address is
// itself, also when it is written as an IPv6 one; of IPv6 it is the /64, of which
// one customer has all addresses. Zones do not count. What is no address stays so.
func Network(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if !addr.Is6() {
		return addr
	}
	p, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return netip.Addr{} // an IPv6 address has 64 bits
	}
	return p.Addr()
}

// ParseNetwork is Network for the text of an address; the zero Addr if it is none.
func ParseNetwork(text string) netip.Addr {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return Network(addr)
}

// Prefixes returns the networks with those of IPv4 addresses that are written as
// IPv6 ones in their own form, in which addresses are compared.
func Prefixes(list []netip.Prefix) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, p := range list {
		if out[i] = p; p.Addr().Is4In6() && p.Bits() >= 96 {
			out[i] = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
	}
	return out
}
