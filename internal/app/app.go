// Package app builds the server from its configuration, runs it and stops it in
// order.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"hubline/api"
	"hubline/api/auth"
	"hubline/broker"
	"hubline/internal/config"
	"hubline/longpoll"
	"hubline/replay/ledger"
	"hubline/transports"
	"hubline/web"
)

// Run serves until ctx ends, then stops in order: /readyz says no, publishers
// are refused, clients are told and closed, requests finish. It returns nil
// after an ordered stop.
func Run(ctx context.Context, cfg config.Config, logger *slog.Logger, stdout io.Writer) error {
	secrets := config.NewSecrets()
	if cfg.Data != "" {
		var err error
		if secrets, err = config.OpenDataDir(cfg.Data); err != nil {
			return err
		}
	}
	listen := net.ListenConfig{Control: userTimeout(2*cfg.PingInterval + cfg.SendTimeout)}
	ln, err := listen.Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s, err := build(ctx, cfg, secrets, logger, ln)
	if err != nil {
		_ = ln.Close()
		return err
	}
	announce(stdout, cfg, os.Args[0], s.baseURL())
	return s.serve(ctx)
}

// server is everything that runs.
type server struct {
	cfg    config.Config
	log    *slog.Logger
	ln     *sockets
	parker *longpoll.Parker
	http   *http.Server
	api    *api.API
	broker *broker.Broker
	conns  *transports.Server
	demo   *demo
	ledger *ledger.Ledger     // nil when events are kept in memory alone
	stop   context.CancelFunc // of what runs in the background
	guest  bool               // in another program, whose memory and commands are not ours
}

func build(ctx context.Context, cfg config.Config, secrets config.Secrets, logger *slog.Logger, ln net.Listener) (*server, error) {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	origins, err := auth.ParseOrigins(cfg.AllowedOrigins)
	if err != nil {
		stop()
		return nil, err
	}
	verifier, secret, err := newVerifier(background, cfg, secrets, logger)
	if err != nil {
		stop()
		return nil, err
	}
	keys, err := newKeys(cfg, secrets)
	if err != nil {
		stop()
		return nil, err
	}
	tlsConfig, err := loadTLS(cfg)
	if err != nil {
		stop()
		return nil, err
	}
	core, onDisk, err := newBroker(cfg, logger)
	if err != nil {
		stop()
		return nil, err
	}
	loadRevocations(onDisk, verifier.Revocations(), logger)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s := &server{
		cfg: cfg, log: logger, ln: newSockets(ln, maxSockets(cfg.MaxConnections), cfg.SendTimeout).perIP(cfg.MaxSocketsPerIP, cfg.TrustedProxies), stop: stop,
		parker: longpoll.NewParker(ln.Addr(), longpoll.Config{WriteTimeout: cfg.SendTimeout}),
		conns: transports.NewServer(transports.Config{
			MaxNegotiated: cfg.MaxNegotiated, MaxNegotiatedPerAddress: cfg.MaxAnonymousConnectionsPerIP, SendTimeout: cfg.SendTimeout, EarlyBytes: int(cfg.MaxMessageBytes),
		}),
		broker: core, ledger: onDisk,
	}
	if _, s.guest = ln.(*late); !s.guest {
		s.ln.pace = newPacer(uint64(cfg.LogTotalBytes)) //nolint:gosec // validated
	}
	apiConfig := api.Config{
		BasePath: cfg.BasePath, MaxPublishBytes: int64(cfg.MaxPublishBytes), MaxBatchItems: cfg.MaxBatchItems,
		MaxBatchBytes: int64(cfg.MaxBatchBytes), MaxMessageBytes: int64(cfg.MaxMessageBytes), MaxBodies: int64(cfg.MaxInflightBytes), BodyTimeout: cfg.BodyTimeout,
		TicketTTL: cfg.TicketTTL, NegotiateTTL: cfg.NegotiateTTL, StatefulReconnect: cfg.StatefulReconnect, CloseOnExpiry: cfg.CloseOnExpiry, PingInterval: cfg.PingInterval,
		ClientTimeout: cfg.ClientTimeout, HandshakeTime: cfg.HandshakeTimeout, PollTimeout: cfg.PollTimeout,
		MaxPerIP: cfg.MaxConnectionsPerIP, TrustedProxies: cfg.TrustedProxies, ForwardedHeader: cfg.ForwardedHeader, Callers: limitsOf(cfg), Origins: origins, TokenCookie: cfg.TokenCookie,
		RevocationTTL: cfg.RevocationTTL, MaxKeptOut: cfg.MaxKeptOut, Limits: cfg.InForce(),
	}
	if cfg.Demo {
		if s.demo, err = newDemo(s.broker, secret, cfg); err != nil {
			s.closeLedger(ctx)
			stop()
			return nil, err
		}
		apiConfig.Demo, apiConfig.DemoKey = s.demo.session, s.demo.key
		keys = append(keys, s.demo.keys)
	}
	if apiConfig.Webhook, err = newWebhook(cfg); err != nil {
		s.closeLedger(ctx)
		stop()
		return nil, err
	}
	here := web.Here{Program: os.Args[0], Token: signing(cfg, os.Args[0]), KeyFile: keyFile(cfg), Demo: cfg.Demo}
	if s.guest {
		here.Program, here.Token = "", ""
	}
	s.api = api.New(apiConfig, api.Deps{
		Broker: s.broker, Server: s.conns, Parker: s.parker, Verifier: verifier, Keys: keys,
		Registry: registry, Logger: logger, StoredDevices: storedDevices(onDisk), Disk: diskUse(onDisk), Page: web.Handler(cfg.BasePath, here),
	})
	s.ln.register(registry)
	if onDisk != nil {
		registry.MustRegister(diskMetrics(onDisk)...)
	}
	s.http = &http.Server{
		Handler: s.api, ReadHeaderTimeout: cfg.ReadHeaderTimeout, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, ConnState: s.ln.connState,
		ErrorLog:  slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		TLSConfig: tlsConfig,
	}
	return s, nil
}

