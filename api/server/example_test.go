package server_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"hubline/api/auth"
	"hubline/api/notify"
	"hubline/api/server"
)

// A program with routes of its own, whose clients receive events below /realtime.
func Example() {
	ctx := context.Background()
	s, err := server.New(server.Config{
		BasePath: "/realtime", // Data: "/var/lib/app/hubline" keeps events on disk
		Settings: map[string]string{"log-age": "168h"},
		Logger:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/realtime/", s.Handler())
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, _ *http.Request) {
		token, err := s.Token(auth.Claims{User: "anna", Device: "phone"}) // whom the program knows
		if err != nil {
			http.Error(w, "no token", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, token)
	})
	web := httptest.NewServer(mux)
	defer web.Close()

	receipt, err := s.Notifier().SendToUser(ctx, "anna", notify.Event{Type: "welcome"})
	fmt.Println(receipt.Seq, receipt.Durability, err)
	fmt.Println(s.Shutdown(ctx))
	// Output:
	// 1 memory <nil>
	// <nil>
}
