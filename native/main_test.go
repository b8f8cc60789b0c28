package native

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
)

// TestMain fails when a test leaves a goroutine behind. The fuzzer itself does.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	fuzzing := flag.Lookup("test.fuzz").Value.String() != ""
	for i := 0; code == 0 && !fuzzing && runtime.NumGoroutine() > before; i++ {
		if i == 1000 {
			buf := make([]byte, 1<<16)
			fmt.Printf("goroutines left behind:\n%s\n", buf[:runtime.Stack(buf, true)])
			code = 1
			break
		}
		runtime.Gosched()
		runtime.GC()
	}
	os.Exit(code)
}
