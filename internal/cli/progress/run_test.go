//go:build unix

package progress

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// outputFile returns a file for an output, and what reads it.
func outputFile(t *testing.T) (*os.File, func() string) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, func() string {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// outputPipe returns a pipe for an output.
func outputPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// shell is the configuration of a script that runs against the server.
func shell(t *testing.T, s *server, script string) (cfg Config, stdout, stderr func() string) {
	t.Helper()
	cfg = Config{Args: []string{"sh", "-c", script}, Linger: linger, Send: s.send, signals: make(chan os.Signal)}
	cfg.Labels.User = "u"
	cfg.Stdout, stdout = outputFile(t)
	cfg.Stderr, stderr = outputFile(t)
	return cfg, stdout, stderr
}

func TestOutputGoesThroughByteForByte(t *testing.T) {
	text := "a\r\nb\r 50%\rc\x1b[0m\n\n{\"message_type\":\"status\"\xff no end"
	binary := string([]byte{0, 1, 255, '\n', 0}) + strings.Repeat("\x00xyz\n", 100_000)
	for _, streams := range []Streams{Both, Stdout, Stderr} {
		cfg, stdout, stderr := shell(t, newServer(), `cat; cat binary >&2`)
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "binary"), []byte(binary), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg.Args[2] = `cat; cat "$0" >&2`
		cfg.Args = append(cfg.Args, filepath.Join(dir, "binary"))
		cfg.Stdin, cfg.Streams = strings.NewReader(text), streams
		if end, report := Run(cfg); end.Status != 0 || report.Problem() != nil {
			t.Errorf("%s: %+v, %+v", streams, end, report)
		}
		if stdout() != text || stderr() != binary {
			t.Errorf("%s: standard output is %q and standard error %d bytes", streams, stdout(), len(stderr()))
		}
	}
}

func TestOrderIsKeptWhereBothStreamsAreOne(t *testing.T) {
	s := newServer()
	cfg, stdout, _ := shell(t, s, `for i in 1 2 3 4 5 6 7 8 9; do echo out; echo err >&2; done; exit 1`)
	cfg.Stderr = cfg.Stdout
	Run(cfg)
	if want := strings.Repeat("out\nerr\n", 9); stdout() != want {
		t.Errorf("output = %q", stdout())
	}
	if last := s.log[len(s.log)-1]; last.Data.Error != "exit status 1: err" {
		t.Errorf("last = %+v", last.Data)
	}
}

func TestTheExitStatusIsTheCommands(t *testing.T) {
	for _, tt := range []struct {
		args   []string
		status int
		ran    bool
		reason string // in the last event
	}{
		{[]string{"true"}, 0, true, ""},
		{[]string{"sh", "-c", "echo bad >&2; echo good; exit 3"}, 3, true, "exit status 3: bad"},
		{[]string{"sh", "-c", `echo '{"message_type":"exit_error","message":"Fatal: x"}' >&2; echo then >&2; exit 10`}, 10, true, "exit status 10: Fatal: x"},
		{[]string{"sh", "-c", "echo 99% >&2; exit 255"}, 255, true, "exit status 255"},
		{[]string{"sh", "-c", "kill -9 $$"}, 137, true, "ended by signal 9 (killed)"},
		{[]string{"sh", "-c", "kill -TERM $$"}, 143, true, "ended by signal 15 (terminated)"},
		{[]string{"no-such-command"}, 127, false, "no-such-command: command not found"},
		{[]string{"/no/such/command"}, 127, false, "/no/such/command: command not found"},
		{[]string{"./run_test.go"}, 126, false, "./run_test.go: cannot be run: permission denied"},
	} {
		s := newServer()
		cfg, _, _ := shell(t, s, "")
		cfg.Args = tt.args
		end, report := Run(cfg)
		if end.Status != tt.status || end.Ran() != tt.ran || report.Problem() != nil {
			t.Errorf("%q: %+v, %+v", tt.args, end, report)
		}
		first, last := s.log[0], s.log[len(s.log)-1]
		if first.Data.Step != "export_started" || first.Type != "backup.progress" || first.Data.FileName != filepath.Base(tt.args[0]) {
			t.Errorf("%q: first event = %+v", tt.args, first)
		}
		if d := last.Data; !d.Done || d.OK != (tt.status == 0) || d.Error != tt.reason || *d.ExitStatus != tt.status {
			t.Errorf("%q: last event = %+v", tt.args, last.Data)
		}
	}
}

