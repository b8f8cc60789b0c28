package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hubline/internal/config"
)

// The scripts run this test binary as hubline, with a server that only shows
// its configuration and waits for the signal.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"hubline":  func() { os.Exit(Main(showConfig)) },
		"detached": detached,
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"backend": scriptBackend, "published": scriptPublished},
		Setup: func(env *testscript.Env) error {
			// The race detector would wait a second at the end of each command.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
	})
}

func showConfig(ctx context.Context, cfg config.Config, logger *slog.Logger, stdout io.Writer) error {
	logger.Info("started", "addr", cfg.Addr, "took", 1500*time.Millisecond)
	logger.Debug("only for the curious")
	_, _ = fmt.Fprintf(stdout, "addr=%s data=%q log-events=%d log-users=%d watermarks=%d outbox-events=%d log-age=%v demo=%v origins=%q\n",
		cfg.Addr, cfg.Data, cfg.LogEvents, cfg.LogUsers, cfg.Watermarks, cfg.OutboxEvents, cfg.LogAge, cfg.Demo, cfg.AllowedOrigins)
	if cfg.Addr == "127.0.0.1:1" { // is asked to stop once it runs
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			return err
		}
		<-ctx.Done()
		_, _ = fmt.Fprintln(stdout, "stopped in order")
	}
	if cfg.Addr == "127.0.0.1:2" {
		return fmt.Errorf("listen: the port is taken")
	}
	if cfg.Addr == "127.0.0.1:3" {
		return fmt.Errorf("listen: %w", &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)})
	}
	return nil
}
