package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// minRSABits is what RFC 7518, section 3.3, demands.
	minRSABits = 2048
	// maxCandidates bounds how many signatures one token may cost: PEM keys in
	// all, and keys of a JWK set tried for a token without a key id.
	maxCandidates = 16
)

// hmacMethods need a secret; all others a public key.
var hmacMethods = []string{"HS256", "HS384", "HS512"}

// methodsOf returns the algorithms a public key can verify, none for a key that
// is of a foreign kind or too weak. A key is only ever used for these, whatever
// the header of a token says.
func methodsOf(key any) []string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() >= minRSABits {
			return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		case elliptic.P521():
			return []string{"ES512"}
		}
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize {
			return []string{"EdDSA"}
		}
	}
	return nil
}

// staticKeys is the key source of Secret and PublicKeyPEM: algorithm → keys.
type staticKeys map[string][]jwt.VerificationKey

func newStaticKeys(cfg Config) (staticKeys, error) {
	s := staticKeys{}
	if cfg.Secret != nil {
		secret := bytes.Clone(cfg.Secret)
		for _, method := range hmacMethods {
			s[method] = []jwt.VerificationKey{secret}
		}
	}
	public, err := parsePublicKeys(cfg.PublicKeyPEM)
	for _, key := range public {
		for _, method := range methodsOf(key) {
			s[method] = append(s[method], key)
		}
	}
	return s, err
}

// keys implements keySource. A key id is ignored: PEM files have none.
func (s staticKeys) keys(_ context.Context, token *jwt.Token) (keys []jwt.VerificationKey, gen uint64, err error) {
	if keys = s[token.Method.Alg()]; len(keys) == 0 {
		return nil, 0, ErrAlgorithm
	}
	return keys, 0, nil
}

// parsePublicKeys returns the keys of all blocks of all files, and all problems.
func parsePublicKeys(files [][]byte) (keys []any, err error) {
	var errs []error
	for i, rest := range files {
		blocks := 0
		for {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			blocks++
			key, err := publicKeyOf(block)
			if err != nil {
				errs = append(errs, fmt.Errorf("public key file %d, block %d: %w", i+1, blocks, err))
				continue
			}
			keys = append(keys, key)
		}
		if blocks == 0 {
			errs = append(errs, fmt.Errorf("public key file %d: no PEM block (-----BEGIN PUBLIC KEY-----)", i+1))
		}
	}
	if len(keys) > maxCandidates {
		errs = append(errs, fmt.Errorf("%d public keys are more than %d", len(keys), maxCandidates))
	}
	return keys, errors.Join(errs...)
}

func publicKeyOf(block *pem.Block) (key any, err error) {
	switch {
	case block.Type == "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case block.Type == "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case block.Type == "CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = cert.PublicKey
		}
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		// The server needs no power to sign, so it should not have it.
		return nil, errors.New("is a private key; give only its public part: openssl pkey -in FILE -pubout")
	default:
		return nil, fmt.Errorf("has the type %.32q; want PUBLIC KEY or CERTIFICATE", block.Type)
	}
	if err != nil {
		return nil, err
	}
	if len(methodsOf(key)) == 0 {
		return nil, fmt.Errorf("is of a kind that is not accepted; want RSA of %d bits or more, P-256, P-384, P-521 or Ed25519", minRSABits)
	}
	return key, nil
}

// methods returns the algorithms s can serve.
func (s staticKeys) methods() []string {
	list := make([]string, 0, len(s))
	for method := range s {
		list = append(list, method)
	}
	slices.Sort(list)
	return list
}