// Whatever the server does, the command writes all that it has to write.
func TestAServerThatHangsDoesNotHoldUpTheCommand(t *testing.T) {
	const lines = 200_000
	written := make(chan struct{})
	s := newServer()
	cfg, _, _ := shell(t, s, `i=0; while [ $i -lt 2000 ]; do echo "$0"; i=$((i+1)); done`)
	cfg.Args = append(cfg.Args, strings.TrimSuffix(strings.Repeat("line 50%\n", lines/2000), "\n"))
	cfg.Every = time.Hour // so that the events do not depend on how long it takes
	cfg.Send = func(ctx context.Context, body []byte) (bool, error) {
		<-written
		return s.send(ctx, body)
	}
	r, w := outputPipe(t)
	cfg.Stdout = w
	go func() { // ends with the last line
		defer close(written)
		_, _ = io.CopyN(io.Discard, r, lines*int64(len("line 50%\n")))
	}()
	if end, report := Run(cfg); end.Status != 0 || report.Problem() != nil {
		t.Errorf("%+v, %+v", end, report)
	}
	wantSteps(t, s, "export_started", "export_complete 100")
}

func TestSignalsAreSentOn(t *testing.T) {
	s := newServer()
	cfg, _, _ := shell(t, s, `trap 'echo stopping; exit 7' TERM; echo ready; while :; do :; done`)
	signals := make(chan os.Signal, 1)
	cfg.signals = signals
	r, w := outputPipe(t)
	cfg.Stdout = w
	go func() { // ends with the first line
		_, _ = io.ReadFull(r, make([]byte, len("ready\n")))
		signals <- syscall.SIGTERM
	}()
	if end, report := Run(cfg); end.Status != 7 || report.Problem() != nil {
		t.Errorf("%+v, %+v", end, report)
	}
	if last := s.log[len(s.log)-1].Data; !last.Done || last.OK || last.StageDetail != "stopping" {
		t.Errorf("last event = %+v", last)
	}
}

// As by the shell's own pipe, a command is told that nobody reads its output.
func TestNobodyReadsTheOutput(t *testing.T) {
	s := newServer()
	cfg, _, _ := shell(t, s, `while :; do echo line; done`)
	r, w := outputPipe(t)
	r.Close()
	cfg.Stdout = w
	if end, _ := Run(cfg); end.Status != 128+int(syscall.SIGPIPE) {
		t.Errorf("%+v", end)
	}
	if last := s.log[len(s.log)-1].Data; !last.Done || last.OK {
		t.Errorf("last event = %+v", last)
	}
}

// The end is that of the command, not of what it leaves running; what that
// prints goes through all the same.
func TestWhatOutlivesTheCommandDoesNotHoldUpItsEnd(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer()
	cfg, stdout, _ := shell(t, s, `{ read line <"$0"; echo "$line"; } & echo now`)
	cfg.Args = append(cfg.Args, fifo)
	cfg.grace = time.Millisecond
	cfg.Send = func(ctx context.Context, body []byte) (bool, error) {
		duplicate, err := s.send(ctx, body)
		if bytes.Contains(body, []byte(`"done":true`)) {
			err = os.WriteFile(fifo, []byte("late\n"), 0o600)
		}
		return duplicate, err
	}
	if end, report := Run(cfg); end.Status != 0 || report.Problem() != nil {
		t.Errorf("%+v, %+v", end, report)
	}
	if diff := cmp.Diff("now\nlate\n", stdout()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestOnlyTheStreamThatIsAskedForIsRead(t *testing.T) {
	for streams, want := range map[Streams]string{Stdout: "on stdout", Stderr: "on stderr"} {
		s := newServer()
		cfg, stdout, stderr := shell(t, s, `echo on stdout; echo on stderr >&2`)
		cfg.Streams = streams
		Run(cfg)
		if got := s.log[len(s.log)-1].Data.StageDetail; got != want || stdout() != "on stdout\n" || stderr() != "on stderr\n" {
			t.Errorf("%s: detail %q, output %q and %q", streams, got, stdout(), stderr())
		}
	}
}

func TestFiguresOnly(t *testing.T) {
	s := newServer()
	cfg, _, _ := shell(t, s, `echo 'password hunter2 40%'; echo '{"message_type":"exit_error","message":"hunter2"}'; echo hunter2 >&2; exit 1`)
	cfg.Labels.NoDetail = true
	Run(cfg)
	for _, body := range s.ids {
		if strings.Contains(body, "hunter2") {
			t.Errorf("published: %s", body)
		}
	}
	if last := s.log[len(s.log)-1].Data; last.Percent == nil || *last.Percent != 40 || last.Error != "exit status 1" {
		t.Errorf("last event = %+v", last)
	}
}
