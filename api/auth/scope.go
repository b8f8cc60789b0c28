package auth

import (
	"errors"
	"fmt"
	"strings"
)

// Scope is the set of things a caller of the backend API may do. The scopes are
// independent: ScopeAdmin does not include the others.
type Scope uint8

const (
	// ScopePublish allows publishing events.
	ScopePublish Scope = 1 << iota
	// ScopeRead allows reading logs, presence, connections and statistics.
	ScopeRead
	// ScopeAdmin allows replays, disconnects, membership changes and revocation.
	ScopeAdmin
)

// scopeNames is in the order in which String writes them.
var scopeNames = [...]struct {
	scope Scope
	name  string
}{
	{ScopePublish, "publish"},
	{ScopeRead, "read"},
	{ScopeAdmin, "admin"},
}

// Has reports whether s contains every scope of want.
func (s Scope) Has(want Scope) bool { return s&want == want }

// String returns the names separated by spaces, as the claim scope has them.
func (s Scope) String() string {
	var words []string
	for _, n := range scopeNames {
		if s.Has(n.scope) {
			words = append(words, n.name)
		}
	}
	return strings.Join(words, " ")
}

// ParseScopes reads scope names; each argument may hold several, separated by
// spaces or commas. It returns the scopes it knows together with an error that
// names the words it does not know, so that a caller who wants to ignore those
// (tokens of foreign issuers carry scopes of their own) can drop the error.
func ParseScopes(words ...string) (Scope, error) {
	var (
		scopes Scope
		errs   []error
	)
	for _, list := range words {
		for word := range strings.FieldsFuncSeq(list, isScopeSeparator) {
			scope := scopeOf(word)
			if scope == 0 {
				// The length is cut because the text may come from anywhere.
				errs = append(errs, fmt.Errorf("unknown scope %.32q (want publish, read or admin)", word))
			}
			scopes |= scope
		}
	}
	return scopes, errors.Join(errs...)
}

// scopesIn is ParseScopes for words of a foreign issuer: no error, no allocation.
func scopesIn(list string) Scope {
	var scopes Scope
	for word := range strings.FieldsFuncSeq(list, isScopeSeparator) {
		scopes |= scopeOf(word)
	}
	return scopes
}

func scopeOf(word string) Scope {
	for _, n := range scopeNames {
		if n.name == word {
			return n.scope
		}
	}
	return 0
}

func isScopeSeparator(r rune) bool { return r == ' ' || r == ',' || r == '\t' }
