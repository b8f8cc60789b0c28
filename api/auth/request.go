package auth

import (
	"net/http"
	"net/url"
	"strings"
)

// MaxTokenBytes is the longest token or API key that is accepted. Tokens of
// the Bitwarden family stay below 4 KiB even with many organisations; the bound
// keeps a forged one from costing much before its signature is known to be wrong.
const MaxTokenBytes = 8 << 10

// FromRequest returns the token of a request: the one in "Authorization:
// Bearer", else, if allowQuery, the one in the query parameter access_token.
// The scheme and the name of the parameter are matched without regard to case;
// white space around the token is dropped. An Authorization header of another
// scheme (a proxy's Basic login) does not hide the parameter. It returns false
// if there is no token. One longer than MaxTokenBytes is returned all the same,
// so that it is refused as a bad one and not taken for none.
//
// The token may share memory with the request: whoever keeps it clones it.
func FromRequest(r *http.Request, allowQuery bool) (token string, ok bool) {
	for _, value := range r.Header["Authorization"] {
		if token, ok := bearer(value); ok {
			return token, true
		}
	}
	if !allowQuery || r.URL == nil {
		return "", false
	}
	token = queryToken(r.URL.RawQuery)
	return token, token != ""
}

// bearer returns the token of an Authorization header of that scheme.
func bearer(value string) (token string, ok bool) {
	scheme, token, found := strings.Cut(strings.TrimSpace(value), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	token = strings.TrimSpace(token)
	return token, token != ""
}

// queryToken returns the first non-empty access_token of a raw query. It reads
// the query in place: url.ParseQuery would build a map of everything in it for
// each connection.
func queryToken(query string) string {
	for pair := range strings.SplitSeq(query, "&") {
		name, value, found := strings.Cut(pair, "=")
		if !found {
			continue
		}
		if name, err := url.QueryUnescape(name); err != nil || !strings.EqualFold(name, "access_token") {
			continue
		}
		value, err := url.QueryUnescape(value)
		if err != nil {
			continue
		}
		if value = strings.TrimSpace(value); value != "" {
			return value
		}
	}
	return ""
}
