package auth

import (
	"errors"
	"strings"
	"testing"
)

func TestUsableNames(t *testing.T) {
	for s, want := range map[string]bool{
		"a": true, "é😀\u00a0": true, strings.Repeat("x", 8): true, " ": true,
		"": false, strings.Repeat("x", 9): false, "a\x00": false, "\x1f": false, "\x7f": false, "\u0080": false, "\u009f": false, "\u2028": false, "\u2029": false,
		"\uFFFD": false, "\xff": false, "\xed\xa0\x80": false,
	} {
		if got := Usable(s, 8); got != want {
			t.Errorf("Usable(%q) = %v", s, got)
		}
		if got := Usable([]byte(s), 8); got != want {
			t.Errorf("Usable(bytes of %q) = %v", s, got)
		}
	}
}

// A user whom nobody could publish to does not get in.
func TestUsersAreThoseWhoCanBePublishedTo(t *testing.T) {
	v := newVerifier(t, Config{Secret: testSecret})
	for _, user := range []string{"a\u2028b", "a\u2029b", "a\u0085b", "a\nb"} {
		token := sign(t, "HS256", testSecret, payload(map[string]any{"sub": user}), nil)
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrNoSubject) {
			t.Errorf("sub %q: %v, want ErrNoSubject", user, err)
		}
	}
}
