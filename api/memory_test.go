package api

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// inMemory lets a fixture listen without a network, so that its timers can be
// tested on the fake clock of testing/synctest.
func inMemory(s *setup) {
	s.listen = func() net.Listener { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }
}

// pipes is a listener of connections within the process.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// dial connects.
func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// transportTo returns a client's transport for the listener.
func transportTo(ln net.Listener) *http.Transport {
	tr := &http.Transport{DisableCompression: true}
	if p, ok := ln.(*pipes); ok {
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx) }
	}
	return tr
}
