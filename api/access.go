package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/transports"
)

// require authenticates a backend and checks its scope.
func (a *API) require(c echo.Context, scope auth.Scope) error {
	_, err := a.backend(c, scope)
	return err
}

// backend is require for calls that note who has made them. The call is counted.
func (a *API) backend(c echo.Context, scope auth.Scope) (*auth.Identity, error) {
	token, ok := auth.FromRequest(c.Request(), false)
	if !ok {
		return nil, auth.ErrNoToken
	}
	id, err := a.identify(c.Request(), token)
	if err != nil {
		return nil, notAJWT(err, token,
			"The API key is not known here. It is none of this server's: those in its api-key-file, and the one in its data directory. Nor is it a token.")
	}
	if !id.Scopes.Has(scope) {
		return nil, problem("scope",
			"This call needs the scope "+scope.String()+".")
	}
	if only, ok := id.OnlyFor(); ok {
		// All other paths are about more than one user, also those that name one as
		// the member of a channel.
		user, err := userParam(c)
		if err != nil || user != only || !strings.HasPrefix(c.Path(), a.cfg.BasePath+"/api/v1/users/:user/") {
			return nil, problem("other-user", "It is for the user "+only+" alone.")
		}
	}
	if err := a.spend(id, 1); err != nil {
		return nil, err
	}
	return id, nil
}

// identify tells who has the token or API key. What begins like a JSON Web
// Token is not looked up among the keys, which would cost a hash.
func (a *API) identify(r *http.Request, token string) (*auth.Identity, error) {
	if !strings.HasPrefix(token, "eyJ") {
		if id, ok := auth.LookupKey(token, a.keys...); ok {
			return id, nil
		}
	}
	return a.verified(r, token)
}

// client authenticates a subscriber: a token with a user.
func (a *API) client(r *http.Request) (*auth.Identity, error) {
	token, err := a.clientToken(r)
	if err != nil {
		return nil, err
	}
	id, err := a.verified(r, token)
	if err != nil {
		return nil, notAJWT(err, token,
			"This is not a token. Clients need a token (a JSON Web Token, as hubline token prints for development); API keys are for backends, under /api/v1.")
	}
	if id.User == "" {
		return nil, auth.ErrNoSubject
	}
	return id, nil
}

// clientToken returns a subscriber's token: the one that the client has put into the
// request itself, else the one of the cookie, if that is configured, and only if the
// request is known to be made by a page that may use it.
func (a *API) clientToken(r *http.Request) (string, error) {
	if token, ok := auth.FromRequest(r, true); ok {
		return token, nil
	}
	token, ok := auth.FromCookie(r, a.cfg.TokenCookie)
	if !ok {
		return "", auth.ErrNoToken
	}
	if !a.cfg.Origins.VouchesFor(r) {
		if len(r.Header["Origin"]) > 0 {
			a.refused.note(r.Context(), r.Header)
		}
		return "", errCookie
	}
	return token, nil
}

var errCookie = problem("cookie-origin",
	"The token's cookie counts only in requests of pages of this server's own origin, or of one in --allowed-origins. Programs that are no browsers send Authorization: Bearer.")

// other reports whether the request carries, besides a ticket, a good token of
// somebody else. A cookie does not count: the browser adds it. No token, or one that has expired since, is no contradiction.
func (a *API) other(r *http.Request, id *auth.Identity) bool {
	token, ok := auth.FromRequest(r, true)
	if !ok {
		return false
	}
	who, err := a.verified(r, token)
	return err == nil && who.User != id.User
}

// refuseQuerySecrets keeps backend credentials out of URLs, and so out of logs.
func refuseQuerySecrets(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().URL.RawQuery != "" {
			for k := range transports.Query(c.Request()) {
				switch k {
				case "access_token", "api_key", "apikey", "api-key", "token", "authorization":
					return badRequest("Secrets are not taken from the query here: send Authorization: Bearer, and take this one for known to others.")
				}
			}
		}
		return next(c)
	}
}
