package auth

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

func certificatePEM(t *testing.T) []byte {
	t.Helper()
	// Its dates are over: only the key counts.
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, rsaKey().Public(), rsaKey())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestConfigReportsEveryProblem(t *testing.T) {
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(rsaKey()))})
	cfg := Config{
		Secret: []byte("secret"),
		PublicKeyPEM: [][]byte{
			[]byte("not a key"),
			private,
			publicPEM(weakRSAKey()),
			append(publicPEM(p256Key()), publicPEM(p224Key())...),
			pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}),
			pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: []byte("x")}),
		},
		JWKSURL:     "ftp://hidden@example.org",
		JWKSRefresh: -1,
		Leeway:      time.Hour,
		CacheSize:   -1,
	}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("no problem found")
	}
	for _, want := range []string{
		"secret has 6 bytes", "file 1: no PEM block", "file 2, block 1: is a private key", "openssl pkey", "file 3, block 1: is of a kind",
		"file 4, block 2: is of a kind", "file 5, block 1", `file 6, block 1: has the type "DH PARAMETERS"`, "JWK set URL", "negative interval", "leeway 1h0m0s", "negative size",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("a login is in:\n%v", err)
	}
	if _, err := NewVerifier(t.Context(), cfg); err == nil {
		t.Error("NewVerifier accepted it")
	}
}

func TestConfigNeedsAKey(t *testing.T) {
	if err := (Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "no token key") {
		t.Errorf("error = %v", err)
	}
	if err := (Config{Secret: []byte{}}).Validate(); err == nil {
		t.Error("an empty secret was accepted")
	}
}

func TestConfigBounds(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		ok   bool
	}{
		{"shortest secret", Config{Secret: bytes.Repeat([]byte("x"), 32)}, true},
		{"too short", Config{Secret: bytes.Repeat([]byte("x"), 31)}, false},
		{"most keys", Config{PublicKeyPEM: [][]byte{bytes.Repeat(publicPEM(p256Key()), maxCandidates)}}, true},
		{"too many keys", Config{PublicKeyPEM: [][]byte{bytes.Repeat(publicPEM(p256Key()), maxCandidates+1)}}, false},
		{"longest leeway", Config{Secret: testSecret, Leeway: 10 * time.Minute}, true},
		{"longer leeway", Config{Secret: testSecret, Leeway: 10*time.Minute + 1}, false},
		{"http", Config{JWKSURL: "http://identity:5000/.well-known/jwks"}, true},
		{"no host", Config{JWKSURL: "https:///jwks"}, false},
		{"no scheme", Config{JWKSURL: "identity/jwks"}, false},
	} {
		if err := tt.cfg.Validate(); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestSecretIsCopied(t *testing.T) {
	secret := bytes.Clone(testSecret)
	v := newVerifier(t, Config{Secret: secret})
	clear(secret) // a caller that wipes its copy
	if _, err := v.Verify(t.Context(), sign(t, "HS256", testSecret, payload(nil), nil)); err != nil {
		t.Error(err)
	}
}
