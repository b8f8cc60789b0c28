package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"hubline/api/auth"
	"hubline/api/notify"
	"hubline/internal/app"
)

// Server is a running Hubline. It is safe for concurrent use.
type Server struct {
	app      *app.Embedded
	handler  http.Handler
	local    *local
	notifier *notify.Notifier
	apiKey   string
}

// ErrServing is what [Server.Serve] returns for a second listener.
var ErrServing = app.ErrServing

// New builds and starts a server, which runs until [Server.Shutdown]. It opens the data
// directory, and reads the log there; a large one takes seconds. Its error names
// everything that is wrong with the configuration.
func New(cfg Config) (*Server, error) {
	c, secrets, err := cfg.build()
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	logger := cfg.Logger
	if logger == nil {
		logger = slog.Default()
	}
	for _, w := range c.Warnings() {
		logger.Warn("configuration", slog.String("warning", w))
	}
	a, err := app.Embed(c, secrets, logger)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	s := &Server{app: a, handler: a.Handler(), local: &local{handler: a.Handler()}, apiKey: secrets.APIKey}
	s.notifier, err = notify.New(notify.Config{
		URL: "http://hubline" + c.BasePath, APIKey: secrets.APIKey, HTTPClient: &http.Client{Transport: s.local},
	})
	if err != nil {
		_ = s.Shutdown(context.Background())
		return nil, fmt.Errorf("server: %w", err)
	}
	return s, nil
}

// Handler serves everything below [Config.BasePath]: mount it there, without taking
// the prefix off the paths ("/realtime/" of an http.ServeMux). WebSockets take
// over their sockets; event streams and polls stay in the program's http.Server, which
// must have no WriteTimeout, or it cuts them. A connection that idles there costs some
// 25 KB, several times what it does with [Server.Serve].
//
// The program's http.Server is shut down before or together with the Server: its own
// Shutdown waits for streams, which end with [Server.Shutdown].
func (s *Server) Handler() http.Handler { return s.handler }

// Serve accepts connections from ln, a listener of the Server's own, until
// [Server.Shutdown], then returns nil; ln is closed. With the settings tls-cert and
// tls-key it is HTTPS. If ln fails its error is returned. A second listener is closed
// and refused with [ErrServing].
func (s *Server) Serve(ln net.Listener) error { return s.app.Serve(ln) }

// Notifier publishes to this server, and looks after its users, without a socket. It
// has every scope. Calls that are made after Shutdown fail with notify.ErrUnavailable.
func (s *Server) Notifier() *notify.Notifier { return s.notifier }

// APIKey is the key of the backend API with every scope: that of the data directory,
// else one that lives as long as the Server. Keys for others are in the setting
// api-key-file.
func (s *Server) APIKey() string { return s.apiKey }

// Token signs a token with which a client connects, for a program that knows who its
// users are. Issuer and audience are filled in as the Server wants them. It fails for
// claims that would not be accepted, and where the Server knows only public keys.
func (s *Server) Token(c auth.Claims) (string, error) { return s.app.Token(c) }

// Shutdown stops in order: /readyz says no, publishers are refused, clients are told
// and closed, requests finish, the log on disk is closed. That takes at most the setting
// drain-timeout (10 s); if ctx ends before, its error is returned and the rest goes on.
// Further calls wait for the first.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.app.Stop(ctx); err != nil {
		return err
	}
	return s.local.wait(ctx)
}
