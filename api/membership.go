package api

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"hubline/api/auth"
	"hubline/api/webhook"
	"hubline/transports"
)

// Channels whose names begin so need leave to be joined.
const (
	privatePrefix  = "private-"
	presencePrefix = "presence-"
)

var (
	errChannelName = problem("channel-name",
		"A channel's name is 1 to "+strconv.Itoa(auth.MaxChannelBytes)+" of A-Z a-z 0-9 _ - = @ , . ; :")
	errChannelForbidden = problem("channel-forbidden",
		`The token's claim "channels" does not name it, and the webhook, if there is one, has not allowed it.`)
	errChannelUnanswered = problem("channel-webhook", "The webhook that decides has not answered. Try again in a moment.")
)

// validChannel reports whether name may be a channel's.
func validChannel(name string) bool {
	if name == "" || len(name) > auth.MaxChannelBytes {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("_-=@,.;:", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// changeMembership puts a client's user into a channel or takes the user out. Whoever
// is in may leave, whatever the channel. Its errors are problems, or those of the
// broker.
func (a *API) changeMembership(ctx context.Context, id *auth.Identity, channel string, in bool) error {
	if !validChannel(channel) {
		return errChannelName
	}
	if !in {
		_, err := a.broker.RemoveMember(channel, id.User)
		return err
	}
	if err := a.mayJoin(ctx, id, channel); err != nil {
		return err
	}
	_, err := a.broker.AddMember(channel, id.User)
	return err
}

// mayJoin asks for leave where it is needed. What cannot be decided is refused.
func (a *API) mayJoin(ctx context.Context, id *auth.Identity, channel string) error {
	if !strings.HasPrefix(channel, privatePrefix) && !strings.HasPrefix(channel, presencePrefix) {
		return nil
	}
	// A connection of a hub may outlive its token, whose claims do not.
	named, expired := id.AllowsChannel(channel), !id.Expires.IsZero() && !time.Now().Before(id.Expires.Add(a.verify.Leeway()))
	switch {
	case named && !expired:
		return nil
	case a.webhook == nil && named:
		return auth.ErrExpired
	case a.webhook == nil:
		return errChannelForbidden
	}
	allowed, err := a.webhook.Allowed(ctx, webhook.Question{User: id.User, Device: id.Device, Channel: channel})
	switch {
	case err != nil && ctx.Err() != nil:
		return err // the client has left
	case err != nil:
		a.log.LogAttrs(ctx, slog.LevelWarn, "webhook for channels did not answer", slog.Any("err", err))
		return errChannelUnanswered
	case !allowed:
		return errChannelForbidden
	}
	return nil
}

// connectionMembership is changeMembership for dialects: by the connection that asks.
// What an error says is for the client.
func (a *API) connectionMembership(ctx context.Context, conn transports.Conn, channel string, in bool) error {
	c, ok := conn.(*transports.Connection)
	if !ok {
		return errors.New("connection of another server")
	}
	id, ok := c.Credentials().(*auth.Identity) // a renewed token has other channels
	if !ok {
		return errors.New("connection without an identity")
	}
	err := a.admitted(id) // its end may be under way
	if err == nil {
		err = a.changeMembership(ctx, id, channel, in)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	p := asProblem(err)
	a.metrics.problem(p.slug)
	if p.slug == slugInternal {
		a.log.LogAttrs(ctx, slog.LevelError, "membership failed", slog.Any("err", err))
	}
	return p
}
