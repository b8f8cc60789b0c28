package proxies

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hubline/test/internal/harness"
)

// The service file is understood by systemd, and shuts the program in.
func TestServiceFile(t *testing.T) {
	path, ok := find("systemd-analyze")
	if !ok {
		t.Skip("systemd-analyze is not installed: the service file is not tested")
	}
	unit := filepath.Join(t.TempDir(), "hubline.service")
	text := deployed(t, "systemd/hubline.service", "/usr/local/bin/hubline", harness.Binary(t))
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path, "verify", "--man=no", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("verify: %v\n%s", err, out)
	}
	// Exposure in tenths, of 100.
	out, err := exec.Command(path, "security", "--offline=yes", "--threshold=20", unit).CombinedOutput()
	if err != nil && strings.Contains(string(out), "unrecognized option") {
		t.Skipf("this systemd-analyze judges no files: %s", out)
	}
	if err != nil {
		t.Errorf("exposed more than 2.0: %v\n%s", err, out)
	}
}

// The flags and the file that the service runs with are right, and its limits fit the
// server's.
func TestServiceConfiguration(t *testing.T) {
	t.Parallel()
	unit := deployed(t, "systemd/hubline.service")
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/hubline serve (.*)$`).FindStringSubmatch(unit)
	if start == nil {
		t.Fatal("no ExecStart")
	}
	file := filepath.Join(t.TempDir(), "hubline.yaml")
	text := deployed(t, "systemd/hubline.yaml", "/var/lib/hubline", t.TempDir())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := strings.Fields(strings.Replace(start[1], "/etc/hubline/hubline.yaml", file, 1))
	check := exec.Command(harness.Binary(t), append([]string{"check"}, args...)...)
	check.Env = harness.Environ()
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("hubline check %v: %v\n%s", args, err, out)
	}
	flags := help(t)
	if files, connections := number(t, unit, `LimitNOFILE=(\d+)`), number(t, flags, `Most connections, in all \((\d+)\)`); files < connections+1000 {
		t.Errorf("LimitNOFILE = %d for %d connections", files, connections)
	}
	if stop, drain := number(t, unit, `TimeoutStopSec=(\d+)s`), number(t, flags, `SIGTERM \((\d+)s\)`); stop <= drain {
		t.Errorf("TimeoutStopSec = %d for a drain timeout of %d", stop, drain)
	}
}

// Every proxy is more patient than the server is silent.
func TestTimeoutsAreLongerThanTheServersSilence(t *testing.T) {
	flags := help(t)
	const longestWait = 60 // of a native long poll, seconds
	silence := max(longestWait, number(t, flags, `--ping-interval=DURATION[^(]*\((\d+)s\)`), number(t, flags, `long poll is held \((\d+)s\)`))
	for file, expressions := range map[string][]string{
		"nginx/hubline-proxy.conf": {`proxy_read_timeout (\d+)s`},
		"apache/hubline.conf":      {` timeout=(\d+)`},
		"haproxy/haproxy.cfg":      {`timeout client (\d+)s`, `timeout server (\d+)s`, `timeout tunnel (\d+)s`},
	} {
		for _, expression := range expressions {
			if got := number(t, deployed(t, file), expression); got <= silence {
				t.Errorf("%s: %s is %d, but the server may be silent for %d s", file, expression, got, silence)
			}
		}
	}
}

// help is the text with every flag and its default, on lines of any length.
func help(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(harness.Binary(t), "serve", "--help")
	cmd.Env = harness.Environ()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

// number finds the only group of the expression in the text.
func number(t *testing.T, text, expression string) int {
	t.Helper()
	found := regexp.MustCompile(expression).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("nothing matches %s", expression)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
