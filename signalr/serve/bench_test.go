package serve

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"

	"hubline/signalr"
)

// Calls there and their answers back over a WebSocket on the loopback: one at a
// time, and with 64 under way.
func BenchmarkEcho(b *testing.B) {
	for name, window := range map[string]int{"one at a time": 1, "64 under way": 64} {
		b.Run(name, func(b *testing.B) {
			hub := signalr.New(signalr.Config{MaxQueuedCalls: 1000})
			hub.Handle("Echo", func(text string) string { return text })
			s := New(Config{})
			s.Handle("/echo", hub, Options{})
			srv := httptest.NewServer(s)
			defer srv.Close()
			ctx := context.Background()
			c, _, err := websocket.Dial(ctx, srv.URL+"/echo", nil) //nolint:bodyclose // an upgrade
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = c.CloseNow() }()
			write := func(text string) {
				if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
					b.Fatal(err)
				}
			}
			// read returns how many messages came.
			read := func() (n int) {
				_, p, err := c.Read(ctx)
				if err != nil {
					b.Fatal(err)
				}
				for _, x := range p {
					if x == 0x1e {
						n++
					}
				}
				return n
			}
			write(shake)
			read()
			const call = `{"type":1,"invocationId":"1","target":"Echo","arguments":["hello, world"]}` + "\x1e"
			under := 0
			b.ReportAllocs()
			for b.Loop() {
				write(call)
				for under++; under >= window; {
					under -= read()
				}
			}
			b.StopTimer()
			for under > 0 {
				under -= read()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			_ = s.Shutdown(ctx)
		})
	}
}
