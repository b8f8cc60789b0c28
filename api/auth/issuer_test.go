package auth

import (
	"context"
	"crypto"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
)

// issuer serves a JWK set, or what a test wants to see in its place. It is also
// an http.RoundTripper, for tests in a bubble, where there is no network.
type issuer struct {
	t       testing.TB
	server  *httptest.Server
	mu      sync.Mutex
	body    string
	status  int
	fetches int
	delay   time.Duration
}

func newIssuer(t testing.TB) *issuer {
	return &issuer{t: t, status: http.StatusOK}
}

// url starts a real server and returns its address.
func (i *issuer) url() string {
	if i.server == nil {
		i.server = httptest.NewServer(i)
		i.t.Cleanup(func() {
			i.server.Close()
			http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		})
	}
	return i.server.URL + "/.well-known/jwks"
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fetches++
	w.WriteHeader(i.status)
	_, _ = io.WriteString(w, i.body)
}

// RoundTrip answers as the server would, after the delay of fake time.
func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	delay := i.delay
	i.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	i.ServeHTTP(w, r)
	return w.Result(), nil
}

func (i *issuer) serve(body string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.body, i.status = body, http.StatusOK
}

func (i *issuer) fail(status int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.body, i.status = "out of order", status
}

func (i *issuer) hang(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.delay = d
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// publish serves a set of the keys, by key id.
func (i *issuer) publish(keys map[string]any) {
	set := jwkset.NewMemoryStorage()
	for kid, key := range keys {
		jwk, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{
			Metadata: jwkset.JWKMetadataOptions{KID: kid, USE: jwkset.UseSig},
		})
		if err != nil {
			i.t.Fatal(err)
		}
		if err := set.KeyWrite(context.Background(), jwk); err != nil {
			i.t.Fatal(err)
		}
	}
	i.serve(string(must(set.JSONPublic(context.Background()))))
}

// publishNameless serves a set of keys without key ids.
func (i *issuer) publishNameless(keys ...any) {
	var all []jwkset.JWKMarshal
	for _, key := range keys {
		jwk, err := jwkset.NewJWKFromKey(key.(crypto.Signer).Public(), jwkset.JWKOptions{})
		if err != nil {
			i.t.Fatal(err)
		}
		all = append(all, jwk.Marshal())
	}
	i.serve(string(must(json.Marshal(jwkset.JWKSMarshal{Keys: all}))))
}

func signKid(t testing.TB, alg, kid string, key any) string {
	return sign(t, alg, key, payload(nil), map[string]any{"kid": kid})
}

// bubbleVerifier returns a verifier that talks to set without a network.
func bubbleVerifier(t *testing.T, set *issuer, cfg Config) *Verifier {
	t.Helper()
	cfg.JWKSURL = "https://login:hidden@issuer.example/jwks?key=hidden"
	cfg.HTTPClient = &http.Client{Transport: set}
	return newVerifier(t, cfg)
}

func TestJWKFieldsSurviveTheWire(t *testing.T) {
	// Guards the helper of these tests: what it publishes has no private part.
	set := newIssuer(t)
	set.publish(map[string]any{"k": rsaKey()})
	var doc struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(set.body), &doc); err != nil || len(doc.Keys) != 1 || doc.Keys[0]["d"] != nil {
		t.Errorf("%s, %v", set.body, err)
	}
}
