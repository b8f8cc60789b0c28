package auth

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// maxUnixSeconds is the last second of the year 9999. Dates beyond it are
// nonsense and would overflow arithmetic with time.Duration further on.
const maxUnixSeconds = 253402300799

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
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		c.err = invalidError("the payload is not an object")
		return nil //nolint:nilerr // reported by Validate, after the signature
	}
	d := claimDecoder{raw: raw}
	c.user = d.text("sub", MaxUserBytes, ErrNoSubject)
	c.device = d.text("device", MaxDeviceBytes, invalidError("claim device is not a usable name"))
	if c.device == "" {
		c.device = d.text("did", MaxDeviceBytes, invalidError("claim did is not a usable name"))
	}
	c.issuer = d.text("iss", maxNameBytes, invalidError("claim iss is not a usable name"))
	c.id = d.text("jti", maxNameBytes, invalidError("claim jti is not a usable name"))
	c.scopes = d.scopes()
	c.channels = d.channels()
	c.audience = d.list("aud", invalidError("claim aud is neither a string nor a list of strings"))
	c.expires = d.date("exp", invalidError("claim exp is not a date"))
	c.from = d.date("nbf", invalidError("claim nbf is not a date"))
	c.issued = d.date("iat", invalidError("claim iat is not a date"))
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
// the token: encoding/json copies every string.
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

// claimDecoder reads claims and keeps the first problem. A claim that is
// missing or null is absent, not a problem.
type claimDecoder struct {
	raw map[string]json.RawMessage
	err error
}

// get returns the JSON text of a claim, or false if it is absent.
func (d *claimDecoder) get(name string) (json.RawMessage, bool) {
	raw, ok := d.raw[name]
	return raw, ok && string(raw) != "null"
}

func (d *claimDecoder) fail(problem error) {
	if d.err == nil {
		d.err = problem
	}
}

// text returns a string claim; absent and empty are the same.
func (d *claimDecoder) text(name string, limit int, problem error) string {
	raw, ok := d.get(name)
	if !ok {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) != nil || s != "" && !usable(s, limit) {
		d.fail(problem)
		return ""
	}
	return s
}

// list returns a claim that is a string or a list of strings (RFC 7519, section 4.1.3).
func (d *claimDecoder) list(name string, problem error) []string {
	raw, ok := d.get(name)
	if !ok {
		return nil
	}
	var list []string
	if raw[0] == '"' {
		list = make([]string, 1)
		if json.Unmarshal(raw, &list[0]) != nil {
			d.fail(problem)
		}
	} else if json.Unmarshal(raw, &list) != nil {
		d.fail(problem)
	}
	return list
}

func (d *claimDecoder) scopes() Scope {
	var scopes Scope
	for _, words := range d.list("scope", invalidError("claim scope is neither a string nor a list of strings")) {
		scopes |= scopesIn(words)
	}
	return scopes
}

func (d *claimDecoder) channels() []string {
	raw, ok := d.get("channels")
	if !ok {
		return nil
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		d.fail(invalidError("claim channels is not a list of strings"))
		return nil
	}
	if len(list) == 0 {
		return nil
	}
	if len(list) > MaxChannels {
		d.fail(invalidError("claim channels has more than 256 names"))
		return nil
	}
	for _, name := range list {
		if !usable(name, MaxChannelBytes) {
			d.fail(invalidError("claim channels has an unusable name"))
			return nil
		}
	}
	// The decoder grows a list in steps; what is kept has no spare room.
	return append(make([]string, 0, len(list)), list...)
}

// date returns a NumericDate (RFC 7519, section 2), which may have a fraction.
func (d *claimDecoder) date(name string, problem error) *jwt.NumericDate {
	raw, ok := d.get(name)
	if !ok {
		return nil
	}
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds < 0 || seconds > maxUnixSeconds {
		d.fail(problem)
		return nil
	}
	whole, fraction := math.Modf(seconds)
	return &jwt.NumericDate{Time: time.Unix(int64(whole), int64(fraction*1e9)).UTC()}
}
