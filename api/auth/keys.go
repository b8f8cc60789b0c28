package auth

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	keyPrefix  = "hlk_"
	hashPrefix = "sha256:"

	// maxKeysFileBytes bounds a keys file; at 100 bytes a line it has room for 10,000 keys.
	maxKeysFileBytes = 1 << 20
	// maxKeyNameBytes bounds the name of a key, which appears in logs and audit records.
	maxKeyNameBytes = 64
	// maxKeyProblems bounds the report on a file that is not a keys file at all.
	maxKeyProblems = 20
)

// Keys is a set of API keys, of which only digests are stored. A plain SHA-256
// is enough because keys are random, not chosen by people: there is no
// dictionary to run through. The zero value and nil hold no keys. Lookup is safe
// for concurrent use once the set has been filled.
type Keys struct {
	byDigest map[digest]*apiKey
	byName   map[string]*apiKey
}

type apiKey struct {
	digest   digest
	identity Identity
	line     int
}

// NewKey returns a new API key with at least 128 random bits.
func NewKey() string { return keyPrefix + rand.Text() }

// HashKey returns what a keys file says of a key: "sha256:" and 64 hex digits.
func HashKey(key string) string {
	sum := digestOf(key)
	return hashPrefix + hex.EncodeToString(sum[:])
}

// ParseKeys reads a keys file: lines "name scopes sha256:<hex>", scopes
// separated by commas, empty lines and everything after a # at the beginning of
// a word ignored. It returns all problems (at most 20) with their line numbers.
// No problem repeats what the line says: it may be a key in the clear.
func ParseKeys(r io.Reader) (*Keys, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxKeysFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}
	if len(data) > maxKeysFileBytes {
		return nil, fmt.Errorf("read API keys: more than %d bytes", maxKeysFileBytes)
	}
	// Editors on Windows begin a file with a byte order mark.
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	keys := &Keys{}
	var errs []error
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		if err := keys.addLine(line, number); err != nil {
			errs = append(errs, fmt.Errorf("API keys, line %d: %w", number, err))
			if len(errs) == maxKeyProblems {
				errs = append(errs, errors.New("API keys: further lines were not checked"))
				break
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return keys, nil
}

func (k *Keys) addLine(line string, number int) error {
	fields := strings.Fields(line)
	for i, field := range fields {
		if strings.HasPrefix(field, "#") {
			fields = fields[:i]
			break
		}
	}
	if len(fields) == 0 {
		return nil
	}
	if len(fields) != 3 {
		return fmt.Errorf("want 3 words, name scopes sha256:<hex>, got %d", len(fields))
	}
	scopes, err := ParseScopes(fields[1])
	if err != nil {
		return errors.New("unknown scope; want a comma list of publish, read and admin")
	}
	return k.add(fields[0], scopes, fields[2], number)
}

// Add adds a key by its hash (see [HashKey]). It must not run at the same time
// as Lookup.
func (k *Keys) Add(name string, scopes Scope, hash string) error {
	return k.add(name, scopes, hash, 0)
}

func (k *Keys) add(name string, scopes Scope, hash string, line int) error {
	if !Usable(name, maxKeyNameBytes) {
		return fmt.Errorf("the name is not 1 to %d bytes of text", maxKeyNameBytes)
	}
	if scopes == 0 {
		return errors.New("a key without scopes opens nothing; want publish, read or admin")
	}
	text, ok := strings.CutPrefix(hash, hashPrefix)
	if !ok {
		return errors.New("the key is not hashed; write sha256: and the output of: printf %s KEY | sha256sum")
	}
	key := &apiKey{identity: Identity{KeyName: strings.Clone(name), Scopes: scopes}, line: line}
	sum, err := hex.DecodeString(text)
	if err != nil || len(sum) != len(key.digest) {
		return fmt.Errorf("sha256: is not followed by %d hex digits", hex.EncodedLen(len(key.digest)))
	}
	copy(key.digest[:], sum)
	if other, ok := k.byDigest[key.digest]; ok {
		return other.conflict("key")
	}
	if other, ok := k.byName[name]; ok {
		return other.conflict("name")
	}
	if k.byDigest == nil {
		k.byDigest = make(map[digest]*apiKey)
		k.byName = make(map[string]*apiKey)
	}
	k.byDigest[key.digest] = key
	k.byName[key.identity.KeyName] = key
	return nil
}

// conflict says what another key has in common with k, without repeating it.
func (k *apiKey) conflict(what string) error {
	if k.line == 0 {
		return fmt.Errorf("the same %s is there already", what)
	}
	return fmt.Errorf("the same %s as in line %d", what, k.line)
}

// Len returns the number of keys.
func (k *Keys) Len() int {
	if k == nil {
		return 0
	}
	return len(k.byDigest)
}

// Lookup returns the identity of a key. The map is searched by digest, so the
// time it takes says nothing about the keys themselves; the final comparison is
// in constant time all the same, so that this does not rest on how maps work.
func (k *Keys) Lookup(key string) (*Identity, bool) { return LookupKey(key, k) }

// LookupKey is Lookup in several sets, of which the first that has the key counts.
// It hashes the key once.
func LookupKey(key string, sets ...*Keys) (*Identity, bool) {
	if key == "" || len(key) > MaxTokenBytes {
		return nil, false
	}
	sum := digestOf(key)
	for _, k := range sets {
		if k == nil {
			continue
		}
		found, ok := k.byDigest[sum]
		if ok && subtle.ConstantTimeCompare(found.digest[:], sum[:]) == 1 {
			return &found.identity, true
		}
	}
	return nil, false
}
