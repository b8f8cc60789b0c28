package server

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"hubline/api/notify"
)

// What a publish costs through the client, in process and over the loopback interface,
// beside a bare net/http client that sends the same and reads the answer. Server and
// client are one process; events are in memory.
func BenchmarkSendToUser(b *testing.B) {
	s := start(b, Config{})
	ln := listen(b)
	go func() { _ = s.Serve(ln) }() // ends with the server
	base := "http://" + ln.Addr().String()
	remote, err := notify.New(notify.Config{URL: base, APIKey: s.APIKey()})
	if err != nil {
		b.Fatal(err)
	}
	defer remote.Close()
	send := func(n *notify.Notifier) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := n.SendToUser(b.Context(), "ann", notify.Event{Type: "order.paid", Data: map[string]int{"order": 7}}); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("process", send(s.Notifier()))
	b.Run("loopback", send(remote))
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		body := []byte(`{"type":"order.paid","data":{"order":7}}`)
		for b.Loop() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, base+"/api/v1/users/ann/events", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+s.APIKey())
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusCreated {
				b.Fatal(resp.Status, err)
			}
			_ = resp.Body.Close()
		}
	})
}
