package auth

import (
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/MicahParks/jwkset"
)

func TestKeySetKeepsOnlyVerifyingKeys(t *testing.T) {
	jwk := func(key any, m jwkset.JWKMetadataOptions) jwkset.JWK {
		return must(jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Metadata: m, Marshal: jwkset.JWKMarshalOptions{Private: true}}))
	}
	set := newKeySet()
	err := set.KeyReplaceAll(t.Context(), []jwkset.JWK{
		jwk([]byte("symmetric"), jwkset.JWKMetadataOptions{KID: "oct"}),
		jwk(weakRSAKey(), jwkset.JWKMetadataOptions{KID: "weak"}),
		jwk(rsaKey(), jwkset.JWKMetadataOptions{KID: "enc", USE: jwkset.UseEnc}),
		jwk(rsaKey(), jwkset.JWKMetadataOptions{KID: "ops", KEYOPS: []jwkset.KEYOPS{jwkset.KeyOpsEncrypt}}),
		jwk(rsaKey(), jwkset.JWKMetadataOptions{KID: "good", ALG: jwkset.AlgRS256, KEYOPS: []jwkset.KEYOPS{jwkset.KeyOpsVerify}}),
		jwk(edKey(), jwkset.JWKMetadataOptions{KID: "private half published"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	var kids []string
	for _, key := range must(set.KeyReadAll(t.Context())) {
		kids = append(kids, key.Marshal().KID)
	}
	if got, want := strings.Join(kids, ", "), "good, private half published"; got != want {
		t.Errorf("kept %s; want %s", got, want)
	}
	if keys, err := set.serving(t.Context(), "RS256", false); err != nil || len(keys) != 1 {
		t.Errorf("RS256: %d keys, %v", len(keys), err)
	} else if _, ok := keys[0].(*rsa.PublicKey); !ok {
		t.Errorf("RS256: %T", keys[0])
	}
	if keys, err := set.serving(t.Context(), "EdDSA", false); err != nil || len(keys) != 1 {
		t.Errorf("EdDSA: %d keys, %v", len(keys), err)
	} else if _, ok := keys[0].(ed25519.PublicKey); !ok {
		t.Errorf("EdDSA: %T", keys[0])
	}
	// The set says RS256 for its key, so nothing else.
	if _, err := set.serving(t.Context(), "PS256", false); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("PS256: %v, want ErrUnknownKey", err)
	}
}

func TestKeysTriedPerTokenAreBounded(t *testing.T) {
	set := newKeySet()
	var all []jwkset.JWK
	for i := range maxCandidates + 1 {
		all = append(all, must(jwkset.NewJWKFromKey(edKey(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: fmt.Sprint(i)}})))
	}
	if err := set.KeyReplaceAll(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if keys, err := set.serving(t.Context(), "EdDSA", false); err != nil || len(keys) != maxCandidates {
		t.Errorf("%d keys, %v; want %d", len(keys), err, maxCandidates)
	}
}

func TestRedirects(t *testing.T) {
	step := func(chain ...string) error {
		var via []*http.Request
		for _, address := range chain {
			via = append(via, httptest.NewRequest(http.MethodGet, address, nil))
		}
		last := len(via) - 1
		return checkRedirect(via[last], via[:last])
	}
	const secure, plain = "https://a.example/", "http://a.example/"
	tests := []struct {
		name  string
		chain []string
		ok    bool
	}{
		{"to https", []string{plain, secure}, true},
		{"within https", []string{secure, secure}, true},
		{"within http", []string{plain, plain}, true},
		{"to http", []string{secure, plain}, false},
		{"to http at last", []string{secure, secure, plain}, false},
		{"most", []string{secure, secure, secure}, true},
		{"too many", []string{secure, secure, secure, secure}, false},
	}
	for _, tt := range tests {
		if err := step(tt.chain...); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
