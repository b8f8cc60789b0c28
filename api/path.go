package api

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
)

// canonicalPath gives the paths of hubs the spelling under which they are
// mounted: clients of SignalR write them in any case, and with a slash at the
// end if their URL has one.
func (a *API) canonicalPath(r *http.Request) {
	u := r.URL
	path := strings.TrimSuffix(u.Path, "/")
	for _, hub := range a.hubPaths {
		if len(hub) == len(path) && strings.EqualFold(hub, path) {
			u.Path, u.RawPath = hub, ""
			return
		}
	}
}

// userParam returns the user that the path names, in memory of its own.
func userParam(c echo.Context) (string, error) {
	user, err := param(c, "user")
	if err != nil || !auth.Usable(user, auth.MaxUserBytes) {
		return "", errUser
	}
	return strings.Clone(user), nil
}

// param returns a piece of the path, which may lie in the request's memory.
func param(c echo.Context, name string) (string, error) {
	value := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return value, nil
	}
	// The path has an escape that is not the usual one, such as %2F; then echo has
	// matched the escaped form and hands out pieces of it.
	return url.PathUnescape(value)
}

var errUser = badRequest("The user's name must be 1 to 256 bytes of UTF-8 without control characters.")
