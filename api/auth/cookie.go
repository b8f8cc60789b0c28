package auth

import (
	"net/http"
	"strings"
)

// MaxCookieName is the longest name of a cookie that may hold a token, in bytes.
const MaxCookieName = 128

// FromCookie returns the token in the first cookie of that name that is not empty, as
// the browser sent them: the one with the longest path first. The name is compared with
// regard to case (RFC 6265, section 5.3). It returns false if there is none. A token
// longer than MaxTokenBytes is returned all the same, so that it is refused as a bad one.
//
// A cookie proves who the browser belongs to and not who wrote the request. Whoever
// takes a token from one asks [Origins.VouchesFor] too.
//
// The token may share memory with the request: whoever keeps it clones it.
func FromCookie(r *http.Request, name string) (token string, ok bool) {
	if name == "" {
		return "", false
	}
	for _, c := range r.CookiesNamed(name) {
		if token := strings.TrimSpace(c.Value); token != "" {
			return token, true
		}
	}
	return "", false
}

// ValidCookieName reports whether a cookie may have the name: a token of RFC 9110.
func ValidCookieName(name string) bool {
	if name == "" || len(name) > MaxCookieName {
		return false
	}
	return strings.IndexFunc(name, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, c)
	}) < 0
}

// VouchesFor reports whether a credential that the browser adds by itself, a cookie,
// counts for the request: only if a page of the server's own origin, or of one on the
// list, has made it. That keeps other sites from acting in the name of whoever visits
// them (cross-site request forgery, cross-site WebSocket hijacking); whether their page
// could read the answer is not the question.
//
// Browsers name the origin with every WebSocket and every POST, and pages cannot change
// it. So:
//
//   - With one Origin, that must be on the list, or the server's own: http or https and
//     the host that the request was sent to; https if the request came over TLS; and
//     Sec-Fetch-Site, if sent, must say same-origin. It knows the scheme where a proxy
//     ends TLS.
//   - Without Origin, the request must be a plain GET or HEAD (browsers send none to the
//     page's own origin, but neither do they for an image of another site), and
//     Sec-Fetch-Site, if sent, must say same-origin, or none: somebody typed the address.
//     Browsers that do not send it (Safari before 16.4, and all over plain http) leave
//     the rest to the SameSite attribute of the cookie.
//   - "*" does not count, or every site would be trusted; nor does null, which the
//     sandboxed frames of any site have.
func (o Origins) VouchesFor(r *http.Request) bool {
	site := strings.Join(r.Header["Sec-Fetch-Site"], ",")
	values := r.Header["Origin"]
	switch len(values) {
	case 0:
		plain := (r.Method == http.MethodGet || r.Method == http.MethodHead) && len(r.Header["Upgrade"]) == 0
		return plain && (site == "" || site == "same-origin" || site == "none")
	case 1:
	default:
		return false
	}
	origin, err := parseOrigin(values[0])
	if err != nil {
		return false
	}
	if _, listed := o.list[origin]; listed {
		return true
	}
	scheme, host, _ := strings.Cut(origin, "://")
	if scheme != "https" && (scheme != "http" || r.TLS != nil) {
		return false
	}
	return host == withoutDefaultPort(scheme, strings.ToLower(r.Host)) && (site == "" || site == "same-origin")
}
