package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"hubline/internal/config"
)

// serverFlags say which server a command talks to.
type serverFlags struct {
	Server string `default:"http://127.0.0.1:8080" placeholder:"URL" help:"Address of the server, with its base path (${default})."`
}

// Validate is called by kong.
func (f serverFlags) Validate() error {
	u, err := url.Parse(f.Server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("--server: %q is not an address such as http://127.0.0.1:8080 or https://example.org/base", f.Server)
	}
	return nil
}

// base is the server's address without a slash at the end.
func (f serverFlags) base() string { return strings.TrimRight(f.Server, "/") }

// secretFlags say with what a token is signed.
type secretFlags struct {
	JWTSecretFile string `name:"jwt-secret-file" placeholder:"FILE" help:"HMAC secret to sign with (the data directory's)."`
	JWTIssuer     string `name:"jwt-issuer" placeholder:"ISS" help:"Issuer (iss) of the token, if the server requires one."`
	JWTAudience   string `name:"jwt-audience" placeholder:"AUD" help:"Audience (aud) of the token, if the server requires one."`
}

// secret returns the secret that signs tokens.
func (f secretFlags) secret(dataDir string) ([]byte, error) {
	if f.JWTSecretFile != "" {
		return config.ReadSecretFile(f.JWTSecretFile)
	}
	secret, err := config.ReadSigningSecret(dataDir)
	return secret, explainMissing(err, dataDir, "--jwt-secret-file")
}

// apiKey returns the API key of a command: the flag's, else the data directory's.
func apiKey(flag, dataDir string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	key, err := config.ReadAPIKey(dataDir)
	return key, explainMissing(err, dataDir, "--api-key")
}

// explainMissing tells somebody whose data directory is elsewhere what to do.
func explainMissing(err error, dataDir, flag string) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%s is not the data directory of a server: start hubline serve first, or give --data-dir or %s", dataDir, flag)
}
