package xtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
)

// Step is one thing that a client does: it sends a text and reads until what it
// has got ends with another one.
type Step struct{ Send, Until string }

// clientEnv makes the test's own program play the clients, so that their memory
// is not in the balance.
const clientEnv = "HUBLINE_XTEST_CLIENTS"

// crowd is what the program of the clients is told.
type crowd struct {
	Addr  string
	N     int
	Steps [][2][]byte // of Send and Until, which need not be text
}

// Crowd connects n clients from another process to addr, has each take the
// steps and returns when all have. They hang up at stop.
func Crowd(t testing.TB, addr string, n int, steps ...Step) (stop func()) {
	t.Helper()
	c := crowd{Addr: addr, N: n}
	for _, s := range steps {
		c.Steps = append(c.Steps, [2][]byte{[]byte(s.Send), []byte(s.Until)})
	}
	told, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), clientEnv+"="+string(told))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = in.Close()
		_ = cmd.Wait()
		cancel()
	})
	t.Cleanup(stop)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the clients say %q, %v", line, err)
	}
	return stop
}

// playCrowd is the program of the clients. It ends when its input does.
func playCrowd(told string) {
	var c crowd
	if err := json.Unmarshal([]byte(told), &c); err != nil {
		panic(err)
	}
	var conns []net.Conn
	for range c.N {
		nc, err := net.Dial("tcp", c.Addr) //nolint:noctx // the program is killed with the test
		if err != nil {
			panic(err)
		}
		conns = append(conns, nc)
		for _, s := range c.Steps {
			take(nc, s[0], s[1])
		}
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(conns)
}

// take sends a text and reads until another one has come, and nothing behind it.
func take(nc net.Conn, send, until []byte) {
	if _, err := nc.Write(send); err != nil {
		panic(err)
	}
	var seen []byte
	for !bytes.HasSuffix(seen, until) {
		b := make([]byte, 4096)
		n, err := nc.Read(b)
		if seen = append(seen, b[:n]...); err != nil {
			panic(fmt.Sprintf("%v after %q", err, seen))
		}
	}
}

// Live is how many bytes of heap and stacks are in use, after enough
// collections that what lay in a sync.Pool is gone and stacks have shrunk.
func Live() int {
	for range 6 {
		runtime.GC()
	}
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(s)
	return int(s[0].Value.Uint64() + s[1].Value.Uint64()) //nolint:gosec // fits
}

// Budget fails the test if a client of a crowd of n costs more than budget
// bytes of heap and stacks. The crowd takes the steps at addr; present counts
// those of them that are where they should be.
func Budget(t *testing.T, budget int, addr string, present func() int, steps ...Step) {
	t.Helper()
	if Race {
		t.Skip("the race detector needs memory of its own")
	}
	const n = 2000
	wait := func(want int) {
		t.Helper()
		Until(t, func() bool { return present() == want }, fmt.Sprint(want, " clients"))
	}
	Crowd(t, addr, n/10, steps...)() // what is made once is there
	wait(0)
	before := Live()
	Crowd(t, addr, n, steps...)
	wait(n)
	each := (Live() - before) / n
	wait(n)
	t.Logf("%d bytes for each of %d clients", each, n)
	if each > budget {
		t.Errorf("a client costs %d bytes, the budget is %d", each, budget)
	}
}
