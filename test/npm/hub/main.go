// Command hub is a Go program that mounts hubs of its own, for the tests of the
// npm clients. It prints its URL, and stops on SIGTERM.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"hubline/signalr"
	"hubline/signalr/serve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "hub:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("hub", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:0", "address to listen on")
	origins := flags.String("origins", "", "origins, separated by commas, whose pages may connect")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	s := serve.New(serve.Config{})
	mount(s, strings.Split(*origins, ","))
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(ln) }() // ends with Shutdown
	if _, err := fmt.Fprintf(out, "http://%s\n", ln.Addr()); err != nil {
		return err
	}
	select {
	case err = <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = s.Shutdown(last)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// mount puts the hubs where the tests look for them.
func mount(s *serve.Server, origins []string) {
	b := newBoard()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	open := serve.Options{Authenticate: whoever, AllowedOrigins: origins}
	hub := func(c signalr.Config) *signalr.Hub {
		c.Logger = log
		h := signalr.New(c)
		addCalls(h)
		addStreams(h, b)
		addPeople(h)
		addLives(h, b)
		return h
	}
	s.Handle("/Hub", hub(signalr.Config{}), open)
	s.Handle("/detailed", hub(signalr.Config{DetailedErrors: true}), open)
	s.Handle("/parallel", hub(signalr.Config{MaxParallelCalls: 4}), open)
	s.Handle("/strict", hub(signalr.Config{ClientTimeout: time.Second}), open)
	brief := open
	brief.AwayTimeout = 2 * time.Second
	s.Handle("/brief", hub(signalr.Config{}), brief)
	stateful := open
	stateful.Stateful = true
	s.Handle("/stateful", hub(signalr.Config{MaxQueuedCalls: 1000}), stateful)
	private := open
	private.Authenticate = members
	s.Handle("/private", hub(signalr.Config{}), private)

	refusing := signalr.New(signalr.Config{Logger: log})
	refusing.OnConnected(refuse)
	refusing.OnDisconnected(func(c signalr.Caller, _ error) { b.put("gone "+c.ConnectionID(), "after a refusal") })
	s.Handle("/refusing", refusing, open)

	s.HandleStream("/echo", echo, open)
}

// whoever lets everybody in, under the name that the token is.
func whoever(r *http.Request) (user string, identity any, err error) {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return bearer, nil, nil
	}
	return r.URL.Query().Get("access_token"), nil, nil
}

type forbidden struct{}

func (forbidden) Error() string { return "banned" }
func (forbidden) Status() int   { return http.StatusForbidden }

// members refuses those without a name, and those who are banned.
func members(r *http.Request) (user string, identity any, err error) {
	user, _, _ = whoever(r)
	switch user {
	case "":
		return "", nil, errors.New("who is it?")
	case "banned":
		return "", nil, forbidden{}
	}
	return user, "member " + user, nil
}

// echo returns what comes, until it is told goodbye.
func echo(_ context.Context, c *serve.Stream) {
	p := make([]byte, 1<<10)
	for {
		n, err := c.Read(p)
		if err != nil {
			return
		}
		if _, err := c.Write(p[:n]); err != nil || string(p[:n]) == "bye" {
			return
		}
	}
}
