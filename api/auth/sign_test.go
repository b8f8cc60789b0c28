package auth

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSignedTokenIsVerified(t *testing.T) {
	v := newVerifier(t, Config{Secret: testSecret, Issuer: "hubline", Audience: "hubline"})
	token, err := Sign(testSecret, Claims{
		User: "anna", Device: "phone", Scopes: ScopePublish | ScopeRead, Channels: []string{"private-*"},
		TTL: 10 * time.Minute, IssuedAt: epoch, Issuer: "hubline", Audience: "hubline", ID: "t1",
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	want := &Identity{
		User: "anna", Device: "phone", Scopes: ScopePublish | ScopeRead, Channels: []string{"private-*"},
		Expires: epoch.Add(10 * time.Minute).UTC(), IssuedAt: epoch.UTC(), Issuer: "hubline", TokenID: "t1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
}

func TestSignDefaults(t *testing.T) {
	v := newVerifier(t, Config{Secret: testSecret, Now: time.Now})
	ids := map[string]bool{}
	for range 2 {
		token, err := Sign(testSecret, Claims{User: "anna"})
		if err != nil {
			t.Fatal(err)
		}
		id, err := v.Verify(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if got := id.Expires.Sub(id.IssuedAt); got != time.Hour {
			t.Errorf("lives %v, want 1 h", got)
		}
		ids[id.TokenID] = true
	}
	if len(ids) != 2 || ids[""] {
		t.Errorf("token ids %v, want two", ids)
	}
}

func TestSignRefusesWhatVerifyWould(t *testing.T) {
	tests := []struct {
		name   string
		secret []byte
		claims Claims
		want   []string
	}{
		{"everything at once", []byte("short"), Claims{Device: "\n", Channels: []string{""}, TTL: -1}, []string{"secret has 5 bytes", "user", "device", "channel 1", "expire before"}},
		{"PEM as secret", publicPEM(p256Key()), Claims{User: "a"}, []string{"PEM"}},
		{"too many channels", testSecret, Claims{User: "a", Channels: make([]string, MaxChannels+1)}, []string{"257 channels"}},
		{"beyond dates", testSecret, Claims{User: "a", Expires: time.Unix(maxUnixSeconds+1, 0)}, []string{"9999"}},
		{"before dates", testSecret, Claims{User: "a", IssuedAt: time.Unix(-1, 0)}, []string{"1970"}},
		{"long names", testSecret, Claims{User: strings.Repeat("u", 257), Device: strings.Repeat("d", 129), Issuer: strings.Repeat("i", 257), Audience: strings.Repeat("i", 257), ID: strings.Repeat("i", 257)}, []string{"user", "device", "issuer", "audience", "token id"}},
		{"too long in all", testSecret, Claims{User: "a", Channels: longChannels()}, []string{"8192"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, err := Sign(tt.secret, tt.claims)
			if err == nil {
				t.Fatalf("signed %s", token)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func longChannels() []string {
	list := make([]string, MaxChannels)
	for i := range list {
		list[i] = strings.Repeat("c", MaxChannelBytes)
	}
	return list
}

func TestSignAnExpiredToken(t *testing.T) {
	// Tests of clients want one.
	token, err := Sign(testSecret, Claims{User: "anna", IssuedAt: epoch.Add(-time.Hour), TTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newVerifier(t, Config{Secret: testSecret}).Verify(t.Context(), token); !errors.Is(err, ErrExpired) {
		t.Errorf("error = %v, want ErrExpired", err)
	}
}

func TestScopes(t *testing.T) {
	tests := []struct {
		words   []string
		want    Scope
		text    string
		unknown bool
	}{
		{nil, 0, "", false},
		{[]string{"publish read admin"}, ScopePublish | ScopeRead | ScopeAdmin, "publish read admin", false},
		{[]string{"admin,publish"}, ScopePublish | ScopeAdmin, "publish admin", false},
		{[]string{"read", "read"}, ScopeRead, "read", false},
		{[]string{"read", "write everything"}, ScopeRead, "read", true},
		{[]string{" , "}, 0, "", false},
	}
	for _, tt := range tests {
		got, err := ParseScopes(tt.words...)
		if got != tt.want || (err != nil) != tt.unknown {
			t.Errorf("ParseScopes(%q) = %v, %v", tt.words, got, err)
		}
		if got.String() != tt.text || fmt.Sprint(got) != tt.text {
			t.Errorf("ParseScopes(%q) = %q, want %q", tt.words, got, tt.text)
		}
	}
	if _, err := ParseScopes(strings.Repeat("x", 1000)); err == nil || len(err.Error()) > 100 {
		t.Errorf("error %v repeats the word", err)
	}
	if all := ScopePublish | ScopeRead; !all.Has(ScopeRead) || all.Has(ScopeAdmin) || all.Has(ScopeRead|ScopeAdmin) {
		t.Error("Has")
	}
}
