package auth

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Tokens of RFC 7515, appendices A.1 and A.3, made by neither our library nor us.
func TestPublishedTokens(t *testing.T) {
	const claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	secret := must(base64.RawURLEncoding.DecodeString("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"))
	set := newIssuer(t)
	set.serve(`{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`)
	tests := []struct {
		name  string
		cfg   Config
		token string
	}{
		{"A.1 HS256", Config{Secret: secret}, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + claims + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
		{"A.3 ES256", Config{JWKSURL: set.url()}, "eyJhbGciOiJFUzI1NiJ9." + claims + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := newVerifier(t, tt.cfg)
			// They have no subject, which is only found out after the signature.
			if _, err := v.Verify(t.Context(), tt.token); !errors.Is(err, ErrNoSubject) {
				t.Errorf("error = %v, want ErrNoSubject", err)
			}
			tampered := strings.Replace(tt.token, "MTkzODAs", "MTkzODEs", 1) // exp, one second later
			if _, err := v.Verify(t.Context(), tampered); !errors.Is(err, ErrInvalid) {
				t.Errorf("tampered: error = %v, want ErrInvalid", err)
			}
		})
	}
}

// What the issuers of the Bitwarden family write.
func TestForeignIssuers(t *testing.T) {
	const user, device = "6a7b5d1e-4c0e-4b8e-9d2f-0c7d5d1b6a11", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
	exp := epoch.Add(2 * time.Hour).Unix()
	base := Identity{User: user, Device: device, Expires: time.Unix(exp, 0).UTC()}
	tests := []struct {
		name   string
		cfg    Config
		token  string
		change func(*Identity)
	}{
		{
			"Vaultwarden",
			Config{PublicKeyPEM: [][]byte{publicPEM(rsaKey())}, Issuer: "https://vault.example|login"},
			sign(t, "RS256", rsaKey(), map[string]any{
				"nbf": epoch.Unix(), "exp": exp, "iss": "https://vault.example|login", "sub": user, "premium": true,
				"name": "Anna", "email": "a@example.org", "email_verified": true, "sstamp": "s", "device": device,
				"devicetype": "9", "client_id": "web", "scope": []string{"api", "offline_access"}, "amr": []string{"Application"},
			}, nil),
			func(id *Identity) { id.Issuer = "https://vault.example|login" },
		},
		{
			"NodeWarden",
			Config{Secret: testSecret, Issuer: "nodewarden"},
			sign(t, "HS256", testSecret, map[string]any{
				"iss": "nodewarden", "sub": user, "email": "a@example.org", "name": nil, "sstamp": "s", "did": device,
				"dstamp": "d", "amr": []string{"Application"}, "premium": true, "iat": epoch.Unix(), "exp": exp,
			}, nil),
			func(id *Identity) { id.Issuer, id.IssuedAt = "nodewarden", epoch.UTC() },
		},
		{
			"Bitwarden self-host",
			Config{PublicKeyPEM: [][]byte{publicPEM(rsaKey())}, Issuer: "http://identity", Leeway: 5 * time.Minute},
			sign(t, "RS256", rsaKey(), map[string]any{
				"iss": "http://identity", "nbf": epoch.Unix(), "iat": epoch.Unix(), "exp": exp, "scope": []string{"api", "offline_access"},
				"amr": []string{"Application"}, "client_id": "web", "sub": user, "auth_time": epoch.Unix(), "idp": "bitwarden",
				"premium": "true", "email_verified": "false", "sstamp": "s", "orgowner": "x", "device": device, "devicetype": "9", "jti": "AB12",
			}, map[string]any{"typ": "at+jwt", "kid": "AB34RS256"}),
			func(id *Identity) { id.Issuer, id.IssuedAt, id.TokenID = "http://identity", epoch.UTC(), "AB12" },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := base
			tt.change(&want)
			got, err := newVerifier(t, tt.cfg).Verify(t.Context(), tt.token)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCertificatesAndPKCS1(t *testing.T) {
	files := map[string][]byte{
		"certificate": certificatePEM(t),
		"PKCS #1":     pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)}),
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			v := newVerifier(t, Config{PublicKeyPEM: [][]byte{file}})
			if _, err := v.Verify(t.Context(), sign(t, "RS256", rsaKey(), payload(nil), nil)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestVerifyAfterTheContextOfNewVerifier(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	v, err := NewVerifier(ctx, Config{Secret: testSecret, Now: new(clock).now})
	if err != nil {
		t.Fatal(err)
	}
	cancel() // ends fetching, not verifying: connections are still drained
	if _, err := v.Verify(t.Context(), sign(t, "HS256", testSecret, payload(nil), nil)); err != nil {
		t.Error(err)
	}
}
