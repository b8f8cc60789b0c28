package cli

import (
	"context"
	"log/slog"

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
	return env.serve(ctx, c.Config, logger, env.stdout)
}

// checkCommand is `hubline check`.
type checkCommand struct {
	Config config.Config `embed:""`
}

// Help fulfils kong.HelpProvider.
func (checkCommand) Help() string {
	return "It reads what hubline serve would read, and reports everything that is wrong with it at once.\n\n" + envNote
}

// Run reports that nothing is wrong: the values have been validated already.
func (c checkCommand) Run(env environment) error {
	for _, w := range c.Config.Warnings() {
		if err := say(env.stdout, "Warning: %s.\n", w); err != nil {
			return err
		}
	}
	return say(env.stdout, "The configuration is valid.\n")
}
