package api

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"hubline/broker"
	"hubline/replay"
	"hubline/transports"
)

// negotiate serves POST /events/negotiate: a ticket and where to use it.
func (a *API) negotiate(c echo.Context) error {
	r := c.Request()
	if !a.originAllowed(r) {
		return errOrigin
	}
	if err := a.attempt(r); err != nil {
		return err
	}
	id, err := a.subscriber(r)
	if err != nil {
		return err
	}
	if err := a.admitted(id); err != nil {
		return err
	}
	if a.draining.Load() {
		return broker.ErrDraining
	}
	offer := transports.Offers(transports.Narrow(transports.All(), transports.Query(r).Get("transports")))
	if len(offer) == 0 {
		return badRequest(`"transports" names none of WebSockets, ServerSentEvents and LongPolling.`)
	}
	conn, err := a.server.Negotiate(scopeEvents, id.User, a.clientIP(r), id, a.cfg.TicketTTL, false)
	if err != nil {
		return err
	}
	version := 1
	st := a.broker.Store().State(id.User)
	n := &transports.Negotiation{
		NegotiateVersion: &version, ConnectionID: conn.ConnectionID(), ConnectionToken: conn.Token(),
		AvailableTransports: offer,
		Cursor:              replay.Cursor{Epoch: st.Epoch, Seq: st.Head}.String(),
	}
	for i := range offer {
		o := &offer[i]
		o.TransferFormats = []string{"Text"} // envelopes are JSON
		query := url.Values{"id": {conn.Token()}}
		if o.Transport == transports.LongPolling {
			query.Set("wait", "25")
		}
		o.URL = a.cfg.BasePath + "/events?" + query.Encode()
	}
	c.Response().Header()["Cache-Control"] = noStore // it holds a secret
	transports.WriteNegotiation(c.Response(), n)
	return nil
}
