package auth

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func TestEachKeyServesItsAlgorithmsOnly(t *testing.T) {
	signers := []struct {
		alg string
		key any
	}{
		{"HS256", testSecret},
		{"HS384", testSecret},
		{"HS512", testSecret},
		{"RS256", rsaKey()},
		{"RS384", rsaKey()},
		{"RS512", rsaKey()},
		{"PS256", rsaKey()},
		{"PS384", rsaKey()},
		{"PS512", rsaKey()},
		{"ES256", p256Key()},
		{"ES384", p384Key()},
		{"ES512", p521Key()},
		{"EdDSA", edKey()},
		{"none", jwt.UnsafeAllowNoneSignatureType},
	}
	configs := []struct {
		name    string
		cfg     Config
		accepts string
	}{
		{"secret", Config{Secret: testSecret}, "HS256 HS384 HS512"},
		{"rsa", Config{PublicKeyPEM: [][]byte{publicPEM(rsaKey())}}, "RS256 RS384 RS512 PS256 PS384 PS512"},
		{"p256", Config{PublicKeyPEM: [][]byte{publicPEM(p256Key())}}, "ES256"},
		{"p384", Config{PublicKeyPEM: [][]byte{publicPEM(p384Key())}}, "ES384"},
		{"p521", Config{PublicKeyPEM: [][]byte{publicPEM(p521Key())}}, "ES512"},
		{"ed25519", Config{PublicKeyPEM: [][]byte{publicPEM(edKey())}}, "EdDSA"},
		{"secret and p256", Config{Secret: testSecret, PublicKeyPEM: [][]byte{publicPEM(p256Key())}}, "HS256 HS384 HS512 ES256"},
	}
	for _, c := range configs {
		t.Run(c.name, func(t *testing.T) {
			v := newVerifier(t, c.cfg)
			for _, s := range signers {
				token := sign(t, s.alg, s.key, payload(nil), nil)
				_, err := v.Verify(t.Context(), token)
				if strings.Contains(c.accepts, s.alg) {
					if err != nil {
						t.Errorf("%s: %v", s.alg, err)
					}
					tampered := token[:len(token)-8] + "AAAAAAAA"
					if _, err := v.Verify(t.Context(), tampered); !errors.Is(err, ErrInvalid) {
						t.Errorf("%s, tampered: error = %v, want ErrInvalid", s.alg, err)
					}
				} else if !errors.Is(err, ErrAlgorithm) {
					t.Errorf("%s: error = %v, want ErrAlgorithm", s.alg, err)
				}
			}
		})
	}
}

func TestPublicKeyIsNotASecret(t *testing.T) {
	// The classic: HS256 with the text of the public key as secret.
	file := publicPEM(rsaKey())
	der := must(x509.MarshalPKIXPublicKey(rsaKey().Public()))
	for _, cfg := range []Config{
		{PublicKeyPEM: [][]byte{file}},
		{PublicKeyPEM: [][]byte{file}, Secret: testSecret},
	} {
		v := newVerifier(t, cfg)
		for _, secret := range [][]byte{file, []byte(strings.TrimSpace(string(file))), der} {
			_, err := v.Verify(t.Context(), sign(t, "HS256", secret, payload(nil), nil))
			if !errors.Is(err, ErrAlgorithm) && !errors.Is(err, ErrInvalid) {
				t.Errorf("error = %v, want ErrAlgorithm or ErrInvalid", err)
			}
		}
	}
	if err := (Config{Secret: file}).Validate(); err == nil {
		t.Error("a PEM file was accepted as secret")
	}
}

