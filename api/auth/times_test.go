package auth

import (
	"cmp"
	"errors"
	"testing"
	"time"
)

func TestExpiryAndLeeway(t *testing.T) {
	tests := []struct {
		name   string
		claims map[string]any
		cfg    Config
		at     time.Duration // after epoch
		want   error
	}{
		{"fresh", map[string]any{"exp": epoch.Unix()}, Config{}, -time.Second, nil},
		{"within the leeway", map[string]any{"exp": epoch.Unix()}, Config{}, 30*time.Second - 1, nil},
		{"at the end of the leeway", map[string]any{"exp": epoch.Unix()}, Config{}, 30 * time.Second, ErrExpired},
		{"own leeway", map[string]any{"exp": epoch.Unix()}, Config{Leeway: 5 * time.Minute}, 5*time.Minute - 1, nil},
		{"no leeway", map[string]any{"exp": epoch.Unix()}, Config{Leeway: -1}, 0, ErrExpired},
		{"fraction of a second", map[string]any{"exp": float64(epoch.Unix()) + 0.5}, Config{Leeway: -1}, 400 * time.Millisecond, nil},
		{"exp missing", map[string]any{"exp": nil}, Config{}, 0, ErrInvalid},
		{"exp missing and allowed", map[string]any{"exp": nil}, Config{AllowNoExpiry: true}, 1000 * time.Hour, nil},
		{"exp over although it may be missing", map[string]any{"exp": epoch.Unix()}, Config{AllowNoExpiry: true}, time.Hour, ErrExpired},
		{"nbf reached", map[string]any{"nbf": epoch.Unix()}, Config{Leeway: -1}, 0, nil},
		{"nbf within the leeway", map[string]any{"nbf": epoch.Unix()}, Config{}, -30 * time.Second, nil},
		{"nbf beyond the leeway", map[string]any{"nbf": epoch.Unix()}, Config{}, -30*time.Second - 1, ErrNotYet},
		{"iat in the future", map[string]any{"iat": epoch.Add(time.Minute).Unix()}, Config{}, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c clock
			c.advance(tt.at)
			tt.cfg.Secret, tt.cfg.Now = testSecret, c.now
			v := newVerifier(t, tt.cfg)
			if got, want := v.Leeway(), max(0, cmp.Or(tt.cfg.Leeway, 30*time.Second)); got != want {
				t.Errorf("Leeway = %v, want %v", got, want)
			}
			_, err := v.Verify(t.Context(), sign(t, "HS256", testSecret, payload(tt.claims), nil))
			if !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestIssuerAndAudience(t *testing.T) {
	cfg := Config{Secret: testSecret, Issuer: "https://vault.example|login", Audience: "hubline"}
	tests := []struct {
		name     string
		iss, aud any
		want     error
	}{
		{"both right", cfg.Issuer, cfg.Audience, nil},
		{"audience in a list", cfg.Issuer, []string{"other", cfg.Audience}, nil},
		{"iss missing", nil, cfg.Audience, ErrIssuer},
		{"iss wrong", "https://vault.example|invite", cfg.Audience, ErrIssuer},
		{"iss a number", 1, cfg.Audience, ErrInvalid},
		{"aud missing", cfg.Issuer, nil, ErrAudience},
		{"aud wrong", cfg.Issuer, "hublin", ErrAudience},
		{"aud empty", cfg.Issuer, "", ErrAudience},
		{"aud empty list", cfg.Issuer, []string{}, ErrAudience},
		{"aud wrong list", cfg.Issuer, []string{"a", "b"}, ErrAudience},
		{"aud an object", cfg.Issuer, map[string]int{}, ErrInvalid},
		{"aud a list of numbers", cfg.Issuer, []int{1}, ErrInvalid},
		{"both wrong", "x", "y", ErrIssuer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := newVerifier(t, cfg)
			token := sign(t, "HS256", testSecret, payload(map[string]any{"iss": tt.iss, "aud": tt.aud}), nil)
			if _, err := v.Verify(t.Context(), token); !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
		})
	}
	t.Run("expired and of another issuer", func(t *testing.T) {
		// A fresh token of that issuer would not help: say so first.
		v := newVerifier(t, cfg)
		token := sign(t, "HS256", testSecret, payload(map[string]any{"iss": "x", "exp": 1}), nil)
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrIssuer) {
			t.Errorf("error = %v, want ErrIssuer", err)
		}
	})
}

func TestForgerLearnsNothingAboutClaims(t *testing.T) {
	v := newVerifier(t, Config{Secret: testSecret, Issuer: "x"})
	for _, changes := range []map[string]any{{"sub": nil}, {"exp": 1}, {"iss": "y"}, {"channels": 1}} {
		token := sign(t, "HS256", []byte("not the secret"), payload(changes), nil)
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, errSignature) {
			t.Errorf("%v: error = %v, want %v", changes, err, errSignature)
		}
	}
}
