package auth

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// jwksMethods are the algorithms a JWK set may bring keys for, at any time. No
// HMAC: a set that is published cannot hold a secret.
var jwksMethods = []string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

// jwksKeys is the key source of a JWK set. The set is fetched at start, then at
// intervals, and when a token names a key that is not in it or is signed with
// none that is (at most once per JWKSRefetch): issuers that rotate need not give
// the new key a new id, or any. A failed fetch leaves the keys in force.
type jwksKeys struct {
	set    *keySet
	lookup keyfunc.Keyfunc // reads set, never fetches
	// remote fetches the set. Nil until the first fetch has succeeded.
	remote  atomic.Pointer[func()]
	tried   chan struct{} // closed after the first attempt
	limiter *rate.Limiter
	flight  singleflight.Group
}

// newJWKSKeys starts fetching and returns at once.
func newJWKSKeys(ctx context.Context, cfg Config) (*jwksKeys, error) {
	k := &jwksKeys{
		set:     newKeySet(),
		tried:   make(chan struct{}),
		limiter: rate.NewLimiter(rate.Every(cfg.JWKSRefetch), 1),
	}
	var err error
	if k.lookup, err = keyfunc.New(keyfunc.Options{Ctx: ctx, Storage: k.set}); err != nil {
		return nil, err
	}
	// Ends with the first successful fetch or with ctx.
	go k.start(ctx, cfg)
	return k, nil
}

func (k *jwksKeys) ready() bool { return k.remote.Load() != nil }

func (k *jwksKeys) generation() uint64 { return k.set.gen.Load() }

// keys implements keySource.
func (k *jwksKeys) keys(ctx context.Context, token *jwt.Token) ([]jwt.VerificationKey, uint64, error) {
	method := token.Method.Alg()
	if !slices.Contains(jwksMethods, method) {
		return nil, 0, ErrAlgorithm
	}
	// A request that comes while the server starts waits for the first attempt
	// instead of being turned away with a good token.
	select {
	case <-k.tried:
	case <-ctx.Done():
		return nil, 0, ErrKeysUnavailable
	}
	if !k.ready() {
		return nil, 0, ErrKeysUnavailable
	}
	// Read before the keys: a key that is withdrawn in between must not be
	// remembered under the generation in which it is gone.
	gen := k.generation()
	header, named := token.Header[jwkset.HeaderKID]
	if !named {
		keys, err := k.set.serving(ctx, method, false)
		return keys, gen, err
	}
	kid, ok := header.(string)
	if !ok {
		return nil, 0, invalidError("its key id is not a string")
	}
	seen := k.fetched()
	keys, err := k.named(ctx, token, method, kid)
	if errors.Is(err, jwkset.ErrKeyNotFound) && k.refetch(ctx, seen) {
		gen = k.generation()
		keys, err = k.named(ctx, token, method, kid)
	}
	// The text of err has the key id in it, which the client made up.
	if err != nil {
		return nil, 0, ErrUnknownKey
	}
	return keys, gen, nil
}

// named returns the key of that id, or else those without one.
func (k *jwksKeys) named(ctx context.Context, token *jwt.Token, method, kid string) ([]jwt.VerificationKey, error) {
	key, err := k.lookup.KeyfuncCtx(ctx)(token)
	switch {
	case errors.Is(err, jwkset.ErrKeyNotFound), kid == "":
		if keys, nameless := k.set.serving(ctx, method, true); nameless == nil {
			return keys, nil
		}
		return nil, jwkset.ErrKeyNotFound
	case err != nil:
		return nil, err
	case !slices.Contains(methodsOf(key), method):
		return nil, ErrUnknownKey
	}
	return []jwt.VerificationKey{key}, nil
}

// fetched is how often the set has been fetched.
func (k *jwksKeys) fetched() uint64 { return k.set.fetched.Load() }

// refetch fetches the set if the limit allows, and reports whether that, or
// somebody else, has since the caller has seen it. All who ask in the meantime
// wait for the same fetch; the request that caused it does not end it, or else a
// client that hangs up at once could use up the limit for everybody.
func (k *jwksKeys) refetch(ctx context.Context, seen uint64) bool {
	if k.fetched() != seen || !k.ready() {
		return k.ready()
	}
	done := k.flight.DoChan("", func() (any, error) {
		if k.fetched() == seen && k.limiter.Allow() {
			(*k.remote.Load())()
		}
		return nil, nil
	})
	select {
	case <-done:
	case <-ctx.Done():
	}
	return k.fetched() != seen
}
