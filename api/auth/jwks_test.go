package auth

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestJWKSOverHTTP(t *testing.T) {
	set := newIssuer(t)
	set.publish(map[string]any{"rsa": rsaKey(), "p256": p256Key(), "p384": p384Key(), "p521": p521Key(), "ed": edKey()})
	v := newVerifier(t, Config{JWKSURL: set.url(), JWKSRefetch: time.Hour})
	tests := []struct {
		name  string
		token string
		want  error
	}{
		{"RS256", signKid(t, "RS256", "rsa", rsaKey()), nil},
		{"PS512", signKid(t, "PS512", "rsa", rsaKey()), nil},
		{"ES256", signKid(t, "ES256", "p256", p256Key()), nil},
		{"ES384", signKid(t, "ES384", "p384", p384Key()), nil},
		{"ES512", signKid(t, "ES512", "p521", p521Key()), nil},
		{"EdDSA", signKid(t, "EdDSA", "ed", edKey()), nil},
		{"no key id", sign(t, "RS256", rsaKey(), payload(nil), nil), nil},
		{"no key id, unknown key", sign(t, "RS256", otherRSAKey(), payload(nil), nil), ErrInvalid},
		{"key id of another kind of key", signKid(t, "RS256", "p256", rsaKey()), ErrUnknownKey},
		{"key id of another curve", signKid(t, "ES256", "p384", p256Key()), ErrUnknownKey},
		{"key id of another key", signKid(t, "RS256", "rsa", otherRSAKey()), ErrInvalid},
		{"unknown key id", signKid(t, "RS256", "nobody", rsaKey()), ErrUnknownKey},
		{"key id a number", sign(t, "RS256", rsaKey(), payload(nil), map[string]any{"kid": 1}), ErrInvalid},
		{"HMAC with the public key", signKid(t, "HS256", "rsa", publicPEM(rsaKey())), ErrAlgorithm},
		{"none", strings.Join([]string{base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)), "e30", ""}, "."), ErrAlgorithm},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := v.Verify(t.Context(), tt.token); !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
		})
	}
	if got, want := set.count(), 2; got != want { // the first, and one for the unknown key id
		t.Errorf("%d fetches, want %d", got, want)
	}
	if err := v.Ready(); err != nil {
		t.Error(err)
	}
}

func TestOutageLeavesKeysInForce(t *testing.T) {
	outages := map[string]func(*issuer){
		"status 503":       func(i *issuer) { i.fail(http.StatusServiceUnavailable) },
		"not JSON":         func(i *issuer) { i.serve("<html>") },
		"empty object":     func(i *issuer) { i.serve("{}") },
		"no usable key":    func(i *issuer) { i.serve(`{"keys":[{"kty":"oct","k":"AAAA","kid":"k"}]}`) },
		"hangs":            func(i *issuer) { i.hang(time.Hour) },
		"endless answer":   func(i *issuer) { i.serve(`{"keys":[` + strings.Repeat(" ", maxJWKSBytes+1) + `]}`) },
		"broken key in it": func(i *issuer) { i.serve(`{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}`) },
	}
	for name, outage := range outages {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := newIssuer(t)
				set.publish(map[string]any{"k": p256Key()})
				var log bytes.Buffer
				v := bubbleVerifier(t, set, Config{JWKSRefresh: time.Minute, CacheSize: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
				if _, err := v.Verify(t.Context(), signKid(t, "ES256", "k", p256Key())); err != nil {
					t.Fatal(err)
				}
				outage(set)
				time.Sleep(10 * time.Minute)
				// Another token of the same key, so that the answer is not remembered.
				if _, err := v.Verify(t.Context(), signKid(t, "ES256", "k", p256Key())); err != nil {
					t.Error(err)
				}
				if _, err := v.Verify(t.Context(), signKid(t, "EdDSA", "new", edKey())); !errors.Is(err, ErrUnknownKey) {
					t.Errorf("error = %v, want ErrUnknownKey", err)
				}
				synctest.Wait() // nobody writes to the log
				if s := log.String(); !strings.Contains(s, "JWK set not fetched") || strings.Contains(s, "hidden") {
					t.Errorf("log:\n%s", s)
				}
			})
		})
	}
}

func TestUnreachableAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newIssuer(t)
		set.fail(http.StatusBadGateway)
		var log bytes.Buffer
		start := time.Now()
		v := bubbleVerifier(t, set, Config{Secret: testSecret, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if took := time.Since(start); took != 0 {
			t.Errorf("NewVerifier took %v", took)
		}
		token := signKid(t, "ES256", "k", p256Key())
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrKeysUnavailable) {
			t.Errorf("error = %v, want ErrKeysUnavailable", err)
		}
		if !errors.Is(v.Ready(), ErrKeysUnavailable) {
			t.Errorf("Ready = %v, want ErrKeysUnavailable", v.Ready())
		}
		if _, err := v.Verify(t.Context(), sign(t, "HS256", testSecret, payload(nil), nil)); err != nil {
			t.Errorf("the secret does not work meanwhile: %v", err)
		}
		synctest.Wait()
		if !strings.Contains(log.String(), "level=WARN") {
			t.Errorf("log: %s", log.String())
		}
		set.publish(map[string]any{"k": p256Key()})
		time.Sleep(2 * time.Second) // the first pause is 1 s, ± 50 %
		synctest.Wait()
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
		if err := v.Ready(); err != nil {
			t.Error(err)
		}
	})
}

func TestFirstRequestWaitsForTheFirstFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newIssuer(t)
		set.publish(map[string]any{"k": p256Key()})
		set.hang(3 * time.Second)
		v := bubbleVerifier(t, set, Config{})
		token := signKid(t, "ES256", "k", p256Key())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := v.Verify(ctx, token); !errors.Is(err, ErrKeysUnavailable) {
			t.Errorf("impatient: error = %v, want ErrKeysUnavailable", err)
		}
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
	})
}

func TestUnknownKeyIDsAreRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newIssuer(t)
		set.publish(map[string]any{"k": p256Key()})
		v := bubbleVerifier(t, set, Config{JWKSRefetch: 10 * time.Second})
		if _, err := v.Verify(t.Context(), signKid(t, "ES256", "k", p256Key())); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for i := range 100 {
			token := signKid(t, "ES256", fmt.Sprint("made-up-", i), p256Key())
			if _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrUnknownKey) {
				t.Errorf("error = %v, want ErrUnknownKey", err)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("100 forged tokens were held up for %v", took)
		}
		if got, want := set.count(), 2; got != want {
			t.Errorf("%d fetches, want %d", got, want)
		}
		// The limit is over: a new key is found.
		time.Sleep(10 * time.Second)
		set.publish(map[string]any{"k": p256Key(), "new": edKey()})
		if _, err := v.Verify(t.Context(), signKid(t, "EdDSA", "new", edKey())); err != nil {
			t.Error(err)
		}
		if got, want := set.count(), 3; got != want {
			t.Errorf("%d fetches, want %d", got, want)
		}
	})
}

func TestClientThatHangsUpDoesNotUseUpTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newIssuer(t)
		set.publish(map[string]any{"k": p256Key()})
		v := bubbleVerifier(t, set, Config{})
		if _, err := v.Verify(t.Context(), signKid(t, "ES256", "k", p256Key())); err != nil {
			t.Fatal(err)
		}
		set.publish(map[string]any{"new": edKey()})
		set.hang(2 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		token := signKid(t, "EdDSA", "new", edKey())
		if _, err := v.Verify(ctx, token); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("error = %v, want ErrUnknownKey", err)
		}
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
		if got, want := set.count(), 2; got != want {
			t.Errorf("%d fetches, want %d", got, want)
		}
	})
}
