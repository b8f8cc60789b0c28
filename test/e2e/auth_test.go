package e2e

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// accepted asks every transport for the user's events with the token and reports
// whether all of them take it.
func accepted(t *testing.T, s *harness.Server, token string) bool {
	t.Helper()
	s.Hide(token)
	yes, no := 0, 0
	for _, transport := range transports {
		for _, inQuery := range []bool{false, true} {
			c, err := tryConnect(t, s, transport, client.Options{Token: token, InQuery: inQuery, Since: "0", Query: pollOnly(transport, "wait", "0")})
			if err == nil {
				_, err = c.Next(t.Context())
				c.Close()
			}
			if err == nil {
				yes++
				continue
			}
			no++
			r, ok := errors.AsType[*client.Refused](err)
			if !ok {
				t.Fatalf("%s: %v", transport, err)
			}
			wantProblem(t, r.Status, r.Header, r.Body, http.StatusUnauthorized, "")
			if !strings.HasPrefix(r.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("WWW-Authenticate = %q", r.Header.Get("WWW-Authenticate"))
			}
			if token != "" && strings.Contains(string(r.Body), token) {
				t.Error("the answer repeats the token")
			}
		}
	}
	if yes > 0 && no > 0 {
		t.Errorf("%d ways of sending the token worked and %d did not", yes, no)
	}
	return no == 0
}

func TestWhichTokensAreAccepted(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	now := time.Now()
	other := []byte(strings.Repeat("another secret ", 5))
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(m jwt.SigningMethod, key any, claims ...harness.Claims) string {
		return s.Sign(t, m, key, "alice", claims...)
	}
	good := sign(jwt.SigningMethodHS256, s.Secret)
	half := strings.Split(good, ".")
	for _, tt := range []struct {
		name  string
		token string
		want  bool
	}{
		{"HS256", good, true},
		{"HS384", sign(jwt.SigningMethodHS384, s.Secret), true},
		{"HS512", sign(jwt.SigningMethodHS512, s.Secret), true},
		{"without iat", sign(jwt.SigningMethodHS256, s.Secret, harness.Claims{"iat": nil}), true},
		{"no token", "", false},
		{"garbage", "garbage", false},
		{"two dots", "..", false},
		{"an API key", s.APIKey, false},
		{"a foreign secret", sign(jwt.SigningMethodHS256, other), false},
		{"alg none", sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), false},
		{"alg none with a signature", strings.Split(sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), ".")[0] + "." + half[1] + "." + half[2], false},
		{"RS256", sign(jwt.SigningMethodRS256, rsaKey), false},
		{"without a signature", half[0] + "." + half[1] + ".", false},
		{"a changed payload", half[0] + "." + strings.Split(sign(jwt.SigningMethodHS256, other, harness.Claims{"sub": "eve"}), ".")[1] + "." + half[2], false},
		{"expired", sign(jwt.SigningMethodHS256, s.Secret, harness.Claims{"exp": now.Add(-time.Hour).Unix()}), false},
		{"without exp", sign(jwt.SigningMethodHS256, s.Secret, harness.Claims{"exp": nil}), false},
		{"not yet valid", sign(jwt.SigningMethodHS256, s.Secret, harness.Claims{"nbf": now.Add(time.Hour).Unix()}), false},
		{"nobody", sign(jwt.SigningMethodHS256, s.Secret, harness.Claims{"sub": ""}), false},
		{"no subject", sign(jwt.SigningMethodHS256, s.Secret, harness.Claims{"sub": nil}), false},
		{"a subject of another kind", sign(jwt.SigningMethodHS256, s.Secret, harness.Claims{"sub": 7}), false},
		{"NUL in the subject", sign(jwt.SigningMethodHS256, s.Secret, harness.Claims{"sub": "a\x00b"}), false},
		{"exp of another kind", sign(jwt.SigningMethodHS256, s.Secret, harness.Claims{"exp": "tomorrow"}), false},
		{"very long", sign(jwt.SigningMethodHS256, s.Secret, harness.Claims{"x": strings.Repeat("x", 12_000)}), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := accepted(t, s, tt.token); got != tt.want {
				t.Errorf("accepted = %t, want %t", got, tt.want)
			}
		})
	}
}

// keyFile writes a public key as PEM.
func keyFile(t *testing.T, key any) (path string, text []byte) {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	path = filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, text
}

func TestPublicKeys(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaFile, rsaText := keyFile(t, &rsaKey.PublicKey)
	ecFile, _ := keyFile(t, &ecKey.PublicKey)
	edFile, _ := keyFile(t, edPublic)
	s := harness.Start(t, "--jwt-public-key-file", rsaFile, "--jwt-public-key-file", ecFile, "--jwt-public-key-file", edFile,
		"--jwt-issuer", "https://issuer.example", "--jwt-audience", "hubline")
	us := harness.Claims{"iss": "https://issuer.example", "aud": []string{"x", "hubline"}}
	for _, tt := range []struct {
		name  string
		token string
		want  bool
	}{
		{"RS256", s.Sign(t, jwt.SigningMethodRS256, rsaKey, "alice", us), true},
		{"PS384", s.Sign(t, jwt.SigningMethodPS384, rsaKey, "alice", us), true},
		{"ES256", s.Sign(t, jwt.SigningMethodES256, ecKey, "alice", us), true},
		{"EdDSA", s.Sign(t, jwt.SigningMethodEdDSA, edKey, "alice", us), true},
		{"HS256 with the public key as the secret", s.Sign(t, jwt.SigningMethodHS256, rsaText, "alice", us), false},
		{"HS256 with the data directory's secret", s.Token("alice", us), false},
		{"another issuer", s.Sign(t, jwt.SigningMethodRS256, rsaKey, "alice", us, harness.Claims{"iss": "https://evil.example"}), false},
		{"no issuer", s.Sign(t, jwt.SigningMethodRS256, rsaKey, "alice", us, harness.Claims{"iss": nil}), false},
		{"another audience", s.Sign(t, jwt.SigningMethodRS256, rsaKey, "alice", us, harness.Claims{"aud": "x"}), false},
		{"no audience", s.Sign(t, jwt.SigningMethodRS256, rsaKey, "alice", us, harness.Claims{"aud": nil}), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := accepted(t, s, tt.token); got != tt.want {
				t.Errorf("accepted = %t, want %t", got, tt.want)
			}
		})
	}
}

