package auth

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// redacted stands in a log in the place of a secret.
	redacted = "REDACTED"
	// maxLoggedURLBytes keeps one request from filling the log.
	maxLoggedURLBytes = 2 << 10
)

// RedactQuery returns path and query of u for a log, with the values of
// parameters that carry secrets replaced: access_token, the SignalR id, tickets
// and keys, and whatever looks like a token or an API key under another name.
// It errs on the side of hiding: names are compared after unescaping, without
// regard to case, underscores and hyphens, and a name that cannot be unescaped
// counts as secret. The result has at most 2 KiB and no control characters.
func RedactQuery(u *url.URL) string {
	if u == nil {
		return ""
	}
	path := u.EscapedPath()
	if u.RawQuery == "" || len(path) > maxLoggedURLBytes {
		return cut(path)
	}
	var b strings.Builder
	b.WriteString(path)
	b.WriteByte('?')
	rest := u.RawQuery
	for rest != "" && b.Len() < maxLoggedURLBytes {
		// A semicolon and a second question mark separate for nobody else, but
		// broken clients write them and then a secret follows.
		end := strings.IndexAny(rest, "&;?")
		pair, separator := rest, ""
		if end >= 0 {
			pair, separator = rest[:end], rest[end:end+1]
		}
		rest = rest[len(pair)+len(separator):]
		b.WriteString(redactPair(pair))
		b.WriteString(separator)
	}
	if rest != "" {
		b.WriteString("…")
	}
	return cut(b.String())
}

func redactPair(pair string) string {
	name, value, found := strings.Cut(pair, "=")
	if found && isSecretName(name) || looksSecret(value) {
		return name + "=" + redacted
	}
	if !found && looksSecret(name) {
		return redacted
	}
	return pair
}

// cut shortens text of a client for a log and drops what could forge a line.
func cut(s string) string {
	const more = "…"
	if len(s) > maxLoggedURLBytes {
		s = s[:maxLoggedURLBytes-len(more)] + more
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
}

func isSecretName(name string) bool {
	name, err := url.QueryUnescape(name)
	if err != nil {
		return true
	}
	name = strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
	switch name {
	case "id", "ticket", "key", "apikey", "jwt", "auth", "authorization", "secret", "password":
		return true
	}
	// token, access_token, Token, id_token, connectionToken …
	return strings.HasSuffix(name, "token")
}

// looksSecret recognises a JSON Web Token and an API key by their beginning.
func looksSecret(value string) bool {
	value = strings.TrimLeft(value, "+ ")
	return strings.HasPrefix(value, "eyJ") || strings.HasPrefix(value, keyPrefix)
}
