package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"hubline/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

var testSecret = []byte("0123456789abcdef0123456789abcdef")

// epoch is the instant at which the tests' clocks begin.
var epoch = time.Unix(1763596800, 0)

// clock is a clock that moves only when a test says so.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return epoch.Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// Keys are made once: an RSA key takes a good part of a second.
var (
	rsaKey      = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	otherRSAKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	weakRSAKey  = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) }) //nolint:gosec // to be refused
	p256Key     = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384Key     = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	p521Key     = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
	p224Key     = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)) })
	edKey       = sync.OnceValue(func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return must(key, err)
	})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func publicPEM(key crypto.Signer) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(key.Public()))})
}

// payload is the claims of a token that is valid at epoch, with changes; a nil
// value takes a claim out.
func payload(changes map[string]any) map[string]any {
	claims := map[string]any{"sub": "anna", "exp": epoch.Add(time.Hour).Unix()}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

// sign signs claims; header may add to or change the header.
func sign(t testing.TB, alg string, key any, claims any, header map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return signRaw(t, alg, key, raw, header)
}

func signRaw(t testing.TB, alg string, key any, claims []byte, header map[string]any) string {
	t.Helper()
	method := jwt.GetSigningMethod(alg)
	token := jwt.NewWithClaims(method, jwt.MapClaims{})
	maps.Copy(token.Header, header)
	text := token.EncodeSegment(must(json.Marshal(token.Header))) + "." + token.EncodeSegment(claims)
	signature, err := method.Sign(text, key)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + token.EncodeSegment(signature)
}

// newVerifier returns a verifier whose clock stands at epoch unless cfg has one.
func newVerifier(t testing.TB, cfg Config) *Verifier {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = new(clock).now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	// Not t.Context: a benchmark's and a fuzz target's helpers come by here too.
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	v, err := NewVerifier(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
