package harness

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// RestartAndKill runs the program again, which must have ended, and kills it after a
// while, however far it has come by then.
func (s *Server) RestartAndKill(after time.Duration) {
	s.t.Helper()
	s.mu.Lock()
	s.logs.WriteString(s.proc.output())
	s.mu.Unlock()
	s.spawn()
	select {
	case <-s.proc.done:
		s.t.Errorf("the program ended by itself:\n%s", tail(s.proc.output()))
	case <-time.After(after):
	}
	s.Kill()
}

// StartToKill is Start for a server that is ended again and again: its port is none
// that the machine gives away by itself, so nobody has it meanwhile, and it is built
// without the race detector.
func StartToKill(t testing.TB, flags ...string) *Server {
	t.Helper()
	return start(t, &shared{Data: filepath.Join(t.TempDir(), "data"), Addr: stableAddr(t), flags: flags, program: plainBinary})
}

// stableAddr is a free address below the ports that outgoing connections are given.
func stableAddr(t testing.TB) string {
	t.Helper()
	low, high := 0, 0
	if b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		_, _ = fmt.Sscan(string(b), &low, &high)
	}
	if low < 12_000 {
		return "127.0.0.1:0"
	}
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(low-10_000))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}
