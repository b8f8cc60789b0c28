package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/internal/jsonscan"
)

// maxChannelBody bounds what a client sends to join or leave.
const maxChannelBody = 8 << 10

// okAnswer is all that clients of durable-notifier look for.
var okAnswer = []byte(`{"ok":true}`)

// subscribeChannel serves POST /channels/subscribe.
func (a *API) subscribeChannel(c echo.Context) error { return a.clientMembership(c, true) }

// unsubscribeChannel serves POST /channels/unsubscribe.
func (a *API) unsubscribeChannel(c echo.Context) error { return a.clientMembership(c, false) }

// clientMembership answers in the words of durable-notifier, whose clients show the
// text of "error" to people.
func (a *API) clientMembership(c echo.Context, in bool) error {
	if err := a.membership(c, in); err != nil {
		return a.refuseMembership(c, err)
	}
	c.Response().Header()["Cache-Control"] = noStore
	return writeBody(c.Response(), http.StatusOK, jsonType, okAnswer)
}

func (a *API) refuseMembership(c echo.Context, err error) error {
	p := a.answer(c, err)
	c.Response().Header()["Cache-Control"] = noStore
	p.writeHeader(c.Response().Header())
	b, err := json.Marshal(struct {
		Error string `json:"error"`
	}{membershipText(p)})
	if err != nil {
		return err // a text always marshals
	}
	return writeBody(c.Response(), p.Status, jsonType, b)
}

// membershipText is the error's text: where the original has one, that.
func membershipText(p *Problem) string {
	switch {
	case p.Status == http.StatusUnauthorized:
		return "Unauthorized"
	case p == errMembershipBody || p.Detail == errMembershipBody.Detail:
		return "Invalid JSON body"
	}
	return p.Title
}

var errMembershipBody = badRequest(`The body is a JSON object: {"channel": "…"}.`)

func (a *API) membership(c echo.Context, in bool) error {
	r := c.Request()
	if !a.originAllowed(r) {
		return errOrigin
	}
	id, err := a.subscriber(r)
	if err != nil {
		return err
	}
	body, err := readBody(r, maxChannelBody)
	if err != nil {
		return err
	}
	channel, err := channelOf(body.b)
	body.free()
	if err != nil {
		return err
	}
	return a.changeMembership(r.Context(), id, channel, in)
}

// channelOf reads the body of a client. Unknown members are ignored, as in the original.
func channelOf(text []byte) (string, error) {
	s := jsonscan.New(text, maxDepth)
	var value []byte
	object := s.Peek() == jsonscan.Object
	if !object {
		s.Value()
	} else if s.Object() {
		var scratch [16]byte
		for s.Member() {
			name := string(jsonscan.Text(s.Name(), scratch[:]))
			if v := s.Value(); name == "channel" {
				value = v
			}
		}
	}
	if !s.End() {
		return "", errMembershipBody
	}
	return channelName(value)
}

// channelName returns the name that a value is.
func channelName(value []byte) (string, error) {
	if jsonscan.KindOf(value) == jsonscan.String && len(value) <= longestQuoted(auth.MaxChannelBytes) {
		if name := string(jsonscan.AppendText(nil, value)); validChannel(name) {
			return name, nil
		}
	}
	return "", errChannelName
}

// channelParam returns the channel that the path names, in memory of its own.
func channelParam(c echo.Context) (string, error) {
	channel, err := param(c, "channel")
	if err != nil || !validChannel(channel) {
		return "", errChannelName
	}
	return strings.Clone(channel), nil
}
