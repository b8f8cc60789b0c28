package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"

	"hubline/internal/config"
)

// serveCommand is `hubline serve`.
type serveCommand struct {
	Config config.Config `embed:""`
}

// Help fulfils kong.HelpProvider.
func (serveCommand) Help() string {
	return "Without any configuration the server listens on 127.0.0.1:8080 and keeps its secrets in ./hubline-data.\n\n" + envNote
}

// Run serves until SIGINT or SIGTERM.
func (c serveCommand) Run(ctx context.Context, env environment) error {
	logger := newLogger(env.stderr, c.Config.LogFormat, c.Config.LogLevel)
	for _, w := range c.Config.Warnings() {
		logger.Warn("configuration", slog.String("warning", w))
	}
	err := env.serve(ctx, c.Config, logger, env.stdout)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is taken by another program, perhaps another hubline: stop that one, or choose another port with --addr (%w)", c.Config.Addr, syscall.EADDRINUSE)
	}
	return err
}

// checkCommand is `hubline check`.
type checkCommand struct {
	Config config.Config `embed:""`
}

// Help fulfils kong.HelpProvider.
func (checkCommand) Help() string {
	return "It reads what hubline serve would read, and reports everything that is wrong with file and environment at once; flags that cannot be read come first, one at a time. Files that are named are opened, and the data directory is looked at; nothing is changed.\n\n" + envNote
}

// Run reports that nothing is wrong: the values have been validated already.
func (c checkCommand) Run(env environment) error {
	for _, w := range c.Config.Warnings() {
		if err := say(env.stdout, "Warning: %s.\n", w); err != nil {
			return err
		}
	}
	read := "Read no file (--config names one) and no variable: these are the flags and defaults."
	if len(env.sources) > 0 {
		read = "Read " + strings.Join(env.sources, ", ") + "."
	}
	return say(env.stdout, "%s\nThe configuration is valid.\n", read)
}
