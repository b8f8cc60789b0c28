package harness

import (
	"maps"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Claims are what a token says.
type Claims = jwt.MapClaims

// Token signs a token for the user with the server's secret, good for an hour.
// Further claims replace these.
func (s *Server) Token(user string, more ...Claims) string {
	s.t.Helper()
	return s.Sign(s.t, jwt.SigningMethodHS256, s.Secret, user, more...)
}

// Sign signs a token with any method and key.
func (s *Server) Sign(t testing.TB, method jwt.SigningMethod, key any, user string, more ...Claims) string {
	t.Helper()
	claims := Claims{"sub": user, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	for _, m := range more {
		maps.Copy(claims, m)
	}
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	s.Hide(token)
	return token
}
