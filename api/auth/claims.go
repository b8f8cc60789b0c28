package auth

import "github.com/golang-jwt/jwt/v5"

// tokenClaims is the payload of a token in verification. It implements
// jwt.Claims and jwt.ClaimsValidator.
//
// Claim names are matched exactly, which encoding/json does not do for struct
// fields: an issuer that lets its users add claims of their own must not have
// "Sub" taken for "sub". Problems of shape are kept in err until the signature
// has been checked, so that a forger learns only that the signature is wrong.
type tokenClaims struct {
	user, device, issuer, id string
	scopes                   Scope
	channels                 []string
	audience                 jwt.ClaimStrings
	expires, from, issued    *jwt.NumericDate
	err                      error
}

// UnmarshalJSON never returns an error: see tokenClaims.
func (c *tokenClaims) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		c.err = invalidError("the payload is not an object")
		return nil
	}
	var raw rawClaims
	for name, value := range members(data) {
		raw.set(name, value)
	}
	var d claimDecoder
	c.user = d.text(raw.sub, MaxUserBytes, ErrNoSubject)
	c.device = d.text(raw.device, MaxDeviceBytes, invalidError("claim device is not a usable name"))
	if c.device == "" {
		c.device = d.text(raw.did, MaxDeviceBytes, invalidError("claim did is not a usable name"))
	}
	c.issuer = d.text(raw.iss, maxNameBytes, invalidError("claim iss is not a usable name"))
	c.id = d.text(raw.jti, maxNameBytes, invalidError("claim jti is not a usable name"))
	c.scopes = d.scopes(raw.scope)
	c.channels = d.channels(raw.channels)
	c.audience = d.list(raw.aud, invalidError("claim aud is neither a string nor a list of strings"))
	c.expires = d.date(raw.exp, invalidError("claim exp is not a date"))
	c.from = d.date(raw.nbf, invalidError("claim nbf is not a date"))
	c.issued = d.date(raw.iat, invalidError("claim iat is not a date"))
	c.err = d.err
	return nil
}

// Validate is called by the parser once the signature has been found right. The
// subject is checked here because UnmarshalJSON never sees the payload "null".
func (c *tokenClaims) Validate() error {
	if c.err == nil && c.user == "" {
		c.err = ErrNoSubject
	}
	return c.err
}

// identity returns the lasting part of the claims. Nothing in it points into
// the token: every string is a copy.
func (c *tokenClaims) identity() *Identity {
	id := &Identity{
		User:     c.user,
		Device:   c.device,
		Scopes:   c.scopes,
		Channels: c.channels,
		TokenID:  c.id,
		Issuer:   c.issuer,
	}
	if c.expires != nil {
		id.Expires = c.expires.Time
	}
	if c.issued != nil {
		id.IssuedAt = c.issued.Time
	}
	return id
}

// GetExpirationTime implements jwt.Claims.
func (c *tokenClaims) GetExpirationTime() (*jwt.NumericDate, error) { return c.expires, nil }

// GetIssuedAt implements jwt.Claims.
func (c *tokenClaims) GetIssuedAt() (*jwt.NumericDate, error) { return c.issued, nil }

// GetNotBefore implements jwt.Claims.
func (c *tokenClaims) GetNotBefore() (*jwt.NumericDate, error) { return c.from, nil }

// GetIssuer implements jwt.Claims.
func (c *tokenClaims) GetIssuer() (string, error) { return c.issuer, nil }

// GetSubject implements jwt.Claims.
func (c *tokenClaims) GetSubject() (string, error) { return c.user, nil }

// GetAudience implements jwt.Claims.
func (c *tokenClaims) GetAudience() (jwt.ClaimStrings, error) { return c.audience, nil }
