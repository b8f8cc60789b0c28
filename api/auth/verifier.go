package auth

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Verifier checks tokens. It is safe for concurrent use. It needs no closing:
// the context given to NewVerifier ends what runs in the background.
type Verifier struct {
	cfg     Config
	parser  *jwt.Parser
	sources []keySource
	jwks    *jwksKeys // nil without a JWK set
	cache   cache

	// lastIssuer is the issuer seen last. Most servers have one, which all
	// identities then share.
	lastIssuer atomic.Pointer[string]
}

// keySource finds the keys that may have signed a token.
type keySource interface {
	// keys returns the candidates for a parsed but unverified token, all fit for
	// its algorithm, and the generation they belong to (zero: they never change).
	// Errors are those of this package.
	keys(ctx context.Context, token *jwt.Token) (keys []jwt.VerificationKey, gen uint64, err error)
}

// NewVerifier returns a Verifier for cfg, or every problem of cfg. It does not
// wait for the JWK set, which is fetched in the background until ctx ends.
func NewVerifier(ctx context.Context, cfg Config) (*Verifier, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	static, err := newStaticKeys(cfg)
	if err != nil {
		return nil, err
	}
	tokens, err := newCache(cfg.CacheSize)
	if err != nil {
		return nil, err
	}
	v := &Verifier{cfg: cfg, cache: tokens}
	methods := static.methods()
	if len(static) > 0 {
		v.sources = append(v.sources, static)
	}
	if cfg.JWKSURL != "" {
		if v.jwks, err = newJWKSKeys(ctx, cfg); err != nil {
			return nil, err
		}
		v.sources = append(v.sources, v.jwks)
		methods = slices.Concat(methods, jwksMethods)
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(methods),
		jwt.WithLeeway(cfg.Leeway),
		jwt.WithTimeFunc(cfg.Now),
		// One token, one spelling: the bits a lenient decoder ignores would make
		// several texts of it.
		jwt.WithStrictDecoding(),
	}
	if !cfg.AllowNoExpiry {
		options = append(options, jwt.WithExpirationRequired())
	}
	if cfg.Issuer != "" {
		options = append(options, jwt.WithIssuer(cfg.Issuer))
	}
	if cfg.Audience != "" {
		options = append(options, jwt.WithAudience(cfg.Audience))
	}
	v.parser = jwt.NewParser(options...)
	return v, nil
}

// Leeway returns the clock difference tolerated in exp: a connection that was
// opened after [Identity.Expires] ends at that plus this.
func (v *Verifier) Leeway() time.Duration { return v.cfg.Leeway }

// Ready returns ErrKeysUnavailable while the JWK set has not been fetched.
func (v *Verifier) Ready() error {
	if v.jwks != nil && !v.jwks.ready() {
		return ErrKeysUnavailable
	}
	return nil
}

// Verify returns the identity of a token, or one of the errors of this package.
// The identity is shared with other callers and must not be changed; nothing in
// it refers to the memory of the token. A token seen before costs a hash and a
// map lookup. Verify blocks only while the JWK set is being fetched for the
// first time or for a key that is not in it yet, at most until ctx ends.
func (v *Verifier) Verify(ctx context.Context, token string) (*Identity, error) {
	if token == "" {
		return nil, ErrNoToken
	}
	if len(token) > MaxTokenBytes {
		return nil, invalidError("longer than 8192 bytes")
	}
	id, err := v.identify(ctx, token)
	if err == nil && v.cfg.Revocations.Revoked(id) {
		return nil, ErrRevoked
	}
	return id, err
}

// Revocations are those that the verifier looks at.
func (v *Verifier) Revocations() *Revocations { return v.cfg.Revocations }

// Revoked reports whether a token that was accepted once is not any more.
func (v *Verifier) Revoked(id *Identity) bool { return v.cfg.Revocations.Revoked(id) }

