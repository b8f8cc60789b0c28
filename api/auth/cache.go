package auth

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// cache keeps verified tokens, so that a client that publishes often pays for
// its signature once. It is safe for concurrent use.
//
// The key is the SHA-256 of the token, not the token: the cache then holds no
// secret that a memory dump could give away, 32 bytes instead of up to 8 KiB
// per entry, and the time of a lookup tells nothing about tokens in it.
type cache struct {
	lru *lru.Cache[digest, verified]
}

// verified is a token whose signature and claims have been found right.
type verified struct {
	identity *Identity
	// from and until are nbf and exp with the leeway applied; zero means unbounded.
	from, until time.Time
	// gen is the generation of the JWK set that verified the token; zero if a
	// key that cannot change did.
	gen uint64
}

func newCache(size int) (cache, error) {
	c, err := lru.New[digest, verified](size)
	return cache{lru: c}, err
}

// get returns a verified token that still holds at now under generation gen of
// the JWK set, and forgets one that no longer does.
func (c cache) get(key digest, now time.Time, gen uint64) (*Identity, bool) {
	v, ok := c.lru.Get(key)
	if !ok {
		return nil, false
	}
	if !v.holds(now, gen) {
		c.lru.Remove(key)
		return nil, false
	}
	return v.identity, true
}

func (c cache) add(key digest, v verified) { c.lru.Add(key, v) }

func (v *verified) holds(now time.Time, gen uint64) bool {
	return (v.gen == 0 || v.gen == gen) &&
		(v.until.IsZero() || now.Before(v.until)) &&
		(v.from.IsZero() || !now.Before(v.from))
}
