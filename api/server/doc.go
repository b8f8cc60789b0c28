// Package server runs Hubline within another Go program.
//
//	s, err := server.New(server.Config{Data: "/var/lib/app/hubline"})
//	if err != nil {
//		return err
//	}
//	defer s.Shutdown(context.Background())
//	mux.Handle("/events", s.Handler())
//	receipt, err := s.Notifier().SendToUser(ctx, "anna", notify.Event{Type: "order.paid"})
//
// It is the whole server of the command hubline: every transport, hubs, channels, the
// backend API, the log on disk, and metrics. [Server.Handler] puts it among the routes
// of a program that has an http.Server; [Server.Serve] gives it a listener of its own,
// where an idle connection costs least.
package server
