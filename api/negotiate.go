package api

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/replay"
	"hubline/transports"
)

// negotiate serves POST /events/negotiate: a ticket and where to use it.
func (a *API) negotiate(c echo.Context) error {
	r := c.Request()
	if !a.cfg.Origins.Allowed(r) {
		return errOrigin
	}
	id, err := a.client(r)
	if err != nil {
		return err
	}
	conn, err := a.server.Negotiate(scopeEvents, id.User, c.RealIP(), id, a.cfg.TicketTTL, false)
	if err != nil {
		p := problem(http.StatusServiceUnavailable, "too-many-negotiated", "Too many connections are being made", "Try again in a moment.")
		p.RetryAfter = 5 * time.Second
		return p
	}
	version := 1
	st := a.broker.Store().State(id.User)
	n := &transports.Negotiation{
		NegotiateVersion: &version, ConnectionID: conn.ConnectionID(), ConnectionToken: conn.Token(),
		AvailableTransports: transports.Offers(transports.Narrow(a.events, r.URL.Query().Get("transports"))),
		Cursor:              replay.Cursor{Epoch: st.Epoch, Seq: st.Head}.String(),
	}
	for i := range n.AvailableTransports {
		o := &n.AvailableTransports[i]
		o.TransferFormats = []string{"Text"} // envelopes are JSON
		query := url.Values{"id": {conn.Token()}}
		if o.Transport == transports.LongPolling {
			query.Set("wait", "25")
		}
		o.URL = a.cfg.BasePath + "/events?" + query.Encode()
	}
	transports.WriteNegotiation(c.Response(), n)
	return nil
}
