// Package leaktest tells what tests leave behind: goroutines, and bytes of heap.
package leaktest

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// patience is how long goroutines may take to end behind the last test.
const patience = 10 * time.Second

// Main is a TestMain that fails if goroutines are left behind. Each cleanup is
// called before they are counted.
func Main(m *testing.M, cleanup ...func()) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(code) // the fuzzing engine has goroutines of its own
	}
	for _, f := range cleanup {
		f()
	}
	for late := time.Now().Add(patience); runtime.NumGoroutine() > before && time.Now().Before(late); {
		runtime.Gosched()
		runtime.GC() // what is collected may have been what they wait for
	}
	if n := runtime.NumGoroutine(); code == 0 && n > before {
		fmt.Fprintf(os.Stderr, "%d goroutines are left of %d\n", n, before)
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		code = 1
	}
	os.Exit(code)
}

// Heap returns the bytes of live objects.
func Heap() int64 {
	for range 3 { // what lies in a sync.Pool outlives a collection, and finalizers another
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // less than 2^63 bytes
}
