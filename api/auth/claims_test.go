package auth

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func TestClaims(t *testing.T) {
	base := Identity{User: "anna", Expires: epoch.Add(time.Hour).UTC()}
	names := func(n int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = "private-x"
		}
		return list
	}
	tests := []struct {
		name   string
		claims map[string]any
		change func(*Identity) // nil if refused
		want   error
	}{
		{"least", nil, func(*Identity) {}, nil},
		{"longest user", map[string]any{"sub": strings.Repeat("u", MaxUserBytes)}, func(id *Identity) { id.User = strings.Repeat("u", MaxUserBytes) }, nil},
		{"user too long", map[string]any{"sub": strings.Repeat("u", MaxUserBytes+1)}, nil, ErrNoSubject},
		{"user missing", map[string]any{"sub": nil}, nil, ErrNoSubject},
		{"user empty", map[string]any{"sub": ""}, nil, ErrNoSubject},
		{"user a number", map[string]any{"sub": 7}, nil, ErrNoSubject},
		{"user with NUL", map[string]any{"sub": "a\x00b"}, nil, ErrNoSubject},
		{"user with newline", map[string]any{"sub": "a\nb"}, nil, ErrNoSubject},
		{"user with C1 control", map[string]any{"sub": "a\u0085b"}, nil, ErrNoSubject},
		{"user with DEL", map[string]any{"sub": "a\x7f"}, nil, ErrNoSubject},
		{"user in another script", map[string]any{"sub": "安娜 é"}, func(id *Identity) { id.User = "安娜 é" }, nil},
		{"user only in another case", map[string]any{"sub": nil, "SUB": "root"}, nil, ErrNoSubject},
		{"another case beside it", map[string]any{"Sub": "root", "sUB": "root"}, func(*Identity) {}, nil},
		{"device", map[string]any{"device": "d1", "did": "d2"}, func(id *Identity) { id.Device = "d1" }, nil},
		{"did", map[string]any{"did": "d2"}, func(id *Identity) { id.Device = "d2" }, nil},
		{"device empty", map[string]any{"device": "", "did": "d2"}, func(id *Identity) { id.Device = "d2" }, nil},
		{"longest device", map[string]any{"device": strings.Repeat("d", MaxDeviceBytes)}, func(id *Identity) { id.Device = strings.Repeat("d", MaxDeviceBytes) }, nil},
		{"device too long", map[string]any{"device": strings.Repeat("d", MaxDeviceBytes+1)}, nil, ErrInvalid},
		{"did too long", map[string]any{"did": strings.Repeat("d", MaxDeviceBytes+1)}, nil, ErrInvalid},
		{"device with tab", map[string]any{"device": "\t"}, nil, ErrInvalid},
		{"device a list", map[string]any{"device": []string{"d"}}, nil, ErrInvalid},
		{"scope a string", map[string]any{"scope": "publish api admin"}, func(id *Identity) { id.Scopes = ScopePublish | ScopeAdmin }, nil},
		{"scope a list", map[string]any{"scope": []string{"api", "read", "publish admin"}}, func(id *Identity) { id.Scopes = ScopePublish | ScopeRead | ScopeAdmin }, nil},
		{"scope in capitals", map[string]any{"scope": "PUBLISH Admin"}, func(*Identity) {}, nil},
		{"scope a number", map[string]any{"scope": 7}, nil, ErrInvalid},
		{"scope a list of numbers", map[string]any{"scope": []int{7}}, nil, ErrInvalid},
		{"channels", map[string]any{"channels": []string{"private-a", "presence-*"}}, func(id *Identity) { id.Channels = []string{"private-a", "presence-*"} }, nil},
		{"channels empty", map[string]any{"channels": []string{}}, func(*Identity) {}, nil},
		{"most channels", map[string]any{"channels": names(MaxChannels)}, func(id *Identity) { id.Channels = names(MaxChannels) }, nil},
		{"too many channels", map[string]any{"channels": names(MaxChannels + 1)}, nil, ErrInvalid},
		{"longest channel", map[string]any{"channels": []string{strings.Repeat("c", MaxChannelBytes)}}, func(id *Identity) { id.Channels = []string{strings.Repeat("c", MaxChannelBytes)} }, nil},
		{"channel too long", map[string]any{"channels": []string{strings.Repeat("c", MaxChannelBytes+1)}}, nil, ErrInvalid},
		{"channel empty", map[string]any{"channels": []string{""}}, nil, ErrInvalid},
		{"channels a string", map[string]any{"channels": "private-a"}, nil, ErrInvalid},
		{"channels an object", map[string]any{"channels": map[string]int{}}, nil, ErrInvalid},
		{"dates", map[string]any{"iat": 1.5, "nbf": 0}, func(id *Identity) { id.IssuedAt = time.Unix(1, 5e8).UTC() }, nil},
		{"exp text", map[string]any{"exp": "1763596800"}, nil, ErrInvalid},
		{"exp negative", map[string]any{"exp": -1}, nil, ErrInvalid},
		{"exp in the last second", map[string]any{"exp": maxUnixSeconds}, func(id *Identity) { id.Expires = time.Unix(maxUnixSeconds, 0).UTC() }, nil},
		{"exp in the year 10000", map[string]any{"exp": maxUnixSeconds + 1}, nil, ErrInvalid},
		{"exp beyond int64", map[string]any{"exp": 1e300}, nil, ErrInvalid},
		{"iat true", map[string]any{"iat": true}, nil, ErrInvalid},
		{"nbf a list", map[string]any{"nbf": []int{1}}, nil, ErrInvalid},
		{"jti", map[string]any{"jti": "j1"}, func(id *Identity) { id.TokenID = "j1" }, nil},
		{"jti too long", map[string]any{"jti": strings.Repeat("j", maxNameBytes+1)}, nil, ErrInvalid},
		{"iss too long", map[string]any{"iss": strings.Repeat("j", maxNameBytes+1)}, nil, ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := newVerifier(t, Config{Secret: testSecret})
			got, err := v.Verify(t.Context(), sign(t, "HS256", testSecret, payload(tt.claims), nil))
			if !errors.Is(err, tt.want) {
				t.Fatalf("error = %v, want %v", err, tt.want)
			}
			if tt.change == nil {
				return
			}
			want := base
			tt.change(&want)
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
			if cap(got.Channels) != len(got.Channels) {
				t.Errorf("channels keep room for %d names", cap(got.Channels))
			}
		})
	}
}