func TestScopesOfTheAPI(t *testing.T) {
	t.Parallel()
	keys := filepath.Join(t.TempDir(), "keys")
	hash := func(key string) string {
		sum := sha256.Sum256([]byte(key))
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	publisher, reader := "publisher-key-0123456789abcdef", "reader-key-0123456789abcdef"
	text := "# backends\nshop publish " + hash(publisher) + "\ndashboard read,admin " + hash(reader) + "\n"
	if err := os.WriteFile(keys, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := harness.Start(t, "--api-key-file", keys)
	s.Hide(publisher)
	s.Hide(reader)
	for _, tt := range []struct {
		name, token string
		want        int
	}{
		{"the data directory's key", s.APIKey, http.StatusCreated},
		{"a key with publish", publisher, http.StatusCreated},
		{"a key without publish", reader, http.StatusForbidden},
		{"a token with publish", s.Token("svc", harness.Claims{"scope": "read publish"}), http.StatusCreated},
		{"a token with a list of scopes", s.Token("svc", harness.Claims{"scope": []string{"api", "publish"}}), http.StatusCreated},
		{"a token with read", s.Token("svc", harness.Claims{"scope": "read"}), http.StatusForbidden},
		{"a token with a scope that looks like it", s.Token("svc", harness.Claims{"scope": "publisher republish"}), http.StatusForbidden},
		{"a client's token", s.Token("alice"), http.StatusForbidden},
		{"an expired token", s.Token("svc", harness.Claims{"scope": "publish", "exp": time.Now().Add(-time.Hour).Unix()}), http.StatusUnauthorized},
		{"nothing", "", http.StatusUnauthorized},
		{"an unknown key", "hlk_ABCDEFGHIJKLMNOPQRSTUVWXYZ", http.StatusUnauthorized},
		{"the hash of a key", hash(publisher), http.StatusUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for path, body := range map[string]string{
				harness.EventsPath("alice"): `{"type":"t"}`, "/api/v1/broadcasts": `{"type":"t"}`, "/api/v1/events:batch": `[{"user":"alice","event":{"type":"t"}}]`,
			} {
				want := tt.want
				if want == http.StatusCreated && strings.HasSuffix(path, "batch") {
					want = http.StatusOK
				}
				a := s.Do(http.MethodPost, path, tt.token, body)
				if a.Status != want {
					t.Errorf("%s: %d, want %d: %s", path, a.Status, want, a.Body)
				}
				if want >= 400 {
					wantProblem(t, a.Status, a.Header, a.Body, want, "")
				}
			}
		})
	}
}

func TestTheAPITakesNoSecretsFromTheQuery(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, auth := range []string{"", s.APIKey} {
		for _, name := range []string{"access_token", "token", "api_key"} {
			a := s.Do(http.MethodPost, harness.EventsPath("alice")+"?"+name+"="+s.APIKey, auth, `{"type":"t"}`)
			wantProblem(t, a.Status, a.Header, a.Body, http.StatusBadRequest, "")
		}
	}
	if r := s.Publish("alice", "t", "1"); r.Seq != 1 {
		t.Errorf("seq = %d: something was published", r.Seq)
	}
}

// A native stream ends when its token does, and says so; a new one is not begun
// with it.
func TestAStreamEndsWhenItsTokenExpires(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--jwt-leeway", "0s")
	token := s.Token("alice", harness.Claims{"exp": time.Now().Add(3 * time.Second).Unix()})
	sse := connect(t, s, "sse", client.Options{Token: token, Since: "0"})
	ws := connect(t, s, "ws", client.Options{Token: token, Since: "0"})
	quiet := connect(t, s, "ws", client.Options{Token: token})
	poll := connect(t, s, "poll", client.Options{Token: token, Since: "0", Query: query("wait", "25")})
	for _, c := range []*conn{sse, ws} {
		c.wantReady()
	}
	// A poll that waits is answered rather than left hanging behind the expiry.
	began := time.Now()
	poll.want(client.Move)
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the poll was answered after %v", took)
	}
	for _, c := range []*conn{sse, ws} {
		if m := c.want(client.Closing); m.Closing.Reason != "expiry" || m.Closing.RetryAfterMS < 0 {
			t.Errorf("%s: closing = %s", c.transport, m.Raw)
		}
		if code := c.wantEnd(); c.transport == "ws" && code != 4401 {
			t.Errorf("close code = %d, want 4401", code)
		}
	}
	if code := quiet.wantEnd(); code != 4401 {
		t.Errorf("close code without control messages = %d, want 4401", code)
	}
	if accepted(t, s, token) {
		t.Error("the expired token opens another stream")
	}
}
