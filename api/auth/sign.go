package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// defaultTTL is how long a token of [Sign] lives when its claims do not say.
const defaultTTL = time.Hour

// Claims is what [Sign] writes into a token.
type Claims struct {
	// User becomes sub. Required.
	User string
	// Device becomes device, if not empty.
	Device string
	// Scopes becomes scope, if not empty.
	Scopes Scope
	// Channels becomes channels, if not empty.
	Channels []string
	// TTL is the life of the token from IssuedAt on. Zero means 1 h. Ignored if Expires is set.
	TTL time.Duration
	// Expires becomes exp. Zero means IssuedAt plus TTL.
	Expires time.Time
	// IssuedAt becomes iat. Zero means now.
	IssuedAt time.Time
	// Issuer becomes iss, if not empty.
	Issuer string
	// Audience becomes aud, if not empty.
	Audience string
	// ID becomes jti. Empty means a random one, so that every token can be revoked alone.
	ID string
}

// signedClaims is the payload Sign writes. Times are whole seconds since 1970.
type signedClaims struct {
	jwt.RegisteredClaims

	Device   string   `json:"device,omitempty"`
	Scope    string   `json:"scope,omitempty"`
	Channels []string `json:"channels,omitempty"`
}

// Sign returns a token for c, signed with HS256. It serves development and
// tests; in production another program signs. It returns every problem that
// would make [Verifier.Verify] refuse the token for its shape.
func Sign(secret []byte, c Claims) (string, error) {
	if c.IssuedAt.IsZero() {
		c.IssuedAt = time.Now()
	}
	if c.TTL == 0 {
		c.TTL = defaultTTL
	}
	if c.Expires.IsZero() {
		c.Expires = c.IssuedAt.Add(c.TTL)
	}
	if c.ID == "" {
		c.ID = rand.Text()
	}
	if err := errors.Join(validateSecret(secret), c.validate()); err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	payload := signedClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject:   c.User,
			Issuer:    c.Issuer,
			ID:        c.ID,
			IssuedAt:  jwt.NewNumericDate(c.IssuedAt),
			ExpiresAt: jwt.NewNumericDate(c.Expires),
		},
		Device:   c.Device,
		Scope:    c.Scopes.String(),
		Channels: c.Channels,
	}
	if c.Audience != "" {
		payload.Audience = jwt.ClaimStrings{c.Audience}
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, payload).SignedString(secret)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	if len(token) > MaxTokenBytes {
		return "", fmt.Errorf("sign token: %d bytes long, more than the %d that are accepted", len(token), MaxTokenBytes)
	}
	return token, nil
}

// validate checks what Verify will check, with the limits in the text.
func (c Claims) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	optional := func(name, value string, limit int) {
		check(value == "" || Usable(value, limit), "%s is not a name of at most %d bytes without control characters", name, limit)
	}
	check(Usable(c.User, MaxUserBytes), "user is not a name of 1 to %d bytes without control characters", MaxUserBytes)
	optional("device", c.Device, MaxDeviceBytes)
	optional("issuer", c.Issuer, maxNameBytes)
	optional("audience", c.Audience, maxNameBytes)
	optional("token id", c.ID, maxNameBytes)
	check(len(c.Channels) <= MaxChannels, "%d channels are more than %d", len(c.Channels), MaxChannels)
	for i, name := range c.Channels {
		check(Usable(name, MaxChannelBytes), "channel %d is not a name of 1 to %d bytes without control characters", i+1, MaxChannelBytes)
	}
	check(c.IssuedAt.Unix() >= 0, "the token would be issued before the year 1970")
	check(c.Expires.After(c.IssuedAt), "the token would expire before it is issued")
	check(c.Expires.Unix() <= maxUnixSeconds, "the token would expire after the year 9999")
	return errors.Join(errs...)
}
