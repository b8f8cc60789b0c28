package auth

import (
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ErrTooManyRevocations means that as many are remembered as allowed. Nothing was revoked.
var ErrTooManyRevocations = errors.New("as many revocations are remembered as allowed")

// Revocation says which tokens are not accepted any more: one by its id (claim jti), those
// of a user, or everybody's. With Before, only those that were issued earlier (claim iat);
// a token that does not say when counts as issued before everything.
type Revocation struct {
	User    string // empty: anybody's
	TokenID string // empty: any
	Before  time.Time
	// Until is when the revocation is forgotten: not before the last token that it
	// speaks of has expired.
	Until time.Time
}

// Revocations are the revocations that hold. The zero value has none and no bound. It is safe
// for concurrent use.
type Revocations struct {
	max int

	some atomic.Bool // false as long as there never was one
	mu   sync.RWMutex
	held map[subject]span
}

// subject is whose tokens, or which one.
type subject struct{ user, token string }

type span struct{ before, until int64 } // Unix milliseconds; before 0: whenever issued

// NewRevocations returns Revocations that remember at most so many; zero or less means
// without a bound.
func NewRevocations(limit int) *Revocations { return &Revocations{max: limit} }

// Add has a revocation hold. Of two for the same user or token the later time of each
// counts, and what holds from now on is returned. It returns ErrTooManyRevocations.
func (r *Revocations) Add(v Revocation) (held Revocation, err error) {
	return r.add(v, r.max)
}

// Restore is Add for one that held before a start, whatever the bound is now: without it
// tokens would be accepted again.
func (r *Revocations) Restore(v Revocation) { _, _ = r.add(v, 0) } // without a bound nothing fails

func (r *Revocations) add(v Revocation, limit int) (held Revocation, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == nil {
		r.held = make(map[subject]span)
	}
	key := subject{strings.Clone(v.User), strings.Clone(v.TokenID)}
	old, known := r.held[key]
	if !known && limit > 0 && len(r.held) >= limit {
		return held, ErrTooManyRevocations
	}
	now := span{until: v.Until.UnixMilli()}
	if !v.Before.IsZero() {
		now.before = v.Before.UnixMilli()
	}
	if known {
		now.until = max(now.until, old.until)
		if now.before == 0 || old.before == 0 {
			now.before = 0
		} else {
			now.before = max(now.before, old.before)
		}
	}
	r.held[key] = now
	r.some.Store(true)
	held = Revocation{User: key.user, TokenID: key.token, Until: time.UnixMilli(now.until)}
	if now.before != 0 {
		held.Before = time.UnixMilli(now.before)
	}
	return held, nil
}

// Revoked reports whether the token behind an identity is not accepted any more. API keys
// never are. It costs nothing as long as nothing was revoked.
func (r *Revocations) Revoked(id *Identity) bool {
	if r == nil || !r.some.Load() || id.KeyName != "" {
		return false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.meantLocked(subject{}, id) || id.User != "" && r.meantLocked(subject{user: id.User}, id) {
		return true
	}
	return id.TokenID != "" && (r.meantLocked(subject{token: id.TokenID}, id) || r.meantLocked(subject{id.User, id.TokenID}, id))
}

// meantLocked reports whether what holds for the subject means the identity's token.
func (r *Revocations) meantLocked(key subject, id *Identity) bool {
	s, ok := r.held[key]
	return ok && s.holds(id)
}

// holds reports whether the identity's token was issued in time to be meant.
func (s span) holds(id *Identity) bool {
	return s.before == 0 || id.IssuedAt.IsZero() || id.IssuedAt.UnixMilli() < s.before
}

// Sweep forgets what has expired, at most so many, and returns it.
func (r *Revocations) Sweep(now time.Time, most int) (gone []Revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, s := range r.held {
		if len(gone) == most {
			break
		}
		if s.until <= now.UnixMilli() {
			gone = append(gone, Revocation{User: key.user, TokenID: key.token})
			delete(r.held, key)
		}
	}
	return gone
}

// Len is how many are remembered.
func (r *Revocations) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.held)
}

// Record returns the revocation as it is kept on disk: two names and a value.
func (v *Revocation) Record() (of, name string, value []byte) {
	before := int64(0)
	if !v.Before.IsZero() {
		before = v.Before.UnixMilli()
	}
	value = binary.AppendVarint(binary.AppendVarint(nil, before), v.Until.UnixMilli())
	if v.TokenID == "" {
		return v.User, "user", value
	}
	return v.User, "token:" + v.TokenID, value
}

// ReadRevocation reads what Record has returned.
func ReadRevocation(of, name string, value []byte) (v Revocation, ok bool) {
	before, n := binary.Varint(value)
	if n <= 0 {
		return v, false
	}
	until, m := binary.Varint(value[n:])
	if m <= 0 || n+m != len(value) {
		return v, false
	}
	v = Revocation{User: of, Until: time.UnixMilli(until)}
	if before != 0 {
		v.Before = time.UnixMilli(before)
	}
	if name == "user" {
		return v, true
	}
	v.TokenID, ok = strings.CutPrefix(name, "token:")
	return v, ok && v.TokenID != ""
}
