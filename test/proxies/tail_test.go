package proxies

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hubline/test/internal/harness"
)

// tail is a running `hubline tail`.
type tail struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string // of standard output
	last  uint64

	mu     sync.Mutex
	stderr strings.Builder
}

// startTail follows the user from the beginning through the address, until the test
// ends.
func startTail(t *testing.T, s *harness.Server, url, transport, user string) *tail {
	t.Helper()
	c := &tail{t: t, lines: make(chan string)}
	c.cmd = exec.Command(harness.Binary(t), "tail", "--server", url, "--data-dir", s.Data,
		"--user", user, "--transport", transport, "--since", "0", "--json")
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c.cmd.Env = append(harness.Environ(), "SSL_CERT_FILE="+roots)
	c.cmd.Stderr = c
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Ends with the program.
	go func() {
		defer close(c.lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			select {
			case c.lines <- in.Text():
			case <-t.Context().Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		if err := c.cmd.Wait(); err != nil {
			t.Errorf("tail ended with %v", err)
		}
		if t.Failed() {
			t.Logf("errors of tail --transport %s:\n%s", transport, c.errors())
		}
	})
	return c
}

// Write implements io.Writer for standard error.
func (c *tail) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stderr.Write(b)
}

func (c *tail) errors() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stderr.String()
}

// want reads to the event with the seq. Every event must come once and in order.
func (c *tail) want(seq uint64) {
	c.t.Helper()
	limit := time.After(harness.Patience())
	for c.last < seq {
		select {
		case line, ok := <-c.lines:
			var event struct{ Seq uint64 }
			if err := json.Unmarshal([]byte(line), &event); err != nil || !ok {
				c.t.Fatalf("tail printed %q: %v", line, err)
			}
			if event.Seq != c.last+1 {
				c.t.Fatalf("tail printed seq %d after %d", event.Seq, c.last)
			}
			c.last = event.Seq
		case <-limit:
			c.t.Fatalf("tail has printed no more than seq %d, want %d", c.last, seq)
		}
	}
	if text := c.errors(); strings.Contains(text, "gap") {
		c.t.Errorf("tail reports a gap, although everything is kept:\n%s", text)
	}
}

func TestTailSurvivesCuts(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--drain-timeout", "2s")
	for i, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			// Each transport meets each ending, all of them in the middle of an event.
			// The pauses between attempts grow: more would take long.
			cuts := len(endings)
			w := startWire(t, s.Addr, func(n int) fault {
				if n < cuts {
					return fault{how: endings[(n+i)%len(endings)], after: 900 + 100*int64(n)}
				}
				return fault{}
			})
			c := startTail(t, s, "http://"+w.addr(), transport, transport)
			for w.count() <= cuts {
				c.want(s.PublishMany(transport, "t", 3).Seq)
			}
			c.want(s.PublishMany(transport, "t", 30).Seq)
		})
	}
}

// The proxy goes away under the streams and comes back, as when it is updated.
func TestTailOutlivesTheProxy(t *testing.T) {
	t.Parallel()
	p := products[0]
	e := startEdge(t, p)
	tails := map[string]*tail{}
	for _, transport := range transports {
		tails[transport] = startTail(t, e.root, "https://"+e.addr, transport, transport)
	}
	all := func() {
		t.Helper()
		for transport, c := range tails {
			c.want(e.root.PublishMany(transport, "t", 5).Seq)
		}
	}
	all()
	e.prog.stop(t)
	for transport := range tails {
		e.root.PublishMany(transport, "t", 5)
	}
	again, ok := launch(t, p.ready, e.prog.cmd.Path, e.prog.cmd.Args[1:]...)
	if !ok {
		t.Fatalf("nginx did not start again:\n%s", again.output())
	}
	all()
}

// Where no WebSocket gets through, tail works over the others.
func TestTailWithoutUpgrade(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--drain-timeout", "2s")
	url := startMiddlebox(t, &middlebox{target: s.Addr, strip: []string{"Connection", "Upgrade"}})
	for _, transport := range []string{"sse", "poll"} {
		startTail(t, s, url, transport, transport).want(s.PublishMany(transport, "t", 5).Seq)
	}
}