// identify is Verify without a look at what was revoked.
func (v *Verifier) identify(ctx context.Context, token string) (*Identity, error) {
	key := digestOf(token)
	if id, ok := v.cache.get(key, v.cfg.Now(), v.generation()); ok {
		return id, nil
	}
	// A PEM key and a JWK set may both serve an algorithm: the set, which may
	// have to be fetched, is asked only if the files do not have the key.
	problem := error(ErrAlgorithm)
	for _, source := range v.sources {
		found, err := v.verify(ctx, token, source)
		if err == nil {
			v.cache.add(key, found)
			return found.identity, nil
		}
		if errors.Is(err, ErrAlgorithm) {
			continue // another source may serve it
		}
		problem = err
		if !errors.Is(err, errSignature) {
			break
		}
	}
	return nil, problem
}

// Known returns the identity of a token that Verify has found right before and that
// still holds, for the price of a hash and a map lookup. One that was revoked since is
// not known: Verify says why.
func (v *Verifier) Known(token string) (*Identity, bool) {
	if token == "" || len(token) > MaxTokenBytes {
		return nil, false
	}
	id, ok := v.cache.get(digestOf(token), v.cfg.Now(), v.generation())
	if !ok || v.cfg.Revocations.Revoked(id) {
		return nil, false
	}
	return id, true
}

func (v *Verifier) generation() uint64 {
	if v.jwks == nil {
		return 0
	}
	return v.jwks.generation()
}

// errSignature is the ErrInvalid after which another key may still fit.
const errSignature = invalidError("the signature is wrong")

// verify checks the token against the keys of one source. Those of a JWK set may
// have changed under their old ids, or have none: a signature that none of them
// made is looked at again with the set of now.
func (v *Verifier) verify(ctx context.Context, token string, source keySource) (verified, error) {
	k, ok := source.(*jwksKeys)
	if !ok {
		return v.verifyOnce(ctx, token, source)
	}
	seen := k.fetched()
	found, err := v.verifyOnce(ctx, token, source)
	if errors.Is(err, errSignature) && k.refetch(ctx, seen) {
		return v.verifyOnce(ctx, token, source)
	}
	return found, err
}

func (v *Verifier) verifyOnce(ctx context.Context, token string, source keySource) (verified, error) {
	var (
		claims tokenClaims
		gen    uint64
		keyErr error
		asked  bool
	)
	_, err := v.parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		asked = true
		// RFC 7515, section 4.1.11: an extension that must be understood and is
		// not makes the token invalid. None is understood here.
		if _, ok := t.Header["crit"]; ok {
			keyErr = invalidError("it has a critical header")
			return nil, keyErr
		}
		var keys []jwt.VerificationKey
		keys, gen, keyErr = source.keys(ctx, t)
		return jwt.VerificationKeySet{Keys: keys}, keyErr
	})
	switch {
	case err == nil:
		return v.verified(&claims, gen), nil
	case keyErr != nil:
		return verified{}, keyErr
	case errors.Is(err, jwt.ErrTokenInvalidClaims):
		return verified{}, v.claimProblem(&claims, err)
	case errors.Is(err, jwt.ErrTokenMalformed):
		return verified{}, invalidError("it is malformed")
	case !asked:
		// The parser refuses an algorithm before it asks for a key.
		return verified{}, ErrAlgorithm
	default:
		return verified{}, errSignature
	}
}

// claimProblem says which claim is wrong. Several may be; the one that cannot
// be healed by a fresh token comes first.
func (v *Verifier) claimProblem(claims *tokenClaims, err error) error {
	switch {
	case claims.err != nil:
		return claims.err
	case v.cfg.Issuer != "" && claims.issuer != v.cfg.Issuer:
		return ErrIssuer
	case v.cfg.Audience != "" && !slices.Contains(claims.audience, v.cfg.Audience):
		return ErrAudience
	case errors.Is(err, jwt.ErrTokenExpired):
		return ErrExpired
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return ErrNotYet
	default:
		return invalidError("claim exp is missing")
	}
}

func (v *Verifier) verified(claims *tokenClaims, gen uint64) verified {
	found := verified{identity: claims.identity(), gen: gen}
	if claims.expires != nil {
		found.until = claims.expires.Add(v.cfg.Leeway)
	}
	if claims.from != nil {
		found.from = claims.from.Add(-v.cfg.Leeway)
	}
	issuer := found.identity.Issuer
	if last := v.lastIssuer.Load(); last != nil && *last == issuer {
		found.identity.Issuer = *last
	} else {
		v.lastIssuer.Store(&issuer)
	}
	return found
}
