package api

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

var errNotMember = problem("not-a-member", "Only members of a channel may see who is in it.")

// clientMembers serves GET /channels/{channel}/members, for members of the channel.
func (a *API) clientMembers(c echo.Context) error {
	out, err := a.membersFor(c)
	if err != nil {
		return a.refuseMembership(c, err)
	}
	return answerJSON(c, http.StatusOK, out)
}

// membersFor asks for a token before it says whether there is such a channel.
func (a *API) membersFor(c echo.Context) (*membersAnswer, error) {
	r := c.Request()
	if !a.originAllowed(r) {
		return nil, errOrigin
	}
	id, err := a.subscriber(r)
	if err != nil {
		return nil, err
	}
	channel, err := channelParam(c)
	if err != nil {
		return nil, err
	}
	if !a.broker.IsMember(channel, id.User) {
		return nil, errNotMember
	}
	return a.membersPage(c, channel)
}
