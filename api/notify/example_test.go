package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hubline/api/notify"
	"hubline/api/server"
)

// hub is a server in this process, in the place of one elsewhere, with an API key.
func hub() (n *notify.Notifier, stop func()) {
	s, err := server.New(server.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	return s.Notifier(), func() { _ = s.Shutdown(context.Background()) }
}

func Example() {
	n, stop := hub() // notify.New(notify.Config{URL: "https://events.example.org", APIKey: key})
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	type order struct {
		Number int `json:"order"`
	}
	receipt, err := n.SendToUser(ctx, "anna", notify.Event{Type: "order.paid", Data: order{7}, TTL: time.Hour})
	fmt.Println(receipt.Seq, receipt.Delivered, receipt.Duplicate, err)
	// Output: 1 0 false <nil>
}

// A program with an outbox gives its own IDs: whatever it sends again is there once.
func ExampleNotifier_SendToUser_outbox() {
	n, stop := hub()
	defer stop()
	event := notify.Event{ID: "order-7-paid", Type: "order.paid", Data: json.RawMessage(`{"order":7}`)}
	for range 2 {
		receipt, err := n.SendToUser(context.Background(), "anna", event)
		fmt.Println(receipt.ID, receipt.Seq, receipt.Duplicate, err)
	}
	event.Data = json.RawMessage(`{"order":8}`)
	_, err := n.SendToUser(context.Background(), "anna", event)
	fmt.Println(errors.Is(err, notify.ErrConflict))
	// Output:
	// order-7-paid 1 false <nil>
	// order-7-paid 1 true <nil>
	// true
}

func ExampleNotifier_SendToUsers() {
	n, stop := hub()
	defer stop()
	results, err := n.SendToUsers(context.Background(), []string{"anna", "", "berta"}, notify.Event{Type: "news"})
	for _, r := range results {
		fmt.Printf("%q: seq %d, failed %v\n", r.User, r.Receipt.Seq, r.Err != nil)
	}
	fmt.Println(errors.Is(err, notify.ErrInvalid))
	// Output:
	// "anna": seq 1, failed false
	// "": seq 0, failed true
	// "berta": seq 1, failed false
	// true
}

func ExampleNotifier_SendToChannel() {
	n, stop := hub()
	defer stop()
	ctx := context.Background()
	for _, user := range []string{"berta", "anna"} {
		if _, err := n.AddMember(ctx, "private-team-4", user); err != nil {
			fmt.Println(err)
		}
	}
	receipt, err := n.SendToChannel(ctx, "private-team-4", notify.Event{Type: "standup"})
	fmt.Println(receipt.Members, err)
	for m, err := range n.Members(ctx, "private-team-4") {
		fmt.Println(m.User, m.Online, err)
	}
	// Output:
	// 2 <nil>
	// anna false <nil>
	// berta false <nil>
}
