package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/internal/config"
	"hubline/replay"
)

// demoUser is whose events the demo plays.
const demoUser = "demo"

// demo plays an imaginary backup over and over, so that a newcomer sees events
// within seconds and without publishing any.
type demo struct {
	broker *broker.Broker
	secret []byte
	// What tokens must have here.
	issuer, audience string
	// An API key of this process for the demo's user alone, and the set that
	// knows it.
	key  string
	keys *auth.Keys
}

// newDemo refuses to begin without a secret: its page could not connect.
func newDemo(b *broker.Broker, secret []byte, cfg config.Config) (*demo, error) {
	if secret == nil {
		return nil, errors.New("demo: it signs tokens for its page, which needs a secret, and only public keys are configured")
	}
	d := &demo{broker: b, secret: secret, issuer: cfg.JWTIssuer, audience: cfg.JWTAudience, key: auth.NewKey(), keys: &auth.Keys{}}
	if err := d.keys.AddForUser("demo", auth.ScopeRead|auth.ScopeAdmin, auth.HashKey(d.key), demoUser); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return d, nil
}

// session makes a token for the page.
func (d *demo) session() (user, token string, err error) {
	token, err = auth.Sign(d.secret, auth.Claims{
		User: demoUser, Device: "page", TTL: time.Hour, Issuer: d.issuer, Audience: d.audience,
	})
	return demoUser, token, err
}

// run publishes until ctx ends.
func (d *demo) run(ctx context.Context) {
	t := time.NewTicker(700 * time.Millisecond)
	defer t.Stop()
	for n := 1; ; n++ {
		for p := range backup(n) {
			if !d.publish(&p) {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
	}
}

func (d *demo) publish(p *progress) bool {
	data, err := json.Marshal(p)
	if err != nil {
		return false // a plain struct always marshals
	}
	id, err := uuid.NewV7()
	if err != nil {
		return false
	}
	_, err = d.broker.Publish(demoUser, &replay.Event{
		ID: id.String(), Type: "backup.progress", Data: data, Time: time.Now().UnixMilli(),
	}, broker.Key{})
	return err == nil
}
