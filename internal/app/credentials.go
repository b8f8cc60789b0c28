package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"hubline/api/auth"
	"hubline/api/webhook"
	"hubline/internal/config"
)

// loadTLS returns nil without a certificate.
func loadTLS(cfg config.Config) (*tls.Config, error) {
	if cfg.TLSCert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("tls-cert: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12,
		// Named here, or HTTP/2 would be offered and not served if the parker
		// is the first of the two listeners that net/http sees.
		NextProtos: []string{"h2", "http/1.1"},
	}, nil
}

// newVerifier returns the verifier of tokens, and the secret that signs the
// demo's, if there is one.
func newVerifier(ctx context.Context, cfg config.Config, secrets config.Secrets, logger *slog.Logger) (*auth.Verifier, []byte, error) {
	ac := auth.Config{
		Revocations: auth.NewRevocations(cfg.MaxRevocations),
		JWKSURL:     cfg.JWKSURL, Issuer: cfg.JWTIssuer, Audience: cfg.JWTAudience, Leeway: cfg.JWTLeeway, Logger: logger,
	}
	if ac.Leeway == 0 {
		ac.Leeway = -1 // none: zero asks for the package's default
	}
	for _, name := range cfg.JWTPublicKeyFile {
		b, err := os.ReadFile(name) //nolint:gosec // the operator's own choice
		if err != nil {
			return nil, nil, fmt.Errorf("jwt-public-key-file: %w", err)
		}
		ac.PublicKeyPEM = append(ac.PublicKeyPEM, b)
	}
	switch {
	case cfg.JWTSecretFile != "":
		b, err := config.ReadSecretFile(cfg.JWTSecretFile)
		if err != nil {
			return nil, nil, fmt.Errorf("jwt-secret-file: %w", err)
		}
		ac.Secret = b
	case len(ac.PublicKeyPEM) == 0 && cfg.JWKSURL == "":
		ac.Secret = secrets.SigningSecret
	}
	v, err := auth.NewVerifier(ctx, ac)
	return v, ac.Secret, err
}

func newKeys(cfg config.Config, secrets config.Secrets) ([]*auth.Keys, error) {
	own, err := auth.ParseKeys(strings.NewReader("default publish,read,admin " + auth.HashKey(secrets.APIKey) + "\n"))
	if err != nil {
		return nil, err
	}
	keys := []*auth.Keys{own}
	if cfg.APIKeyFile != "" {
		f, err := os.Open(cfg.APIKeyFile)
		if err != nil {
			return nil, fmt.Errorf("api-key-file: %w", err)
		}
		defer func() { _ = f.Close() }()
		k, err := auth.ParseKeys(f)
		if err != nil {
			return nil, fmt.Errorf("api-key-file: %w", err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// newWebhook returns who is asked about private channels, or nil.
func newWebhook(cfg config.Config) (*webhook.Authorizer, error) {
	if cfg.ChannelWebhook == "" {
		return nil, nil
	}
	wc := webhook.Config{URL: cfg.ChannelWebhook, Timeout: cfg.ChannelWebhookTimeout, CacheTTL: cfg.ChannelWebhookCache}
	if wc.CacheTTL == 0 {
		wc.CacheTTL = -1 // none: zero asks for the package's default
	}
	if cfg.ChannelWebhookSecretFile != "" {
		secret, err := config.ReadSecretFile(cfg.ChannelWebhookSecretFile)
		if err != nil {
			return nil, fmt.Errorf("channel-webhook-secret-file: %w", err)
		}
		wc.Secret = string(secret)
	}
	return webhook.New(wc), nil
}
