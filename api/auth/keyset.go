package auth

import (
	"context"
	"crypto"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

var errEmptySet = errors.New("the JWK set has no key that can verify a signature")

// keySet is the storage of a JWK set. It keeps only keys that are fit to verify
// tokens, and counts how often one of them was withdrawn.
type keySet struct {
	jwkset.Storage

	replacing sync.Mutex // held by KeyReplaceAll, so that two do not compare with the same past
	// gen grows whenever a key disappears or changes, so that what was verified
	// with it is not trusted any longer. Zero is never used.
	gen atomic.Uint64
	// fetched counts the replacements.
	fetched atomic.Uint64
}

func newKeySet() *keySet {
	s := &keySet{Storage: jwkset.NewMemoryStorage()}
	s.gen.Store(1)
	return s
}

// KeyReplaceAll replaces the set. A set without a usable key is refused and the
// old one stays: a proxy's friendly page or an issuer in the middle of its own
// start is far more likely than an issuer that means to lock everybody out.
func (s *keySet) KeyReplaceAll(ctx context.Context, given []jwkset.JWK) error {
	given = slices.DeleteFunc(given, func(jwk jwkset.JWK) bool { return !verifies(jwk) })
	if len(given) == 0 {
		return errEmptySet
	}
	s.replacing.Lock()
	defer s.replacing.Unlock()
	old, err := s.KeyReadAll(ctx)
	if err != nil {
		return err
	}
	if err := s.Storage.KeyReplaceAll(ctx, given); err != nil {
		return err
	}
	s.fetched.Add(1)
	for _, key := range old {
		if !slices.ContainsFunc(given, func(jwk jwkset.JWK) bool { return sameKey(jwk, key) }) {
			// After the replacement, never before it: see jwksKeys.keys.
			s.gen.Add(1)
			break
		}
	}
	return nil
}

// serving returns the keys that a token without a key id may be signed with, or,
// with nameless, those of them that have none either, which are all that is left
// to try for a token whose key id the set does not have (RFC 7517, section 4.5:
// the member is optional).
func (s *keySet) serving(ctx context.Context, method string, nameless bool) ([]jwt.VerificationKey, error) {
	all, err := s.KeyReadAll(ctx)
	if err != nil {
		return nil, err
	}
	var keys []jwt.VerificationKey
	for _, jwk := range all {
		m := jwk.Marshal()
		alg := m.ALG.String()
		if nameless && m.KID != "" {
			continue
		}
		key := publicPart(jwk)
		if (alg == "" || alg == method) && slices.Contains(methodsOf(key), method) && len(keys) < maxCandidates {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, ErrUnknownKey
	}
	return keys, nil
}

// verifies reports whether a key may verify signatures (RFC 7517, sections 4.2
// and 4.3) and is of a kind we accept.
func verifies(jwk jwkset.JWK) bool {
	m := jwk.Marshal()
	if m.USE != "" && m.USE != jwkset.UseSig {
		return false
	}
	if len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify) {
		return false
	}
	return len(methodsOf(publicPart(jwk))) > 0
}

func sameKey(a, b jwkset.JWK) bool {
	key, ok := publicPart(a).(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(publicPart(b)) &&
		a.Marshal().KID == b.Marshal().KID && a.Marshal().ALG == b.Marshal().ALG
}

// publicPart returns the public key even if the set publishes the private one.
func publicPart(jwk jwkset.JWK) any {
	if key, ok := jwk.Key().(crypto.Signer); ok {
		return key.Public()
	}
	return jwk.Key()
}
