package proxies

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hubline/test/internal/client"
	"hubline/test/internal/harness"
)

// site is where one of the configurations of deploy/ shows Hubline.
type site string

// The three sites that every file of deploy/ has.
const (
	siteRoot    site = "https://hubline.example.org"
	siteSubpath site = "https://app.example.org/realtime" // with --base-path
	siteVault   site = "https://vault.example.org"        // /notifications/ is stripped
)

func (s site) url() *url.URL {
	u, err := url.Parse(string(s))
	if err != nil {
		panic(err) // a constant
	}
	return u
}

func (s site) host() string { return s.url().Host }

// edge is a proxy that runs with the files of deploy/.
type edge struct {
	product
	addr string // where it listens
	dir  string // its files and logs
	prog *program
	// The server at the root, which the vault's hubs lead to as well, and the one
	// with a base path.
	root, based *harness.Server
	app         string // host:port of the site that shares its name with Hubline
}

// server is the one that the site leads to.
func (e *edge) server(s site) *harness.Server {
	if s == siteSubpath {
		return e.based
	}
	return e.root
}

// options connect to the site through the proxy, as the user.
func (e *edge) options(s site, user string) client.Options {
	return client.Options{URL: string(s), Address: e.addr, Token: e.server(s).Token(user)}
}

// product is a proxy program.
type product struct {
	name string
	// find returns the program's path or skips the test.
	find func(testing.TB) string
	// configure writes the files for e, to listen on addr, and returns the arguments.
	configure func(t testing.TB, e *edge, path, addr string) []string
	// ready is what it writes when it listens.
	ready *regexp.Regexp
	http2 bool // towards clients
}

func optional(name string) func(testing.TB) string {
	return func(t testing.TB) string { return mayHave(t, name) }
}

var products = []product{
	{"nginx", needNginx, configureNginx, regexp.MustCompile(`start worker process \d+`), true},
	{"haproxy", optional("haproxy"), configureHAProxy, regexp.MustCompile(`Loading success|\) forked`), true},
	{"apache", optional("apache2"), configureApache, regexp.MustCompile(`resuming normal operations`), false},
	{"caddy", optional("caddy"), configureCaddy, regexp.MustCompile(`serving initial configuration`), true},
}

// startEdge runs the proxy in front of two servers with the flags.
func startEdge(t testing.TB, p product, flags ...string) *edge {
	t.Helper()
	path := p.find(t)
	e := &edge{product: p, dir: t.TempDir()}
	flags = append([]string{"--drain-timeout", "2s"}, flags...)
	e.root = harness.Start(t, flags...)
	e.based = harness.Start(t, append([]string{"--base-path", "/realtime"}, flags...)...)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "the app at %s", r.URL.Path)
	}))
	t.Cleanup(app.Close)
	e.app = app.Listener.Addr().String()
	writeCertificate(t, e.dir)
	e.prog, e.addr = retry(t, func(addr string) (*program, bool) {
		return launch(t, p.ready, path, p.configure(t, e, path, addr)...)
	})
	return e
}

// deployed reads a file of deploy/ and puts the test's own addresses and folders in
// the place of the real ones. Each of the pairs must occur, so that the file cannot
// change without the test noticing.
func deployed(t testing.TB, name string, pairs ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(harness.Root(), "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("deploy/%s does not contain %q", name, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// write writes a file of the edge and returns its path.
func (e *edge) write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(e.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// logs is all that the proxy wrote, to its output and to files.
func (e *edge) logs(t testing.TB) string {
	t.Helper()
	text := e.prog.output()
	files, err := filepath.Glob(filepath.Join(e.dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	return text
}
