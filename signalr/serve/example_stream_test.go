package serve_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/coder/websocket"

	"hubline/signalr/serve"
)

// Connections without a hub are bytes both ways: here each line comes back in capitals.
func ExampleServer_HandleStream() {
	s := serve.New(serve.Config{})
	s.HandleStream("/shout", func(_ context.Context, c *serve.Stream) {
		lines := bufio.NewScanner(c)
		for lines.Scan() { // until the client is gone
			fmt.Fprintln(c, strings.ToUpper(lines.Text()))
		}
	}, serve.Options{})

	srv := httptest.NewServer(s) // any http.Server does
	defer srv.Close()
	ctx := context.Background()
	client, _, err := websocket.Dial(ctx, srv.URL+"/shout", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, piece := range []string{"hel", "lo\nworld", "\n"} {
		_ = client.Write(ctx, websocket.MessageText, []byte(piece))
	}
	for range 2 {
		_, answer, err := client.Read(ctx)
		fmt.Printf("%q %v\n", answer, err)
	}
	_ = client.Close(websocket.StatusNormalClosure, "")
	fmt.Println(s.Shutdown(ctx))
	// Output:
	// "HELLO\n" <nil>
	// "WORLD\n" <nil>
	// <nil>
}
