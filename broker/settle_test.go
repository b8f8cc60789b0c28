package broker

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"hubline/replay"
)

// BenchmarkPublishersOfANetwork is 32 publishers who come by the network, one event
// each, and publish again when they are answered, on one processor: how many a commit
// of 5 ms takes together.
func BenchmarkPublishersOfANetwork(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const publishers = 32
	l := newTape()
	l.before = func(int) error { time.Sleep(5 * time.Millisecond); return nil }
	f := newFixture(b, Config{Ledger: l}, replay.Config{Backing: l})
	defer f.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	var clients []net.Conn
	for i := range publishers {
		client, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = client.Close() }()
		clients = append(clients, client)
		server, err := ln.Accept()
		if err != nil {
			b.Fatal(err)
		}
		go func() { // ends with the client's end
			defer func() { _ = server.Close() }()
			user, one := fmt.Sprint("user", i), make([]byte, 1)
			for {
				if _, err := io.ReadFull(server, one); err != nil {
					return
				}
				if _, err := f.Publish(user, benchEvent(), Key{}); err != nil {
					b.Error(err)
				}
				if _, err := server.Write(one); err != nil {
					return
				}
			}
		}()
	}
	answered := make(chan error, publishers)
	b.ResetTimer()
	for i, c := range clients {
		n := b.N / publishers
		if i < b.N%publishers {
			n++
		}
		go func() { // ends with its last answer
			one := make([]byte, 1)
			for range n {
				if _, err := c.Write(one); err != nil {
					answered <- err
					return
				}
				if _, err := io.ReadFull(c, one); err != nil {
					answered <- err
					return
				}
			}
			answered <- nil
		}()
	}
	for range clients {
		if err := <-answered; err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(float64(b.N)/float64(l.appends), "events/commit")
}
