package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"

	"hubline/api/auth"
	"hubline/internal/config"
)

// Embedded is a server within another program, which brings the sockets. It runs from
// Embed to Stop. It is safe for concurrent use.
type Embedded struct {
	s      *server
	late   *late
	secret []byte          // that signs tokens; nil where others do
	ctx    context.Context // ends with Stop
	stop   context.CancelFunc
	done   chan struct{} // closed when the server has stopped
	err    error         // why it has, once done is closed
}

// Embed builds and starts the server. Its background ends with Stop. cfg.Addr is not
// listened on.
func Embed(cfg config.Config, secrets config.Secrets, logger *slog.Logger) (*Embedded, error) {
	e := &Embedded{late: newLate(), done: make(chan struct{})}
	if cfg.JWTSecretFile != "" {
		secret, err := config.ReadSecretFile(cfg.JWTSecretFile)
		if err != nil {
			return nil, fmt.Errorf("jwt-secret-file: %w", err)
		}
		e.secret = secret
	} else if len(cfg.JWTPublicKeyFile) == 0 && cfg.JWKSURL == "" {
		e.secret = secrets.SigningSecret
	}
	ctx, stop := context.WithCancel(context.Background())
	s, err := build(ctx, cfg, secrets, logger, e.late)
	if err != nil {
		stop()
		return nil, err
	}
	e.s, e.ctx, e.stop = s, ctx, stop
	go func() { // ends with ctx, or when the listener fails
		defer close(e.done)
		e.err = s.serve(ctx)
		e.late.end()
	}()
	return e, nil
}

// Handler serves requests that another http.Server has accepted, whose sockets only
// WebSockets take over.
func (e *Embedded) Handler() http.Handler { return mounted{e.s.api} }

// ErrServing is the error of a second listener.
var ErrServing = errors.New("the server has a listener already")

// Serve accepts from ln until the server has stopped or ln fails, and closes ln. It
// returns nil after Stop, and ln's error if that fails; the handler goes on then if ln
// was closed. A second listener is refused with ErrServing.
func (e *Embedded) Serve(ln net.Listener) error {
	if sc, ok := ln.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			// Of TCP only; a listener of another kind has no such option.
			_ = userTimeout(2*e.s.cfg.PingInterval+e.s.cfg.SendTimeout)(ln.Addr().Network(), "", raw)
		}
	}
	if err := e.late.give(ln); err != nil {
		_ = ln.Close()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		return err
	}
	select {
	case <-e.done:
		return e.err
	case <-e.late.ended:
		if e.ctx.Err() == nil {
			return e.late.failure()
		}
		<-e.done
		return e.err
	}
}

// Stop stops in order, within drain-timeout; what is left when ctx ends is waited for
// no longer, and ctx's error returned. It returns when nothing runs any more.
func (e *Embedded) Stop(ctx context.Context) error {
	e.stop()
	select {
	case <-e.done:
		return e.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Token signs a token for a client, with the issuer and audience that the server wants.
func (e *Embedded) Token(c auth.Claims) (string, error) {
	if e.secret == nil {
		return "", errors.New("tokens are signed by whoever has the private keys: this server knows only public ones")
	}
	if c.Issuer == "" {
		c.Issuer = e.s.cfg.JWTIssuer
	}
	if c.Audience == "" {
		c.Audience = e.s.cfg.JWTAudience
	}
	return auth.Sign(e.secret, c)
}

// late is a listener whose sockets come from another one, given later.
type late struct {
	given chan struct{} // closed with ln set
	ended chan struct{}

	mu  sync.Mutex
	ln  net.Listener
	err error // the last of ln
}

func newLate() *late { return &late{given: make(chan struct{}), ended: make(chan struct{})} }

// give has sockets accepted from ln from now on.
func (l *late) give(ln net.Listener) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.ended:
		return net.ErrClosed
	default:
	}
	if l.ln != nil {
		return ErrServing
	}
	l.ln = ln
	close(l.given)
	return nil
}

// Accept implements net.Listener.
func (l *late) Accept() (net.Conn, error) {
	select {
	case <-l.given:
		nc, err := l.ln.Accept()
		if err != nil {
			l.mu.Lock()
			l.err = err
			l.mu.Unlock()
		}
		return nc, err
	case <-l.ended:
		return nil, net.ErrClosed
	}
}

// failure is why the listener, once ended, has ended.
func (l *late) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close implements net.Listener.
func (l *late) Close() error {
	l.end()
	return nil
}

// end closes the listener, given or not.
func (l *late) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.ended:
		return
	default:
		close(l.ended)
	}
	if l.ln != nil {
		_ = l.ln.Close()
	}
}

// Addr implements net.Listener.
func (l *late) Addr() net.Addr {
	select {
	case <-l.given:
		return l.ln.Addr()
	default:
		return embeddedAddr{}
	}
}

// embeddedAddr is that of a server without a listener.
type embeddedAddr struct{}

func (embeddedAddr) Network() string { return "tcp" }
func (embeddedAddr) String() string  { return "embedded" }
