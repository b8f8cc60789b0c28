package server

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"hubline/api/auth"
	"hubline/internal/config"
)

// Config of a [Server]. The zero value works, and keeps everything in memory.
type Config struct {
	// Data is the directory of the log on disk and of the secrets, made with mode 0700
	// where it is missing. One server at a time can have it. Empty keeps everything in
	// memory, where it ends with the program.
	Data string
	// SigningSecret is the HMAC secret of clients' tokens, at least 32 bytes (HS256,
	// HS384, HS512). Nil means that of the data directory or, without one, a random
	// one; unless Settings name public keys.
	SigningSecret []byte
	// BasePath stands before every path, such as "/realtime": where Handler is mounted.
	BasePath string
	// AllowedOrigins are web origins that may connect, such as
	// "https://app.example.org", besides the server's own; "*" for all.
	AllowedOrigins []string
	// Logger is for what the server has to say. Nil means slog.Default().
	Logger *slog.Logger
	// Settings are further flags of `hubline serve`, by their names without dashes:
	// {"log-age": "168h", "max-connections": "20000"}. They and their defaults are in
	// docs/limits.md and in `hubline serve --help`. Environment and files are not read.
	Settings map[string]string
}

// notHere are the flags that say nothing within another program.
var notHere = []string{"addr", "log-format", "log-level", "demo", "data", "base-path", "allowed-origins"}

// build returns the configuration, and the secrets, for which it makes the data
// directory. It reports all that is wrong.
func (c Config) build() (cfg config.Config, secrets config.Secrets, err error) {
	var problems []error
	for _, name := range notHere {
		if _, ok := c.Settings[name]; ok {
			problems = append(problems, fmt.Errorf("setting %q: what it says is a field of Config, or the program's own", name))
		}
	}
	if cfg, err = config.FromSettings(c.Settings); err != nil {
		return cfg, secrets, errors.Join(append(problems, err)...)
	}
	cfg.Data, cfg.BasePath, cfg.AllowedOrigins = c.Data, strings.TrimSuffix(c.BasePath, "/"), slices.Clone(c.AllowedOrigins)
	if c.SigningSecret != nil {
		if cfg.JWTSecretFile != "" || len(cfg.JWTPublicKeyFile) > 0 || cfg.JWKSURL != "" {
			problems = append(problems, errors.New("SigningSecret cannot be combined with jwt-secret-file, jwt-public-key-file or jwks-url"))
		}
		if err := (auth.Config{Secret: c.SigningSecret}).Validate(); err != nil {
			problems = append(problems, fmt.Errorf("SigningSecret: %w", err))
		}
	}
	problems = append(problems, cfg.Validate())
	if err := errors.Join(problems...); err != nil {
		return cfg, secrets, err
	}
	secrets = config.NewSecrets()
	if c.Data != "" {
		if secrets, err = config.OpenDataDir(c.Data); err != nil {
			return cfg, secrets, err
		}
	}
	if c.SigningSecret != nil {
		secrets.SigningSecret = slices.Clone(c.SigningSecret)
	}
	return cfg, secrets, nil
}