// unlimited turns the configuration's "0 for no limit" into a number.
func unlimited(n int) int {
	if n == 0 {
		return math.MaxInt
	}
	return n
}

// baseURL is where the server is found from this machine.
func (s *server) baseURL() string {
	scheme := "http"
	if s.cfg.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + s.ln.Addr().String() + s.cfg.BasePath
}

// serve runs until ctx ends or a listener fails, then stops in order.
func (s *server) serve(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if s.cfg.TLSCert != "" {
			return notClosed(s.http.ServeTLS(s.ln, "", ""))
		}
		return notClosed(s.http.Serve(s.ln))
	})
	g.Go(func() error { return notClosed(s.http.Serve(s.parker)) })
	g.Go(func() error { every(gctx, sweepInterval, s.broker.Store().Sweep); return nil })
	g.Go(func() error { every(gctx, api.SampleInterval, s.api.Sample); return nil })
	g.Go(func() error { every(gctx, sweepInterval, s.api.Sweep); return nil })
	g.Go(func() error { every(gctx, presenceInterval, s.broker.SweepPresence); return nil })
	if !s.guest {
		g.Go(func() error { trim(gctx); return nil })
		g.Go(func() error {
			every(gctx, paceEvery, func(time.Time) { s.ln.pace.look(readUsage(), s.ln.open.Load()) })
			return nil
		})
	}
	g.Go(func() error {
		every(gctx, retainInterval, func(now time.Time) { s.api.ForgetRevocations(gctx, now) })
		return nil
	})
	if s.ledger != nil {
		g.Go(func() error { every(gctx, retainInterval, s.retain); return nil })
		g.Go(func() error { every(gctx, overInterval, s.retainOver); return nil })
	}
	if s.demo != nil {
		g.Go(func() error { s.demo.run(gctx); return nil })
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "started", slog.String("addr", s.ln.Addr().String()))
	g.Go(func() error {
		<-gctx.Done()
		s.shutdown()
		return nil
	})
	return g.Wait()
}

func notClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// every calls f again and again until ctx ends.
func every(ctx context.Context, interval time.Duration, f func(now time.Time)) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			f(now)
		}
	}
}

// shutdown stops in order, within DrainTimeout.
func (s *server) shutdown() {
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.DrainTimeout)
	defer cancel()
	s.api.Drain()
	s.broker.Drain()
	n := len(s.conns.Connections())
	s.conns.Shutdown(ctx, s.cfg.DrainTimeout/4)
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close()
	}
	_ = s.parker.Close()
	s.stop()
	s.closeLedger(ctx)
	s.log.LogAttrs(ctx, slog.LevelInfo, "stopped", slog.Int("connections", n), slog.Duration("took", time.Since(start)))
}
