// Package serve puts hubs, and endpoints that exchange bare bytes, on the web:
// negotiation, WebSockets, Server-Sent Events and long polling, as SignalR's
// clients expect them.
//
// A program makes a [Server], gives it hubs, and serves it:
//
//	hub := signalr.New(signalr.Config{})
//	hub.Handle("Send", func(c signalr.Caller, text string) error {
//		return hub.All().Send("message", c.User(), text)
//	})
//	s := serve.New(serve.Config{})
//	s.Handle("/chat", hub, serve.Options{})
//	err := s.ListenAndServe(":8080")
//
// A Server is an http.Handler too, for programs that have an http.Server already.
package serve
