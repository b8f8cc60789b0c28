package auth

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// comeBack has 20 clients come with a token at once.
func comeBack(t *testing.T, v *Verifier, token string) {
	t.Helper()
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		})
	}
	clients.Wait()
}

func TestRotationByUnknownKeyID(t *testing.T) {
	set := newIssuer(t)
	set.publish(map[string]any{"old": rsaKey()})
	v := newVerifier(t, Config{JWKSURL: set.url()})
	old := signKid(t, "RS256", "old", rsaKey())
	for range 2 {
		if _, err := v.Verify(t.Context(), old); err != nil {
			t.Fatal(err)
		}
	}
	set.publish(map[string]any{"new": otherRSAKey()})
	// All clients come back at once with new tokens: one fetch serves them all.
	token := signKid(t, "RS256", "new", otherRSAKey())
	comeBack(t, v, token)
	if got, want := set.count(), 2; got != want {
		t.Errorf("%d fetches, want %d", got, want)
	}
	if _, err := v.Verify(t.Context(), old); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("token of a withdrawn key: error = %v, want ErrUnknownKey", err)
	}
}

func TestRotationByRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newIssuer(t)
		set.publish(map[string]any{"a": p256Key()})
		v := bubbleVerifier(t, set, Config{JWKSRefresh: time.Minute})
		a := signKid(t, "ES256", "a", p256Key())
		if _, err := v.Verify(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		gen := v.generation()

		set.publish(map[string]any{"a": p256Key(), "b": edKey()})
		time.Sleep(time.Minute + time.Second)
		if v.generation() != gen {
			t.Error("a key that was added made old tokens forgotten")
		}
		set.publish(map[string]any{"b": edKey()})
		time.Sleep(time.Minute)
		if v.generation() == gen {
			t.Error("a key that went did not make its tokens forgotten")
		}
		if _, err := v.Verify(t.Context(), a); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("error = %v, want ErrUnknownKey", err)
		}
		if _, err := v.Verify(t.Context(), signKid(t, "EdDSA", "b", edKey())); err != nil {
			t.Error(err)
		}
	})
}

func TestSameKeyIDWithAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newIssuer(t)
		set.publish(map[string]any{"k": rsaKey()})
		v := bubbleVerifier(t, set, Config{JWKSRefresh: time.Minute})
		token := signKid(t, "RS256", "k", rsaKey())
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		set.publish(map[string]any{"k": otherRSAKey()})
		time.Sleep(time.Minute + time.Second)
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrInvalid) {
			t.Errorf("error = %v, want ErrInvalid", err)
		}
	})
}

func TestPEMKeysComeBeforeTheSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := newIssuer(t)
		set.publish(map[string]any{"k": otherRSAKey()})
		v := bubbleVerifier(t, set, Config{PublicKeyPEM: [][]byte{publicPEM(rsaKey())}, Secret: testSecret})
		if _, err := v.Verify(t.Context(), signKid(t, "RS256", "elsewhere", rsaKey())); err != nil {
			t.Errorf("key of the file: %v", err)
		}
		if _, err := v.Verify(t.Context(), signKid(t, "RS256", "k", otherRSAKey())); err != nil {
			t.Errorf("key of the set: %v", err)
		}
		if _, err := v.Verify(t.Context(), signKid(t, "HS256", "elsewhere", []byte("wrong"))); !errors.Is(err, ErrInvalid) {
			t.Errorf("error = %v, want ErrInvalid", err)
		}
		if got, want := set.count(), 1; got != want {
			t.Errorf("%d fetches, want %d", got, want)
		}
	})
}

func TestConcurrentVerifyAndRotation(t *testing.T) {
	set := newIssuer(t)
	old, next := map[string]any{"a": p256Key(), "x": edKey()}, map[string]any{"b": p384Key(), "x": edKey()}
	set.publish(old)
	v := newVerifier(t, Config{JWKSURL: set.url(), JWKSRefetch: time.Nanosecond, JWKSRefresh: time.Millisecond, Secret: testSecret, CacheSize: 4})
	steady := []string{signKid(t, "EdDSA", "x", edKey()), sign(t, "HS256", testSecret, payload(nil), nil)}
	changing := []string{signKid(t, "ES256", "a", p256Key()), signKid(t, "ES384", "b", p384Key())}
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 50 {
				for _, token := range steady {
					if _, err := v.Verify(t.Context(), token); err != nil {
						t.Error(err)
					}
				}
				for _, token := range changing {
					if _, err := v.Verify(t.Context(), token); err != nil && !errors.Is(err, ErrUnknownKey) {
						t.Error(err)
					}
				}
			}
		})
	}
	clients.Go(func() {
		for range 20 {
			set.publish(next)
			set.publish(old)
		}
	})
	clients.Wait()
}
