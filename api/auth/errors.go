package auth

import "errors"

// The reasons why a token is refused. [Verifier.Verify] returns one of them,
// possibly with fixed text around it; use errors.Is.
var (
	// ErrNoToken means that there was nothing to verify.
	ErrNoToken = errors.New("no token")
	// ErrInvalid means a malformed token, a wrong signature or a claim of the wrong shape.
	ErrInvalid = errors.New("invalid token")
	// ErrExpired means that exp plus the leeway has passed.
	ErrExpired = errors.New("token has expired")
	// ErrRevoked means that the token is not accepted any more, see Revocations.
	ErrRevoked = errors.New("token has been revoked")
	// ErrNotYet means that nbf minus the leeway is still to come.
	ErrNotYet = errors.New("token is not valid yet")
	// ErrIssuer means that iss is not the configured issuer.
	ErrIssuer = errors.New("token has the wrong issuer")
	// ErrAudience means that aud does not contain the configured audience.
	ErrAudience = errors.New("token has the wrong audience")
	// ErrAlgorithm means an algorithm that no configured key can serve.
	ErrAlgorithm = errors.New("token algorithm is not accepted")
	// ErrUnknownKey means that the JWK set has no key for this token.
	ErrUnknownKey = errors.New("token is signed with an unknown key")
	// ErrNoSubject means that sub is missing, empty or not a usable name.
	ErrNoSubject = errors.New("token has no usable subject")
	// ErrKeysUnavailable means that the JWK set could not be fetched yet. It is
	// the server's trouble, not the client's: the same token may pass later.
	ErrKeysUnavailable = errors.New("token keys are not available yet")
)

// invalidError is ErrInvalid with the reason, which is always a constant.
type invalidError string

func (e invalidError) Error() string { return "invalid token: " + string(e) }

func (e invalidError) Is(target error) bool { return target == ErrInvalid }
