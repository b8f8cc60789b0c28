package auth

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

const (
	// minSecretBytes is the length of a SHA-256 (RFC 7518, section 3.2: a key
	// "of the same size as the hash output or larger MUST be used"). One token is
	// all it takes to guess a shorter secret at leisure.
	minSecretBytes = 32

	defaultLeeway      = 30 * time.Second
	maxLeeway          = 10 * time.Minute
	defaultCacheSize   = 1024
	defaultJWKSRefresh = 15 * time.Minute
	defaultJWKSRefetch = 10 * time.Second
)

// Config says which tokens are accepted. At least one of Secret, PublicKeyPEM
// and JWKSURL must be set; they may be combined.
type Config struct {
	// Secret verifies HS256, HS384 and HS512, byte for byte as given (a caller
	// that reads it from a file trims the newline). At least 32 bytes. Nil means
	// that no such token is accepted.
	Secret []byte
	// PublicKeyPEM holds files with one or more PEM blocks: public keys (PKIX or
	// PKCS #1) or certificates, of which only the key counts, not the dates.
	// The key decides about the algorithms: RSA (2048 bits or more) RS* and PS*,
	// P-256 ES256, P-384 ES384, P-521 ES512, Ed25519 EdDSA.
	PublicKeyPEM [][]byte
	// JWKSURL is the address of a JWK set (RFC 7517). It is fetched in the
	// background; a failure leaves the keys known so far in force.
	JWKSURL string
	// JWKSRefresh is the time between two fetches. Zero means 15 min.
	JWKSRefresh time.Duration
	// JWKSRefetch is the least time between two fetches caused by tokens with an
	// unknown key id or a wrong signature, which anybody can send. Zero means 10 s.
	JWKSRefetch time.Duration
	// Issuer must equal the claim iss. Empty means that iss is not checked.
	Issuer string
	// Audience must be in the claim aud. Empty means that aud is not checked.
	Audience string
	// Leeway is the clock difference tolerated in exp and nbf, at most 10 min.
	// Zero means 30 s, a negative value means none.
	Leeway time.Duration
	// AllowNoExpiry accepts tokens without exp, which never end.
	AllowNoExpiry bool
	// Revocations are looked at for every token, remembered ones too. Nil means some of its
	// own, without a bound.
	Revocations *Revocations
	// CacheSize is how many verified tokens are kept. Zero means 1024.
	CacheSize int
	// HTTPClient fetches the JWK set. Nil means one with a timeout of 10 s.
	HTTPClient *http.Client
	// Now is the clock for exp and nbf. Nil means time.Now.
	Now func() time.Time
	// Logger receives warnings about the JWK set. Nil means slog.Default.
	Logger *slog.Logger
}

// Validate returns every problem of the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Secret == nil && len(c.PublicKeyPEM) == 0 && c.JWKSURL == "" {
		errs = append(errs, errors.New("no token key: set a secret, a public key or a JWK set URL"))
	}
	if c.Secret != nil {
		errs = append(errs, validateSecret(c.Secret))
	}
	_, err := parsePublicKeys(c.PublicKeyPEM)
	errs = append(errs, err)
	if c.JWKSURL != "" {
		errs = append(errs, validateJWKSURL(c.JWKSURL))
	}
	if c.JWKSRefresh < 0 || c.JWKSRefetch < 0 {
		errs = append(errs, errors.New("JWK set: a negative interval"))
	}
	if c.Leeway > maxLeeway {
		errs = append(errs, fmt.Errorf("leeway %v is more than %v", c.Leeway, maxLeeway))
	}
	if c.CacheSize < 0 {
		errs = append(errs, errors.New("token cache: a negative size"))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Leeway == 0 {
		c.Leeway = defaultLeeway
	}
	c.Leeway = max(c.Leeway, 0)
	if c.CacheSize == 0 {
		c.CacheSize = defaultCacheSize
	}
	if c.JWKSRefresh == 0 {
		c.JWKSRefresh = defaultJWKSRefresh
	}
	if c.JWKSRefetch == 0 {
		c.JWKSRefetch = defaultJWKSRefetch
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Revocations == nil {
		c.Revocations = NewRevocations(0)
	}
	return c
}

func validateSecret(secret []byte) error {
	// With a public key as secret, everybody who has that key could sign.
	if bytes.Contains(secret, []byte("-----BEGIN ")) {
		return errors.New("the token secret is a PEM file; a public key must be configured as such")
	}
	if len(secret) < minSecretBytes {
		return fmt.Errorf("the token secret has %d bytes and needs at least %d; make one with: openssl rand -hex 32", len(secret), minSecretBytes)
	}
	return nil
}

func validateJWKSURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		// The address is not repeated: it may contain a login.
		return errors.New("the JWK set URL is not of the form https://host/path")
	}
	return nil
}
