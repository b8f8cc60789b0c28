package config

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"hubline/api/auth"
)

// maxTicketTTL is the longest a ticket may be good for: it stands in URLs, and
// URLs stand in the access logs of proxies.
const maxTicketTTL = 60 * time.Second

// Validate reports everything that is wrong with the configuration, joined by
// [errors.Join], each with the name of the flag. It reads the files named by
// flags, and changes nothing.
func (c Config) Validate() error {
	return errors.Join(
		c.validateListen(),
		c.validateIdentity(),
		c.validateCounts(),
		c.validateSizes(),
		c.validateTimes(),
		c.validateChannels(),
		c.validateRates(),
	)
}

// FlagError is what is wrong with the value of a flag, wherever it came from.
type FlagError struct {
	Flag string // without the dashes
	Err  error
}

func (e *FlagError) Error() string { return "--" + e.Flag + ": " + e.Err.Error() }
func (e *FlagError) Unwrap() error { return e.Err }

// flagError names the flag in front of what is wrong with its value.
func flagError(flag, format string, args ...any) error {
	return &FlagError{flag, fmt.Errorf(format, args...)}
}

// flagErrors names the flag in front of each of the errors joined in err.
func flagErrors(flag string, err error) error {
	var problems []error
	for _, problem := range Problems(err) {
		problems = append(problems, flagError(flag, "%w", problem))
	}
	return errors.Join(problems...)
}

// Problems returns the single errors in an error made by [errors.Join], however
// nested, and none for nil.
func Problems(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // only the outermost layer is a list
	if !ok {
		return []error{err}
	}
	var problems []error
	for _, err := range joined.Unwrap() {
		problems = append(problems, Problems(err)...)
	}
	return problems
}

func (c Config) validateListen() error {
	var problems []error
	if _, port, err := net.SplitHostPort(c.Addr); err != nil {
		problems = append(problems, flagError("addr", "%q is not HOST:PORT, such as 127.0.0.1:8080 or :8080", c.Addr))
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		problems = append(problems, flagError("addr", "%q is not a port from 0 to 65535", port))
	}
	if c.BasePath != "" && (c.BasePath == "/" || path.Clean(c.BasePath) != c.BasePath || !strings.HasPrefix(c.BasePath, "/") || strings.ContainsAny(c.BasePath, "?#%:* ")) {
		problems = append(problems, flagError("base-path", "%q is not a plain path such as /realtime, without a slash at the end", c.BasePath))
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		problems = append(problems, flagError("tls-cert", "--tls-cert and --tls-key are needed together"))
	}
	files := errors.Join(checkFile("tls-cert", c.TLSCert), checkFile("tls-key", c.TLSKey))
	if problems = append(problems, files); files == nil && c.TLSCert != "" && c.TLSKey != "" {
		if _, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey); err != nil {
			problems = append(problems, flagError("tls-cert", "%s with the key %s: %w", c.TLSCert, c.TLSKey, err))
		}
	}
	_, err := auth.ParseOrigins(c.AllowedOrigins)
	return errors.Join(append(problems, flagErrors("allowed-origins", err))...)
}

// validateIdentity reads the files that say whom to believe, so that a bad key
// is reported together with everything else instead of at the first request.
func (c Config) validateIdentity() error {
	var problems []error
	if c.JWTSecretFile != "" && (len(c.JWTPublicKeyFile) > 0 || c.JWKSURL != "") {
		problems = append(problems, flagError("jwt-secret-file", "cannot be combined with --jwt-public-key-file or --jwks-url: with both, a public key could be passed off as the secret"))
	}
	if c.JWTSecretFile != "" {
		secret, err := ReadSecretFile(c.JWTSecretFile)
		if err == nil {
			err = auth.Config{Secret: secret}.Validate()
		}
		problems = append(problems, flagErrors("jwt-secret-file", err))
	}
	for _, name := range c.JWTPublicKeyFile {
		pem, err := ReadKeyFile(name)
		if err == nil {
			if err = (auth.Config{PublicKeyPEM: [][]byte{pem}}).Validate(); err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
		}
		problems = append(problems, flagErrors("jwt-public-key-file", err))
	}
	if c.Demo && (len(c.JWTPublicKeyFile) > 0 || c.JWKSURL != "") {
		problems = append(problems, flagError("demo", "signs tokens for its page, which needs a secret: leave out --jwt-public-key-file and --jwks-url"))
	}
	if c.Data != "" {
		problems = append(problems, flagErrors("data", CheckDataDir(c.Data)))
	}
	if c.JWKSURL != "" {
		problems = append(problems, flagErrors("jwks-url", auth.Config{JWKSURL: c.JWKSURL}.Validate()))
	}
	if c.TokenCookie != "" && !auth.ValidCookieName(c.TokenCookie) {
		problems = append(problems, flagError("token-cookie", "%.200q is not a name that a cookie may have: at most %d letters, digits and characters such as - and _", c.TokenCookie, auth.MaxCookieName))
	}
	problems = append(problems, between("jwt-leeway", c.JWTLeeway, 0, 10*time.Minute))
	if c.APIKeyFile != "" {
		text, err := ReadKeyFile(c.APIKeyFile)
		if err == nil {
			_, err = auth.ParseKeys(bytes.NewReader(text))
		}
		problems = append(problems, flagErrors("api-key-file", err))
	}
	return errors.Join(problems...)
}

// checkFile reports a file that cannot be opened or is not one. An empty name
// means that the flag is not set.
func checkFile(flag, name string) error {
	if name == "" {
		return nil
	}
	f, err := os.Open(name) // #nosec G304 -- the operator names the file
	if err != nil {
		return flagError(flag, "%w", err)
	}
	defer f.Close() //nolint:errcheck // only read from
	info, err := f.Stat()
	if err != nil {
		return flagError(flag, "%w", err)
	}
	if info.IsDir() {
		return flagError(flag, "%s is a directory", name)
	}
	return nil
}
