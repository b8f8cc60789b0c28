package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	// maxOrigins bounds the allow-list, which is looked through for each request.
	maxOrigins = 1000
	// maxOriginBytes bounds one origin: the longest host name is 253 bytes.
	maxOriginBytes = 512
)

// Origins is the list of web origins that may use the server from a page of
// another site. The zero value allows the server's own origin only. It serves
// both CORS and the Origin check of WebSockets, to which CORS does not apply.
type Origins struct {
	any  bool
	list map[string]struct{}
}

// ParseOrigins reads an allow-list: exact origins of the form
// scheme://host[:port], the word null for pages without an origin, or * alone
// for every origin. It returns all problems.
func ParseOrigins(list []string) (Origins, error) {
	if len(list) > maxOrigins {
		return Origins{}, fmt.Errorf("%d origins are more than %d", len(list), maxOrigins)
	}
	o := Origins{list: make(map[string]struct{}, len(list))}
	var errs []error
	for _, entry := range list {
		entry = strings.TrimSpace(entry)
		switch entry {
		case "*":
			o.any = true
			if len(list) > 1 {
				errs = append(errs, errors.New(`origin "*" allows every origin and must stand alone`))
			}
			continue
		case "null":
			o.list["null"] = struct{}{}
			continue
		}
		origin, err := parseOrigin(entry)
		if err != nil {
			errs = append(errs, fmt.Errorf("origin %.100q: %w", entry, err))
			continue
		}
		o.list[origin] = struct{}{}
	}
	if err := errors.Join(errs...); err != nil {
		return Origins{}, err
	}
	return o, nil
}

// Allowed reports whether the request may be served with regard to its Origin
// header: it has none (not a browser, or a same-origin GET), it names the host
// the request was sent to, or it is on the list. More than one Origin header is
// refused.
func (o Origins) Allowed(r *http.Request) bool {
	values := r.Header["Origin"]
	switch {
	case len(values) == 0:
		return true
	case len(values) > 1:
		return false
	}
	origin, err := parseOrigin(values[0])
	if err == nil {
		scheme, host, _ := strings.Cut(origin, "://")
		// The scheme the client used is not known behind a proxy that ends TLS,
		// so only the host is compared, as browsers do for cookies.
		if host == withoutDefaultPort(scheme, strings.ToLower(r.Host)) {
			return true
		}
	}
	return o.Contains(values[0])
}

// Contains reports whether the list allows the origin, for CORS. Unlike
// Allowed it does not know the server's own origin.
func (o Origins) Contains(origin string) bool {
	if o.any {
		return true
	}
	if origin != "null" {
		var err error
		if origin, err = parseOrigin(origin); err != nil {
			return false
		}
	}
	_, ok := o.list[origin]
	return ok
}

// Any reports whether every origin is allowed. Then a response must not allow
// credentials (Fetch standard, section "CORS protocol and credentials").
func (o Origins) Any() bool { return o.any }

// Strings returns the list in order of the alphabet; "*" if every origin is allowed.
func (o Origins) Strings() []string {
	if o.any {
		return []string{"*"}
	}
	list := make([]string, 0, len(o.list))
	for origin := range o.list {
		list = append(list, origin)
	}
	slices.Sort(list)
	return list
}

// parseOrigin returns an origin as browsers write it: lower case, without the
// default port of its scheme (RFC 6454, section 6.2).
func parseOrigin(s string) (string, error) {
	if len(s) > maxOriginBytes {
		return "", fmt.Errorf("longer than %d bytes", maxOriginBytes)
	}
	if strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) >= 0 {
		return "", errors.New("has a character other than printable ASCII (write international names as browsers send them: xn--…)")
	}
	if strings.Contains(s, "*") {
		return "", errors.New("has a wildcard; list each origin, or * alone")
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") {
		return "", errors.New("is not of the form scheme://host[:port]")
	}
	if u.Path != "" || u.User != nil || strings.ContainsAny(s, "?#") {
		return "", errors.New("has more than scheme://host[:port]; leave out path, query and login")
	}
	return u.Scheme + "://" + withoutDefaultPort(u.Scheme, strings.ToLower(u.Host)), nil
}

func withoutDefaultPort(scheme, host string) string {
	switch scheme {
	case "http", "ws":
		return strings.TrimSuffix(host, ":80")
	case "https", "wss":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}
