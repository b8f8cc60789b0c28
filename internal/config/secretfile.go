package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// maxSecretBytes bounds a one-line secret; the largest sensible HMAC key is one
// block of SHA-512, 128 bytes.
const maxSecretBytes = 4096

// modesAreReal is false where the mode of a file does not say who can read it.
const modesAreReal = runtime.GOOS != "windows"

// maxKeyFileBytes bounds a file of public keys or of hashed API keys.
const maxKeyFileBytes = 1 << 20

// ReadKeyFile returns the text of a file named by --jwt-public-key-file or
// --api-key-file, at most 1 MiB.
func ReadKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path) // #nosec G304 -- the operator names the file
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxKeyFileBytes {
		return nil, fmt.Errorf("%s: is larger than %s", path, Size(maxKeyFileBytes))
	}
	return text, nil
}

// ReadSecretFile returns the HMAC secret in a file named by --jwt-secret-file:
// its one line without the line end. Whether it is long enough is for package
// auth to say, who may read the file is the operator's matter: secrets mounted
// into containers have modes of their own.
func ReadSecretFile(path string) ([]byte, error) {
	f, err := os.Open(path) // #nosec G304 -- the operator names the file
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	text, err := readLine(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return []byte(text), nil
}

// readLine reads the one line of a secret file, without its line end.
func readLine(r io.Reader) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxSecretBytes+1))
	if err != nil {
		return "", err
	}
	if len(raw) > maxSecretBytes {
		return "", fmt.Errorf("is longer than %d bytes", maxSecretBytes)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	if text == "" {
		return "", errors.New("is empty")
	}
	if strings.ContainsAny(text, "\r\n") {
		return "", errors.New("has more than one line")
	}
	return text, nil
}
