package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hubline/test/internal/harness"
)

// curlBlock is the session of the README that is run word for word.
var curlBlock = regexp.MustCompile("(?s)<!-- test:curl -->\\s*```[a-z]*\n(.*?)```")

// The README's session does what the comments in it say: it runs as a newcomer would
// type it, with the program and the data directory where `make run` has them.
func TestTheCurlSessionOfTheREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(harness.Root(), "README.md"))
	if os.IsNotExist(err) {
		t.Skip("README.md is not written yet")
	}
	if err != nil {
		t.Fatal(err)
	}
	block := curlBlock.FindSubmatch(readme)
	if block == nil {
		t.Fatal("README.md has no block marked <!-- test:curl -->")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is not installed; apt-get install curl")
	}
	const address = "http://127.0.0.1:8080"
	script := string(block[1])
	if !strings.Contains(script, address) {
		t.Fatalf("the session does not talk to %s", address)
	}
	dir := t.TempDir()
	s := harness.StartIn(t, filepath.Join(dir, "hubline-data"))
	// The only change: the port is one that is free here.
	script = strings.ReplaceAll(script, address, s.URL)
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(harness.Binary(t), filepath.Join(dir, "bin", "hubline")); err != nil {
		t.Fatal(err)
	}
	r := harness.Shell(t, dir, script)
	log, err := os.ReadFile(filepath.Join(dir, "alice.log"))
	if err != nil {
		t.Fatal(err)
	}
	// Curl ends a stream that goes on with status 28, which may be the script's too.
	if r.Status != 0 && r.Status != 28 {
		t.Errorf("exit status = %d", r.Status)
	}
	// Subscribed, and received what was published before the cut only.
	for pattern, want := range map[string]int{`event: hubline\.ready`: 1, `"data":"one"`: 1, `"data":"two"`: 0, `"data":"three"`: 0} {
		if got := len(regexp.MustCompile(pattern).FindAllString(string(log), -1)); got != want {
			t.Errorf("alice.log has %d of %s, want %d:\n%s", got, pattern, want, log)
		}
	}
	out := r.Stdout
	steps := []struct{ name, pattern string }{
		{"first receipt", `"seq":1,[^\n]*"delivered":1`},
		{"second receipt", `"seq":2,[^\n]*"delivered":0`},
		{"third receipt", `"seq":3,[^\n]*"delivered":0`},
		{"resumed", `"recovered":true`},
		{"two on SSE", `data: \{[^\n]*"seq":2,[^\n]*"data":"two"`},
		{"three on SSE", `data: \{[^\n]*"seq":3,[^\n]*"data":"three"`},
		{"both on the poll", `\{"events":\[\{[^\n]*"data":"two"[^\n]*"data":"three"[^\n]*"gap":null\}`},
		{"not recovered", `"recovered":false`},
		{"the gap", `event: hubline\.gap\ndata: [^\n]*"reason":"epoch"`},
		{"what there is", `data: \{[^\n]*"seq":1,[^\n]*"data":"one"`},
	}
	for _, step := range steps {
		at := regexp.MustCompile(step.pattern).FindStringIndex(out)
		if at == nil {
			t.Fatalf("%s: nothing like %q follows in\n%s\nwhole output:\n%s%s", step.name, step.pattern, out, r.Stdout, r.Stderr)
		}
		out = out[at[1]:]
	}
}
