// Package notify publishes events from Go programs, and looks after those who
// receive them, over the backend API of a Hubline server.
//
//	n, err := notify.New(notify.Config{URL: "https://events.example.org", APIKey: key})
//	if err != nil {
//		return err
//	}
//	defer n.Close()
//	receipt, err := n.SendToUser(ctx, "anna", notify.Event{Type: "order.paid", Data: order})
//
// # What a call does
//
// An event without an [Event.ID] is given one before the first try, so every try is
// the same publish: however often answers are lost, the event is in each log once.
// A call that meets a lost connection, an overloaded or a restarting server is tried
// again, after a pause that grows and is spread at random, and not before the server
// wishes (Retry-After), until [Config.MaxAttempts], [Config.MaxElapsed] or the context
// says no. What the server refuses is not tried again.
//
// Calls return when the server has answered, with the log on disk: when the event is
// there. Of calls that follow each other, the events of one user arrive in that
// order. Whoever sends several at a time chooses no order.
//
// # Errors
//
// All errors are an *[Error], or wrap one, with the problem that the server described (RFC 9457).
// Callers that branch ask for its kind:
//
//	switch {
//	case errors.Is(err, notify.ErrRateLimited), errors.Is(err, notify.ErrUnavailable):
//		// later, with the same event
//	case errors.Is(err, notify.ErrConflict):
//		// another event had this ID
//	}
//
// After an error it may be unknown whether the event is there ([Error.Uncertain]). Send
// it again with the same ID, which the receipt has then too, and it is there once.
//
// A server within the same process is package hubline/api/server.
package notify
