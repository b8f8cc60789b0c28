package chaos

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
)

// talker answers every connection with text and keeps it open until the client
// leaves.
func talker(t *testing.T, text []byte) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() { // ends with the listener
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { // ends when the peer leaves
				defer c.Close()
				_, _ = c.Write(text)
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	return ln.Addr().String()
}

func TestProxyCutsWhereThePlanSays(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 10_000)
	addr := talker(t, text)
	for _, tt := range []struct {
		name string
		plan Plan
		want error
	}{
		{"close", Plan{CutAfter: 12_345}, io.EOF},
		{"chunks", Plan{CutAfter: 1_234, Chunk: 7}, io.EOF},
		{"reset", Plan{CutAfter: 1, Reset: true}, syscall.ECONNRESET},
		{"at once", Plan{CutAfter: 0}, io.EOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := New(t, addr)
			p.Next(tt.plan)
			c, err := net.Dial("tcp", p.Addr())
			if tt.plan.Reset && errors.Is(err, syscall.ECONNRESET) {
				return // it came before the connection was reported
			}
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			got, err := io.ReadAll(c)
			if err == nil {
				err = io.EOF
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("stream ended with %v, want %v", err, tt.want)
			}
			// A reset may also take what had arrived.
			if len(got) != int(tt.plan.CutAfter) && (!tt.plan.Reset || len(got) > int(tt.plan.CutAfter)) {
				t.Errorf("%d bytes passed, want %d", len(got), tt.plan.CutAfter)
			}
		})
	}
}

func TestProxyPassesEverythingWithoutAPlan(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 100_000)
	p := New(t, talker(t, text))
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, text) {
		t.Errorf("text did not pass unchanged: %v", err)
	}
}
