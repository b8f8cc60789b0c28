package storm

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"hubline/test/internal/check"
	"hubline/test/internal/client"
)

// names of the transports in an offer.
var names = map[string]string{"sse": "ServerSentEvents", "ws": "WebSockets", "poll": "LongPolling"}

// dial connects in the given mood, resuming where the client is.
func (w *wanderer) dial(ctx context.Context, m *mood) (client.Stream, error) {
	o := client.Options{URL: w.server.URL, Address: w.proxy.Addr(), Token: w.token, Query: url.Values{}}
	if m.ticket && names[m.transport] != "" {
		// The ticket is fetched past the proxy: only streams are cut.
		offer, err := client.Negotiate(ctx, client.Options{URL: w.server.URL, Token: w.token})
		if err != nil {
			return nil, w.uncut(m, err)
		}
		o.Path = offer.URL(names[m.transport])
		w.server.Hide(offer.ConnectionToken)
		if m.transport != "poll" {
			o.Token = "" // a poller goes on with its token
		}
	}
	o.InQuery = m.inQuery
	since := w.resume(m)
	w.history.Steps = append(w.history.Steps, check.Step{Connected: &check.Connected{Transport: m.transport, Since: since}})
	o.Since = since
	if _, seq, ok := strings.Cut(since, "-"); ok && m.bare && seq != "0" {
		o.Since = seq
	}
	if len(w.history.Types) > 0 {
		o.Query.Set("types", strings.Join(w.history.Types, ","))
	}
	switch m.transport {
	case "hub-ws":
		return stream(client.DialHubWS(ctx, o))
	case "hub-sse":
		return stream(client.DialHubSSE(ctx, o))
	case "hub-poll":
		return stream(client.DialHubPoll(ctx, o))
	case "sse":
		if m.header && strings.Contains(since, "-") {
			o.LastEventID, o.Since = o.Since, "0"
		}
		return stream(client.DialSSE(ctx, o))
	case "ws":
		return stream(client.DialWS(ctx, o))
	default:
		o.Query.Set("limit", m.limit)
		o.Query.Set("wait", m.wait)
		return stream(client.DialPoll(ctx, o))
	}
}

// stream keeps a nil pointer from becoming a non-nil interface.
func stream[S client.Stream](s S, err error) (client.Stream, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// uncut says that an error cannot be the chaos proxy's doing.
func (w *wanderer) uncut(m *mood, err error) error {
	m.plan.CutAfter = -1
	return errors.Join(errors.New("negotiate"), err)
}

// resume chooses the position to ask for: the present one, seldom an older one, as
// a client has it that was stopped before it could save the newest.
func (w *wanderer) resume(m *mood) string {
	switch {
	case w.cursor == "":
		return "0"
	case m.back > 0 && m.back <= len(w.older):
		return w.older[len(w.older)-m.back]
	}
	return w.cursor
}
