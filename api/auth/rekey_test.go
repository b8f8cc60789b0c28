package auth

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// An issuer may put another key under the old id, or give its keys no ids at all:
// its tokens are good from the moment of the change, not from the next refresh.
func TestRotationWithoutANewKeyID(t *testing.T) {
	for name, tt := range map[string]struct {
		publish func(i *issuer, key any)
		token   func(t *testing.T, key any) string
	}{
		"the same id": {
			func(i *issuer, key any) { i.publish(map[string]any{"k": key}) },
			func(t *testing.T, key any) string { return signKid(t, "RS256", "k", key) },
		},
		"no ids": {
			func(i *issuer, key any) { i.publishNameless(key) },
			func(t *testing.T, key any) string { return sign(t, "RS256", key, payload(nil), nil) },
		},
		"no ids in the set": {
			func(i *issuer, key any) { i.publishNameless(key) },
			func(t *testing.T, key any) string { return signKid(t, "RS256", "k", key) },
		},
		"an empty id": {
			func(i *issuer, key any) { i.publishNameless(p256Key(), key) },
			func(t *testing.T, key any) string { return signKid(t, "RS256", "", key) },
		},
		"no ids in the tokens": {
			func(i *issuer, key any) { i.publish(map[string]any{"k": key}) },
			func(t *testing.T, key any) string { return sign(t, "RS256", key, payload(nil), nil) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			set := newIssuer(t)
			tt.publish(set, rsaKey())
			v := newVerifier(t, Config{JWKSURL: set.url(), JWKSRefetch: time.Hour})
			old := tt.token(t, rsaKey())
			if _, err := v.Verify(t.Context(), old); err != nil {
				t.Fatal(err)
			}
			tt.publish(set, otherRSAKey())
			// All clients come back at once: one fetch serves them all.
			token := tt.token(t, otherRSAKey())
			comeBack(t, v, token)
			if got, want := set.count(), 2; got != want {
				t.Errorf("%d fetches, want %d", got, want)
			}
			if _, err := v.Verify(t.Context(), old); !errors.Is(err, ErrInvalid) {
				t.Errorf("token of the old key: error = %v, want ErrInvalid", err)
			}
		})
	}
}

func TestWrongSignaturesAreRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newIssuer(t)
		set.publish(map[string]any{"k": rsaKey()})
		v := bubbleVerifier(t, set, Config{JWKSRefetch: 10 * time.Second})
		start := time.Now()
		for range 20 {
			if _, err := v.Verify(t.Context(), signKid(t, "RS256", "k", otherRSAKey())); !errors.Is(err, ErrInvalid) {
				t.Errorf("error = %v, want ErrInvalid", err)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("20 forged tokens were held up for %v", took)
		}
		if got, want := set.count(), 2; got != want {
			t.Errorf("%d fetches, want %d", got, want)
		}
		// A failed fetch leaves the key in force.
		time.Sleep(10 * time.Second)
		set.fail(500)
		if _, err := v.Verify(t.Context(), signKid(t, "RS256", "k", otherRSAKey())); !errors.Is(err, ErrInvalid) {
			t.Errorf("error = %v, want ErrInvalid", err)
		}
		if _, err := v.Verify(t.Context(), signKid(t, "RS256", "k", rsaKey())); err != nil {
			t.Error(err)
		}
		if got, want := set.count(), 3; got != want {
			t.Errorf("%d fetches, want %d", got, want)
		}
	})
}

// A key with the token's id comes before those without one.
func TestNamelessKeysServeUnknownIDsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newIssuer(t)
		set.publish(map[string]any{"k": rsaKey(), "": otherRSAKey()})
		v := bubbleVerifier(t, set, Config{})
		for _, tt := range []struct {
			token string
			want  error
		}{
			{signKid(t, "RS256", "k", rsaKey()), nil},
			{signKid(t, "RS256", "k", otherRSAKey()), ErrInvalid},
			{signKid(t, "RS256", "other", otherRSAKey()), nil},
			{signKid(t, "RS256", "other", rsaKey()), ErrInvalid},
			{signKid(t, "ES256", "other", p256Key()), ErrUnknownKey},
		} {
			if _, err := v.Verify(t.Context(), tt.token); !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
		}
	})
}
