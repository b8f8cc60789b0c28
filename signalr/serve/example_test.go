package serve_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"

	"hubline/signalr"
	"hubline/signalr/serve"
)

// A chat: every client hears what one says.
func Example() {
	hub := signalr.New(signalr.Config{})
	hub.OnConnected(func(ctx context.Context, c signalr.Caller) error {
		return c.Others().Send("joined", c.User())
	})
	hub.Handle("Say", func(c signalr.Caller, text string) error {
		if text == "" {
			return signalr.Errorf("say something") // the client is shown this
		}
		return hub.All().Send("said", c.User(), text)
	})

	s := serve.New(serve.Config{})
	s.Handle("/chat", hub, serve.Options{
		Authenticate: func(r *http.Request) (string, any, error) {
			user, _, _ := r.BasicAuth() // checked in front of us
			return user, nil, nil
		},
		AllowedOrigins: []string{"https://chat.example"},
	})
	fmt.Println(s.Shutdown(context.Background()))
	// Output: <nil>
}

// Streams go both ways: the sums of the numbers that come, as they come.
func Example_streams() {
	hub := signalr.New(signalr.Config{})
	hub.Handle("Sums", func(numbers iter.Seq2[int, error]) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			sum := 0
			for n, err := range numbers {
				sum += n
				if !yield(sum, err) {
					return
				}
			}
		}
	})
	hub.Handle("Count", func(ctx context.Context, to int) (<-chan int, error) {
		if to < 0 {
			return nil, signalr.Errorf("cannot count to %d", to)
		}
		ch := make(chan int)
		go func() { // ends with the client's interest
			defer close(ch)
			for i := range to {
				select {
				case ch <- i:
				case <-ctx.Done():
					return
				}
			}
		}()
		return ch, nil
	})
	fmt.Println(hub.Stats().Calls)
	// Output: 0
}

// A method may ask its client something.
func Example_clientResults() {
	hub := signalr.New(signalr.Config{})
	hub.Handle("Delete", func(ctx context.Context, c signalr.Caller, file string) error {
		var sure bool
		if err := c.Invoke(ctx, &sure, "confirm", "Delete "+file+"?"); err != nil {
			return err
		}
		if !sure {
			return signalr.Errorf("canceled")
		}
		return nil
	}, signalr.Require(func(c signalr.Caller) bool { return c.User() == "root" }))
	fmt.Println(hub.Stats().Calls)
	// Output: 0
}
