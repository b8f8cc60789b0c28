package api

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/internal/jsonscan"
)

// publishChannel serves POST /channels/{channel}/events.
func (a *API) publishChannel(c echo.Context) error {
	if err := a.require(c, auth.ScopePublish); err != nil {
		return err
	}
	channel, err := channelParam(c)
	if err != nil {
		return err
	}
	in, ev, key, err := a.publication(c.Request())
	if err != nil {
		return err
	}
	defer in.free()
	ev.Channel = channel
	r, err := a.broker.PublishToChannel(channel, ev, key)
	if err != nil {
		return err
	}
	in.b = appendChannelReceipt(in.b[:0], &r, a.durability())
	return writeBody(c.Response(), http.StatusCreated, jsonType, in.b)
}

// appendChannelReceipt: an event is in the logs of all members or, with an error in the
// place of a receipt, of none; so none ever failed.
func appendChannelReceipt(b []byte, r *broker.Receipt, durability string) []byte {
	b = append(b, `{"id":`...)
	b = jsonscan.AppendString(b, r.ID)
	b = append(b, `,"members":`...)
	b = strconv.AppendInt(b, int64(r.Members), 10)
	b = append(b, `,"failed":0`...)
	return appendDelivery(b, durability, r.Delivered, r.Duplicate)
}

// membersAnswer is what GET /channels/{channel}/members says.
type membersAnswer struct {
	Channel string         `json:"channel"`
	Total   int            `json:"total"`
	Members []memberAnswer `json:"members"`
	Next    *string        `json:"next"` // for after=, or null at the end
}

type memberAnswer struct {
	User   string `json:"user"`
	Online bool   `json:"online"`
}

// channelMembers serves GET /channels/{channel}/members.
func (a *API) channelMembers(c echo.Context) error {
	if err := a.require(c, auth.ScopeRead); err != nil {
		return err
	}
	channel, err := channelParam(c)
	if err != nil {
		return err
	}
	out, err := a.membersPage(c, channel)
	if err != nil {
		return err
	}
	return answerJSON(c, http.StatusOK, out)
}

// membersPage is the page of a channel's members that a request asks for.
func (a *API) membersPage(c echo.Context, channel string) (*membersAnswer, error) {
	q, err := query(c.Request())
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(q)
	if err != nil {
		return nil, err
	}
	list, total := a.broker.Members(channel, q.Get("after"), limit+1)
	out := &membersAnswer{Channel: channel, Total: total, Members: make([]memberAnswer, 0, len(list))}
	for i, m := range list {
		if i == limit {
			out.Next = new(list[i-1].User)
			break
		}
		out.Members = append(out.Members, memberAnswer(m))
	}
	return out, nil
}

// userChannels serves GET /users/{user}/channels.
func (a *API) userChannels(c echo.Context) error {
	if err := a.require(c, auth.ScopeRead); err != nil {
		return err
	}
	user, err := userParam(c)
	if err != nil {
		return err
	}
	channels := a.broker.Channels(user)
	if channels == nil {
		channels = []string{}
	}
	return answerJSON(c, http.StatusOK, struct {
		Channels []string `json:"channels"`
	}{channels})
}

// memberAdded answers a change of a membership.
type memberChanged struct {
	Channel string `json:"channel"`
	User    string `json:"user"`
	Member  bool   `json:"member"`
	Changed bool   `json:"changed"` // it was not so before
}

// putMember serves PUT /channels/{channel}/members/{user}.
func (a *API) putMember(c echo.Context) error { return a.setMember(c, true) }

// deleteMember serves DELETE /channels/{channel}/members/{user}. It counts for the next
// publish.
func (a *API) deleteMember(c echo.Context) error { return a.setMember(c, false) }

func (a *API) setMember(c echo.Context, in bool) error {
	if err := a.require(c, auth.ScopeAdmin); err != nil {
		return err
	}
	channel, err := channelParam(c)
	if err != nil {
		return err
	}
	user, err := userParam(c)
	if err != nil {
		return err
	}
	change := a.broker.RemoveMember
	if in {
		change = a.broker.AddMember
	}
	changed, err := change(channel, user)
	if err != nil {
		return err
	}
	return answerJSON(c, http.StatusOK, memberChanged{Channel: channel, User: user, Member: in, Changed: changed})
}

// answerJSON answers with what must not be kept by caches.
func answerJSON(c echo.Context, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.Response().Header()["Cache-Control"] = noStore
	return writeBody(c.Response(), status, jsonType, b)
}
