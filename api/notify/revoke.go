package notify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// Revocation names tokens. At least one field is set; a token is meant that fits all.
type Revocation struct {
	// User means this user's tokens; without IssuedBefore those issued up to the end
	// of the second in which the server does it.
	User string
	// TokenID means the one token with this claim jti.
	TokenID string
	// IssuedBefore means tokens issued (claim iat) before then, to the millisecond;
	// alone, everybody's. Tokens without iat count as issued before every time.
	IssuedBefore time.Time
}

// Revoked says what a revocation did.
type Revoked struct {
	// Until is when the server forgets it (revocation-ttl). No token should live longer.
	Until time.Time
	// Connections of such tokens end within a second.
	Connections int
}

// Revoke has the server refuse tokens from now on, and ends their connections. With a
// data directory it is on disk before it is answered. API keys are not meant. A retry
// of a revocation by User alone takes in tokens issued meanwhile: give IssuedBefore
// where users sign in again at once. Needs the scope admin.
func (n *Notifier) Revoke(ctx context.Context, v Revocation) (Revoked, error) {
	const op = "Revoke"
	body, err := v.encode()
	if err != nil {
		return Revoked{}, invalid(op, err)
	}
	var r Revoked
	err = n.do(ctx, op, request{
		method: http.MethodPost, path: "/tokens:revoke", body: body,
		answer: func(text []byte) error {
			var a struct {
				Until        *int64 `json:"until"`
				Disconnected int    `json:"disconnected"`
			}
			if err := json.Unmarshal(text, &a); err != nil {
				return err
			}
			if a.Until == nil {
				return errAnswer
			}
			r = Revoked{Until: time.UnixMilli(*a.Until), Connections: a.Disconnected}
			return nil
		},
	})
	return r, err
}

func (v Revocation) encode() ([]byte, error) {
	if v.User == "" && v.TokenID == "" && v.IssuedBefore.IsZero() {
		return nil, errors.New("the revocation names no tokens")
	}
	if v.User != "" {
		if err := checkUser(v.User); err != nil {
			return nil, err
		}
	}
	body := struct {
		User         string `json:"user,omitempty"`
		TokenID      string `json:"jti,omitempty"`
		IssuedBefore int64  `json:"issuedBefore,omitempty"`
	}{User: v.User, TokenID: v.TokenID}
	if !v.IssuedBefore.IsZero() {
		// Up to the next whole millisecond, or what was issued before would be let off.
		body.IssuedBefore = v.IssuedBefore.Add(time.Millisecond - 1).UnixMilli()
		if body.IssuedBefore <= 0 {
			return nil, errors.New("IssuedBefore is not after the year 1970 began")
		}
	}
	return json.Marshal(body)
}
