package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hubline/api/auth"
)

// Names of the one-line files in the data directory.
const (
	SigningSecretName = "signing-secret"
	APIKeyName        = "api-key"
)

// Secrets are the credentials that a server makes for itself.
type Secrets struct {
	// SigningSecret is the HMAC secret of client tokens: 64 bytes of text, the
	// length that HS512 asks for (RFC 7518 section 3.2).
	SigningSecret []byte
	// APIKey is one backend key with every scope.
	APIKey string
}

// NewSecrets returns fresh random secrets, for a server that keeps nothing.
func NewSecrets() Secrets {
	return Secrets{SigningSecret: []byte(newSigningSecret()), APIKey: auth.NewKey()}
}

// newSigningSecret returns 64 characters with some 320 bits of randomness.
func newSigningSecret() string { return (rand.Text() + rand.Text() + rand.Text())[:64] }

// OpenDataDir makes the data directory (mode 0700) and the two secrets in it
// (mode 0600) where they are missing, and returns the secrets. Existing files
// are never replaced. A secret that group or others can read, and a directory in
// which they could put another, are refused, with the command that mends it: it
// may have happened already, so that silently tightening the mode would hide the
// leak. Two servers starting at the same time agree on one secret.
func OpenDataDir(dir string) (Secrets, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Secrets{}, fmt.Errorf("data directory: %w", err)
	}
	if err := checkDir(dir); err != nil {
		return Secrets{}, err
	}
	secret, err := openOrCreate(dir, SigningSecretName, newSigningSecret)
	if err != nil {
		return Secrets{}, err
	}
	key, err := openOrCreate(dir, APIKeyName, auth.NewKey)
	if err != nil {
		return Secrets{}, err
	}
	return Secrets{SigningSecret: []byte(secret), APIKey: key}, nil
}

// CheckDataDir reports why [OpenDataDir] would refuse the directory, as far as it
// is there already. It changes nothing.
func CheckDataDir(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	problems := []error{checkDir(dir)}
	if err != nil || !info.IsDir() {
		return problems[0]
	}
	for _, name := range []string{SigningSecretName, APIKeyName} {
		if _, err := readPrivate(dir, name); !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// checkDir refuses a directory in which other accounts of the machine can put a
// secret of their own in the place of ours.
func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("data directory: %s is not a directory", dir)
	}
	if mode := info.Mode().Perm(); modesAreReal && mode&0o022 != 0 {
		return fmt.Errorf("data directory: others can write to %s (mode %04o), and so replace its secrets: choose a directory of the server's own, or run chmod 700 %s",
			dir, mode, shellQuote(dir))
	}
	if owner, ok := ownerOf(info); ok && foreign(owner, os.Geteuid()) {
		return fmt.Errorf("data directory: %s belongs to the user with the id %d, who can replace its secrets, and the server runs as %d: run it as the owner, or choose another directory",
			dir, owner, os.Geteuid())
	}
	return nil
}

// foreign reports whether the owner of a file is neither us nor root, who can
// replace anything. To root itself, as in a container with a directory of its
// host's, nobody is foreign.
func foreign(owner, us int) bool { return us != 0 && owner != us && owner != 0 }

// ReadSigningSecret returns the signing secret of an existing data directory.
func ReadSigningSecret(dir string) ([]byte, error) {
	text, err := readPrivate(dir, SigningSecretName)
	return []byte(text), err
}

// ReadAPIKey returns the API key of an existing data directory.
func ReadAPIKey(dir string) (string, error) { return readPrivate(dir, APIKeyName) }

func openOrCreate(dir, name string, generate func() string) (string, error) {
	text, err := readPrivate(dir, name)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if err := createPrivate(dir, name, generate()+"\n"); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("data directory: %w", err)
	}
	return readPrivate(dir, name)
}

// createPrivate makes a file that is either absent or complete, whatever
// happens in between, and fails with fs.ErrExist when it is there already: the
// text is written to a file of its own, synced, and then given its name.
func createPrivate(dir, name, text string) (err error) {
	temp := filepath.Join(dir, "."+name+"-"+rand.Text())
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // #nosec G304 -- in the data directory
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp)) }()
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(temp, filepath.Join(dir, name)); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes new names in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir) // #nosec G304 -- the data directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readPrivate reads a one-line file of the data directory.
func readPrivate(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	f, err := os.Open(path) // #nosec G304 -- in the data directory
	if err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read from
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	if err := checkMode(path, info.Mode()); err != nil {
		return "", err
	}
	text, err := readLine(f)
	if err != nil {
		return "", fmt.Errorf("%s: %w: move the file away to have a new one made", path, err)
	}
	return text, nil
}

// checkMode refuses a secret that other accounts of the machine can read.
func checkMode(path string, mode fs.FileMode) error {
	if !mode.IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if modesAreReal && mode.Perm()&0o077 != 0 {
		return fmt.Errorf("%s can be read by others (mode %04o): run chmod 600 %s, and if others had access, move it away to have a new one made",
			path, mode.Perm(), shellQuote(path))
	}
	return nil
}

// shellQuote writes a path so that the command in a message can be copied.
func shellQuote(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool {
		return !(r == '/' || r == '.' || r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
