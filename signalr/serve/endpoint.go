package serve

import (
	"net/http"

	"hubline/longpoll"
	"hubline/sse"
	"hubline/transports"
	"hubline/websocket"
)

// NewEndpoint returns a hub's path for programs that route, authenticate and let
// in by themselves; o.Authenticate and o.AllowedOrigins do not count here. The
// caller sets Authenticate and Open. The parker is asked for at each poll.
func NewEndpoint(scope string, conns *transports.Server, parker func() *longpoll.Parker, o Options) *transports.Endpoint {
	if o.Transports == nil {
		o.Transports = transports.All()
	}
	polls := longpoll.Options{PollTimeout: o.PollTimeout, AwayTimeout: o.AwayTimeout}
	sockets := &websocket.Options{NormalClose: true, TellFault: o.raw}
	return &transports.Endpoint{
		Scope: scope, Server: conns, Offer: o.Transports,
		IsWebSocket: websocket.IsUpgrade, IsSSE: sse.IsRequest, NoCache: longpoll.NoCache,
		TTL: o.NegotiateTTL, MinVersion: o.MinVersion, MaxBody: o.MaxBody, BodyTimeout: o.BodyTimeout, Stateful: o.Stateful,
		Carriers: transports.Carriers{
			WebSocket: func(w http.ResponseWriter, r *http.Request, c *transports.Connection) {
				websocket.Serve(conns, w, r, c, sockets)
			},
			SSE: func(w http.ResponseWriter, r *http.Request, c *transports.Connection) {
				sse.Serve(conns, w, r, c, sse.Options{Hub: true})
			},
			Poll: func(w http.ResponseWriter, r *http.Request, c *transports.Connection) {
				longpoll.Serve(parker(), w, r, c, polls)
			},
		},
	}
}