func TestBrokenTextIsNoName(t *testing.T) {
	v := newVerifier(t, Config{Secret: testSecret})
	for _, sub := range []string{`"a` + "\xff" + `"`, `"\ud800"`, `"\ufffd"`, `"a\u0000"`} {
		token := signRaw(t, "HS256", testSecret, []byte(`{"exp":1763600000,"sub":`+sub+`}`), nil)
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrNoSubject) {
			t.Errorf("sub %q: error = %v, want ErrNoSubject", sub, err)
		}
	}
}

func TestDeeplyNestedPayload(t *testing.T) {
	v := newVerifier(t, Config{Secret: testSecret})
	nested := strings.Repeat("[", 2500) + strings.Repeat("]", 2500)
	token := signRaw(t, "HS256", testSecret, []byte(`{"exp":1763600000,"sub":"anna","x":`+nested+`}`), nil)
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
}

func TestIdentityKeepsNothingOfTheToken(t *testing.T) {
	v := newVerifier(t, Config{Secret: testSecret})
	token := sign(t, "HS256", testSecret, payload(map[string]any{
		"iss": "issuer", "device": "device", "jti": "jti", "channels": []string{"private-a"},
	}), nil)
	id, err := v.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	address := func(s string) uintptr {
		return uintptr(unsafe.Pointer(unsafe.StringData(s))) //nolint:gosec // compared, never followed
	}
	start := address(token)
	for _, s := range append([]string{id.User, id.Device, id.TokenID, id.Issuer}, id.Channels...) {
		if at := address(s); at >= start && at < start+uintptr(len(token)) {
			t.Errorf("%q is a part of the token", s)
		}
	}
}

func TestIdentityIsSmall(t *testing.T) {
	// One per connection; 160 bytes is a size class of the allocator.
	if got, limit := unsafe.Sizeof(Identity{}), uintptr(160); got > limit {
		t.Errorf("Identity has %d bytes, more than %d", got, limit)
	}
}

func TestIssuerIsShared(t *testing.T) {
	v := newVerifier(t, Config{Secret: testSecret})
	verify := func(user string) string {
		id, err := v.Verify(t.Context(), sign(t, "HS256", testSecret, payload(map[string]any{"sub": user, "iss": "https://issuer.example"}), nil))
		if err != nil {
			t.Fatal(err)
		}
		return id.Issuer
	}
	if a, b := verify("a"), verify("b"); unsafe.StringData(a) != unsafe.StringData(b) { //nolint:gosec // compared, never followed
		t.Error("each identity has its own copy of the issuer")
	}
}

func TestAllowsChannel(t *testing.T) {
	tests := []struct {
		patterns []string
		channel  string
		want     bool
	}{
		{nil, "private-a", false},
		{[]string{"private-a"}, "private-a", true},
		{[]string{"private-a"}, "private-ab", false},
		{[]string{"private-a"}, "private-A", false},
		{[]string{"private-org-*"}, "private-org-42", true},
		{[]string{"private-org-*"}, "private-org-", true},
		{[]string{"private-org-*"}, "private-other", false},
		{[]string{"x", "*"}, "presence-any", true},
		{[]string{"private-*-a"}, "private-x-a", false},
	}
	for _, tt := range tests {
		id := Identity{Channels: tt.patterns}
		if got := id.AllowsChannel(tt.channel); got != tt.want {
			t.Errorf("%v allows %q = %v, want %v", tt.patterns, tt.channel, got, tt.want)
		}
	}
}