func TestSeveralKeysOfOneFamily(t *testing.T) {
	v := newVerifier(t, Config{PublicKeyPEM: [][]byte{append(publicPEM(otherRSAKey()), publicPEM(rsaKey())...)}})
	for _, key := range []any{rsaKey(), otherRSAKey()} {
		// The key id of an issuer that has one says nothing about PEM files.
		token := sign(t, "RS256", key, payload(nil), map[string]any{"kid": "whatever"})
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	good := sign(t, "HS256", testSecret, payload(nil), nil)
	parts := strings.Split(good, ".")
	last := parts[2][len(parts[2])-1]
	sameBits := good[:len(good)-1] + string(rune(last+1)) // a lenient decoder ignores the last two bits
	tests := []struct {
		name  string
		token string
		want  error
	}{
		{"nothing", "", ErrNoToken},
		{"no dots", "abc", ErrInvalid},
		{"an API key", NewKey(), ErrInvalid},
		{"two parts", parts[0] + "." + parts[1], ErrInvalid},
		{"four parts", good + ".x", ErrInvalid},
		{"no signature", parts[0] + "." + parts[1] + ".", ErrInvalid},
		{"padding", good + "=", ErrInvalid},
		{"another spelling of the signature", sameBits, ErrInvalid},
		{"white space inside", parts[0] + ". " + parts[1] + "." + parts[2], ErrInvalid},
		{"too long", strings.Repeat("a", MaxTokenBytes+1), ErrInvalid},
		{"longest, but garbage", strings.Repeat("a", MaxTokenBytes), ErrInvalid},
		{"alg missing", sign(t, "HS256", testSecret, payload(nil), map[string]any{"alg": nil}), ErrAlgorithm},
		{"alg unknown", sign(t, "HS256", testSecret, payload(nil), map[string]any{"alg": "HS257"}), ErrAlgorithm},
		{"alg in lower case", sign(t, "HS256", testSecret, payload(nil), map[string]any{"alg": "hs256"}), ErrAlgorithm},
		{"critical header", sign(t, "HS256", testSecret, payload(nil), map[string]any{"crit": []string{"b64"}, "b64": false}), ErrInvalid},
		{"header is not an object", base64.RawURLEncoding.EncodeToString([]byte("[]")) + "." + parts[1] + "." + parts[2], ErrInvalid},
		{"other secret", sign(t, "HS256", []byte("another secret of thirty-two byte"), payload(nil), nil), ErrInvalid},
		{"payload null", signRaw(t, "HS256", testSecret, []byte("null"), nil), ErrNoSubject},
		{"payload list", signRaw(t, "HS256", testSecret, []byte("[]"), nil), ErrInvalid},
		{"payload not JSON", signRaw(t, "HS256", testSecret, []byte("{"), nil), ErrInvalid},
		{"payload empty", signRaw(t, "HS256", testSecret, nil, nil), ErrInvalid},
	}
	v := newVerifier(t, Config{Secret: testSecret, AllowNoExpiry: true})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // nothing of a refused token may be remembered as good
				id, err := v.Verify(t.Context(), tt.token)
				if !errors.Is(err, tt.want) || id != nil {
					t.Errorf("Verify = %v, %v; want error %v", id, err, tt.want)
				}
			}
		})
	}
}

func TestErrorsNeverContainTheToken(t *testing.T) {
	const marker = "MARKER"
	v := newVerifier(t, Config{Secret: testSecret, PublicKeyPEM: [][]byte{publicPEM(p256Key())}, Issuer: "x", Audience: "y"})
	for _, token := range []string{
		marker,
		marker + "." + marker + "." + marker,
		sign(t, "HS256", testSecret, payload(map[string]any{"iss": marker, "aud": marker}), nil),
		sign(t, "HS256", testSecret, payload(map[string]any{"sub": marker + "\x00"}), nil),
		sign(t, "HS256", testSecret, payload(map[string]any{"exp": marker}), nil),
		sign(t, "HS256", testSecret, payload(nil), map[string]any{"alg": marker}),
		sign(t, "HS256", testSecret, payload(nil), map[string]any{"kid": marker}),
		sign(t, "HS256", []byte(marker), payload(nil), map[string]any{"kid": marker}),
	} {
		_, err := v.Verify(t.Context(), token)
		if err == nil {
			t.Error("accepted")
		} else if s := err.Error(); strings.Contains(s, marker) || strings.Contains(s, token) || len(s) > 120 {
			t.Errorf("error text %q", s)
		}
	}
}
