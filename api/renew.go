package api

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/internal/jsonscan"
	"hubline/native"
	"hubline/transports"
)

// maxRenewBytes bounds the body of a renewal.
const maxRenewBytes = 4 << 10

var (
	errRenewBody = badRequest(`The body is a JSON object: {"connectionId": "…"}, as hubline.ready has it.`)
	errRenewWho  = problem("renew", "The token must be of the user and device that the connection belongs to.")
	errRenewGone = problem("no-connection", "It has ended, is not of this user, or is no connection of /events: connect again, with the new token.")
)

// renewEvents serves POST /events/renew: the connection, which cannot bring a token itself,
// ends with the token of this request and not with its own.
func (a *API) renewEvents(c echo.Context) error {
	r := c.Request()
	if !a.originAllowed(r) {
		return errOrigin
	}
	id, err := a.subscriber(r)
	if err != nil {
		return err
	}
	if err := a.admitted(id); err != nil {
		return err
	}
	in, err := readBody(r, maxRenewBytes)
	if err != nil {
		return err
	}
	name, err := connectionOf(in.b)
	in.free()
	if err != nil {
		return err
	}
	for _, found := range a.broker.ConnectionsOf(id.User, "") {
		conn, ok := found.Waker.(*transports.Connection)
		if !ok || conn.ConnectionID() != name {
			continue
		}
		if _, ok := conn.Session().(*native.Session); !ok {
			break
		}
		expires, err := a.renew(conn, id)
		if err != nil {
			return err
		}
		return answerJSON(c, http.StatusOK, renewed(expires))
	}
	return errRenewGone
}

// renewedAnswer says when the connection ends now.
type renewedAnswer struct {
	OK      bool   `json:"ok"`
	Expires *int64 `json:"expires"` // Unix milliseconds; null: never
}

func renewed(expires time.Time) renewedAnswer {
	out := renewedAnswer{OK: true}
	if !expires.IsZero() {
		out.Expires = new(expires.UnixMilli())
	}
	return out
}

// connectionOf reads the body of a renewal.
func connectionOf(text []byte) (string, error) {
	var value []byte
	s := jsonscan.New(text, 2)
	for ok := s.Object(); ok && s.Member(); {
		var scratch [16]byte
		name := string(jsonscan.Text(s.Name(), scratch[:]))
		if v := s.Value(); name == "connectionId" {
			value = v
		}
	}
	if !s.End() {
		return "", badJSON("body", s.Err())
	}
	name, err := optionalName(value, maxConnectionID, errRenewBody)
	if err == nil && name == "" {
		err = errRenewBody
	}
	return name, err
}

// renew has the connection be that of another token of the same client, and end with
// it. It returns when that is.
func (a *API) renew(conn *transports.Connection, id *auth.Identity) (expires time.Time, err error) {
	was, ok := conn.Identity.(*auth.Identity)
	if !ok || was.User != id.User || was.Device != id.Device {
		return expires, errRenewWho
	}
	expires = a.expiry(id)
	session, bound := conn.Session().(*native.Session)
	if !conn.Renew(id, func() {
		if bound {
			session.Renew(expires)
		}
	}) {
		return expires, errRenewGone
	}
	if err := a.admitted(id); err != nil { // since a moment ago, and endRevoked has looked before
		conn.Leave(transports.ReasonRevoked)
		return expires, err
	}
	return expires, nil
}

// renewConnection is for tokens that come over the connection itself.
func (a *API) renewConnection(ctx context.Context, conn transports.Conn, token string) error {
	c, ok := conn.(*transports.Connection)
	if !ok {
		return errRenewGone
	}
	id, err := a.verify.Verify(ctx, token)
	if err == nil && id.User == "" {
		err = auth.ErrNoSubject
	}
	if err == nil {
		err = a.admitted(id)
	}
	if err == nil {
		_, err = a.renew(c, id)
	}
	if err != nil {
		p := asProblem(err)
		a.metrics.problem(p.slug)
		return p
	}
	return nil
}
