package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// childEnv makes the test binary a process that appends for ever.
const childEnv = "JOURNAL_TEST_DIR"

// TestChild is not a test but the other process.
func TestChild(t *testing.T) {
	dir := os.Getenv(childEnv)
	if dir == "" {
		t.Skip("the child of other tests")
	}
	j, err := Open(dir, Options{SegmentBytes: 32 << 10})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	for i := j.Last() + 1; ; i += 2 {
		want := i
		if err := j.Submit(int64(i), [][]byte{rec(i), rec(i + 1)}, func(first uint64, err error) {
			if err != nil || first != want {
				fmt.Println("error:", first, err)
				os.Exit(1)
			}
			fmt.Println("on disk:", first+1)
		}); errors.Is(err, ErrFull) {
			i -= 2
		} else if err != nil {
			fmt.Println("error:", err)
			return
		}
	}
}

// child starts the other process and returns what it prints.
func child(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// A process that is killed while it writes has on disk what it said is there,
// and each submission whole or not at all.
func TestKilledProcessKeepsWhatItAcknowledged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	acknowledged := uint64(0)
	for round := range 6 {
		cmd, out := child(t, dir)
		stop := 1 + rand.IntN(3000)
		for n := 0; out.Scan(); n++ {
			if strings.HasPrefix(out.Text(), "error") {
				t.Fatal(out.Text())
			}
			if _, err := fmt.Sscanf(out.Text(), "on disk: %d", &acknowledged); err == nil && n == stop {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
		j, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if j.Last() < acknowledged || j.Last()%2 != 0 {
			t.Fatalf("round %d: last is %d, acknowledged %d", round, j.Last(), acknowledged)
		}
		want := uint64(1)
		if err := j.Range(1, func(r Record) error {
			if r.Index != want || r.Damage != nil || !bytes.Equal(r.Data, rec(r.Index)) {
				return fmt.Errorf("index %d, want %d: damaged %t", r.Index, want, r.Damage != nil)
			}
			want++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "j")
	j, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cmd, out := child(t, dir)
	if out.Scan(); !strings.Contains(out.Text(), dir) || !strings.Contains(out.Text(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("the other process says %q", out.Text())
	}
	for out.Scan() {
	}
	cmd.Wait()
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
	j.Close()
	if j, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	j.Close()
}
