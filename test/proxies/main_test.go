//go:debug x509usefallbackroots=1

// Package proxies tests the product behind other people's programs: the
// configurations of deploy/ with the proxies they are for, proxies that are set up
// badly, and proxies that break what passes through them. The server, the proxy and
// the command line are the real programs.
//
// nginx must be installed, unless HUBLINE_TEST_SKIP names it. The other proxies are
// tested if they are found.
package proxies

import (
	"crypto/x509"
	"flag"
	"testing"

	"hubline/test/internal/harness"
)

func TestMain(m *testing.M) {
	// The clients of the tests take the system's roots: these stand in for them
	// (x509usefallbackroots above), so that https works as it does outside.
	roots := x509.NewCertPool()
	roots.AddCert(authority.cert)
	x509.SetFallbackRoots(roots)
	// Tests that run in parallel here wait for time to go by, and for nothing else.
	// -parallel on the command line goes before.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	harness.Main(m)
}
