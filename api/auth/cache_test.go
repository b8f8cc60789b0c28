package auth

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestSecondVerifyIsFromTheCache(t *testing.T) {
	v := newVerifier(t, Config{Secret: testSecret})
	token := sign(t, "HS256", testSecret, payload(nil), nil)
	first, err := v.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	second, err := v.Verify(t.Context(), token)
	if err != nil || second != first {
		t.Errorf("second identity %p, %v; want %p", second, err, first)
	}
}

func TestCacheHitDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	v := newVerifier(t, Config{Secret: testSecret})
	token := sign(t, "HS256", testSecret, payload(nil), nil)
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = v.Verify(ctx, token) }); n != 0 {
		t.Errorf("%v allocations per hit, want 0", n)
	}
}

func TestCachedTokenExpires(t *testing.T) {
	var c clock
	v := newVerifier(t, Config{Secret: testSecret, Now: c.now})
	token := sign(t, "HS256", testSecret, payload(map[string]any{"nbf": epoch.Unix()}), nil)
	steps := []struct {
		move time.Duration
		want error
	}{
		{0, nil},
		{time.Hour + 30*time.Second - 1, nil},
		{1, ErrExpired},
		{1, ErrExpired}, // and stays refused once forgotten
		{-time.Minute, nil},
		// A clock that is set back across nbf: what was accepted is checked again.
		{-time.Hour - 30*time.Second, ErrNotYet},
		{time.Minute, nil},
	}
	for i, s := range steps {
		c.advance(s.move)
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, s.want) {
			t.Errorf("step %d: error = %v, want %v", i, err, s.want)
		}
	}
	c.advance(24 * time.Hour)
	_, _ = v.Verify(t.Context(), token)
	if got := v.cache.lru.Len(); got != 0 {
		t.Errorf("%d expired tokens are kept", got)
	}
}

func TestCacheIsBounded(t *testing.T) {
	const size = 8
	v := newVerifier(t, Config{Secret: testSecret, CacheSize: size})
	for i := range 3 * size {
		token := sign(t, "HS256", testSecret, payload(map[string]any{"sub": fmt.Sprint(i)}), nil)
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if got, want := v.cache.lru.Len(), min(i+1, size); got != want {
			t.Fatalf("%d tokens kept, want %d", got, want)
		}
	}
}

func TestRefusedTokensAreNotKept(t *testing.T) {
	v := newVerifier(t, Config{Secret: testSecret})
	for _, token := range []string{"a.b.c", sign(t, "HS256", []byte("wrong"), payload(nil), nil), sign(t, "HS256", testSecret, payload(map[string]any{"exp": 1}), nil)} {
		_, _ = v.Verify(t.Context(), token)
	}
	if got := v.cache.lru.Len(); got != 0 {
		t.Errorf("%d refused tokens are kept", got)
	}
}

func TestConcurrentVerify(t *testing.T) {
	var c clock
	v := newVerifier(t, Config{Secret: testSecret, CacheSize: 3, Now: c.now})
	var tokens []string
	for i := range 6 {
		tokens = append(tokens, sign(t, "HS256", testSecret, payload(map[string]any{"sub": fmt.Sprint("u", i), "iss": fmt.Sprint("i", i%2)}), nil))
	}
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for n := range 200 {
				i := n % len(tokens)
				id, err := v.Verify(t.Context(), tokens[i])
				if err != nil || id.User != fmt.Sprint("u", i) || id.Issuer != fmt.Sprint("i", i%2) {
					t.Errorf("token %d: %+v, %v", i, id, err)
				}
				c.advance(time.Millisecond)
			}
		})
	}
	callers.Wait()
}
