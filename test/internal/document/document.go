// Package document holds what the end-to-end tests send to the servers that they
// start, and what these answer, against api/openapi.yaml.
package document

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"hubline/internal/spectest"
)

// load reads the document once. Hubs are found in any case.
var load = sync.OnceValue(func() *spectest.Document {
	_, file, _, _ := runtime.Caller(0)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(file), "..", "..", "..", "api", "openapi.yaml"))
	if err != nil {
		panic(err)
	}
	d, err := spectest.Load(text, "/hub")
	if err != nil {
		panic(err)
	}
	return d
})

// servers are those whose traffic is looked at.
var servers struct {
	mu     sync.Mutex
	base   map[string]string   // what stands before every path, by host
	faults map[string][]string // each once, by host
}

// Mount has the traffic with the server at the host (and port) looked at from now on.
func Mount(host, base string) {
	servers.mu.Lock()
	defer servers.mu.Unlock()
	if servers.base == nil {
		servers.base, servers.faults = map[string]string{}, map[string][]string{}
	}
	servers.base[host] = base
}

// Faults returns how the traffic with the server differed from the document.
func Faults(host string) []string {
	servers.mu.Lock()
	defer servers.mu.Unlock()
	list := servers.faults[host]
	delete(servers.faults, host)
	delete(servers.base, host)
	return list
}

// Transport passes everything on, and looks at what goes to servers that are mounted.
func Transport(next http.RoundTripper) http.RoundTripper {
	return &spectest.Transport{
		Next: next, Document: load(), Base: base, Report: report,
		Known: func(path string) bool { return path == "" || path == "/" || strings.HasPrefix(path, "/console/") },
	}
}

func base(r *http.Request) (string, bool) {
	servers.mu.Lock()
	defer servers.mu.Unlock()
	b, ok := servers.base[r.URL.Host]
	return b, ok
}

func report(r *http.Request, fault string) {
	servers.mu.Lock()
	defer servers.mu.Unlock()
	if list := servers.faults[r.URL.Host]; !slices.Contains(list, fault) {
		servers.faults[r.URL.Host] = append(list, fault)
	}
}
