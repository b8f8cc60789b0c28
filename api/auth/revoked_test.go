package auth

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(seconds int64) time.Time { return time.Unix(seconds, 0) }

func TestRevocationsMeanWhomTheySay(t *testing.T) {
	later := time.Now().Add(time.Hour)
	ann := Identity{User: "ann", TokenID: "a1", IssuedAt: at(100)}
	noTime, noID := ann, ann
	noTime.IssuedAt, noID.TokenID = time.Time{}, ""
	bob := Identity{User: "bob", TokenID: "b1", IssuedAt: at(100)}
	key := Identity{KeyName: "backend"}
	for name, tt := range map[string]struct {
		revoked                              []Revocation
		ann, annNoTime, annNoID, bob, apiKey bool
	}{
		"nothing":                 {},
		"a user":                  {[]Revocation{{User: "ann", Until: later}}, true, true, true, false, false},
		"a user's older tokens":   {[]Revocation{{User: "ann", Before: at(100), Until: later}}, false, true, false, false, false},
		"up to that second":       {[]Revocation{{User: "ann", Before: at(101), Until: later}}, true, true, true, false, false},
		"a token":                 {[]Revocation{{TokenID: "a1", Until: later}}, true, true, false, false, false},
		"a user's token":          {[]Revocation{{User: "ann", TokenID: "a1", Until: later}}, true, true, false, false, false},
		"a token of another user": {[]Revocation{{User: "bob", TokenID: "a1", Until: later}}, false, false, false, false, false},
		"everybody's older":       {[]Revocation{{Before: at(101), Until: later}}, true, true, true, true, false},
		"everybody's much older":  {[]Revocation{{Before: at(100), Until: later}}, false, true, false, false, false},
		"the later one counts":    {[]Revocation{{User: "ann", Before: at(101), Until: later}, {User: "ann", Before: at(7), Until: later}}, true, true, true, false, false},
		"all of them counts more": {[]Revocation{{User: "ann", Until: later}, {User: "ann", Before: at(7), Until: later}}, true, true, true, false, false},
	} {
		var r Revocations
		for _, v := range tt.revoked {
			if _, err := r.Add(v); err != nil {
				t.Fatal(err)
			}
		}
		for _, who := range []struct {
			name string
			id   Identity
			want bool
		}{{"ann", ann, tt.ann}, {"ann without iat", noTime, tt.annNoTime}, {"ann without jti", noID, tt.annNoID}, {"bob", bob, tt.bob}, {"a key", key, tt.apiKey}} {
			if got := r.Revoked(&who.id); got != who.want {
				t.Errorf("%s: %s is revoked: %v", name, who.name, got)
			}
		}
	}
}

func TestRevocationsAreBoundedAndForgotten(t *testing.T) {
	r := NewRevocations(2)
	now := time.Now()
	add := func(user string, until time.Time) error {
		_, err := r.Add(Revocation{User: user, Until: until})
		return err
	}
	for _, step := range []struct {
		user  string
		until time.Time
		want  error
	}{
		{"ann", now.Add(time.Hour), nil},
		{"bob", now.Add(-time.Second), nil},
		{"ann", now.Add(2 * time.Hour), nil}, // known
		{"cid", now.Add(time.Hour), ErrTooManyRevocations},
	} {
		if err := add(step.user, step.until); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", step.user, err, step.want)
		}
	}
	if gone := r.Sweep(now, 10); len(gone) != 1 || gone[0].User != "bob" || !r.Revoked(&Identity{User: "ann"}) || r.Revoked(&Identity{User: "bob"}) {
		t.Errorf("%+v were forgotten", gone)
	}
	if err := add("dan", now.Add(time.Hour)); err != nil {
		t.Error(err)
	}
}

// What is kept on disk is read as the same.
func TestRevocationsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := Revocation{
			User: rapid.String().Draw(t, "user"), TokenID: rapid.String().Draw(t, "token"),
			Until: time.UnixMilli(rapid.Int64Range(0, 1<<50).Draw(t, "until")),
		}
		if rapid.Bool().Draw(t, "before") {
			v.Before = time.UnixMilli(rapid.Int64Range(1, 1<<50).Draw(t, "before"))
		}
		got, ok := ReadRevocation(v.Record())
		if !ok || got != v {
			t.Errorf("%+v, then %+v %v", v, got, ok)
		}
	})
}

func FuzzReadRevocation(f *testing.F) {
	f.Add("ann", "user", []byte{0, 2})
	f.Add("", "token:x", []byte{1, 2})
	f.Add("", "token:", []byte{0x80})
	f.Fuzz(func(t *testing.T, of, name string, value []byte) {
		v, ok := ReadRevocation(of, name, value)
		if !ok {
			return
		}
		if again, ok := ReadRevocation(v.Record()); !ok || fmt.Sprint(again) != fmt.Sprint(v) {
			t.Errorf("%+v, then %+v", v, again)
		}
	})
}

// A token that was accepted a moment ago, and is remembered, is not any more.
func TestVerifyRefusesRevokedTokens(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	r := NewRevocations(0)
	v, err := NewVerifier(context.Background(), Config{Secret: secret, Revocations: r})
	if err != nil {
		t.Fatal(err)
	}
	token, err := Sign(secret, Claims{User: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := v.Verify(t.Context(), token)
	if err != nil || v.Revoked(id) {
		t.Fatal(id, err)
	}
	if _, err := r.Add(Revocation{User: "ann", Before: time.Now().Add(time.Second), Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrRevoked) || !v.Revoked(id) {
		t.Error(err)
	}
}

func BenchmarkRevoked(b *testing.B) {
	r := NewRevocations(0)
	for i := range 10_000 {
		if _, err := r.Add(Revocation{User: fmt.Sprint("user", i), Until: time.Now().Add(time.Hour)}); err != nil {
			b.Fatal(err)
		}
	}
	id := &Identity{User: "somebody", TokenID: "0197c0de"}
	b.ReportAllocs()
	for b.Loop() {
		if r.Revoked(id) {
			b.Fatal("revoked")
		}
	}
}

// A bound that was lowered brings no revoked token back.
func TestRestoredRevocationsHaveNoBound(t *testing.T) {
	r := NewRevocations(1)
	until := time.Now().Add(time.Hour)
	for _, user := range []string{"ann", "bob"} {
		r.Restore(Revocation{User: user, Until: until})
		if !r.Revoked(&Identity{User: user}) {
			t.Errorf("%s is accepted", user)
		}
	}
	if _, err := r.Add(Revocation{User: "cid", Until: until}); !errors.Is(err, ErrTooManyRevocations) {
		t.Error(err)
	}
}
