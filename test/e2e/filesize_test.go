package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"hubline/test/internal/harness"
)

// The process may have no files beyond a size, far below that of a segment: a publish
// that meets the limit is answered as on a full disk, and those behind it are taken.
func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	prlimit, err := exec.LookPath("prlimit")
	if err != nil {
		t.Skip("limits of a process cannot be set here: there is no prlimit")
	}
	s := harness.Start(t)
	const limit = 1 << 20
	out, err := exec.Command(prlimit, "--pid", fmt.Sprint(s.Pid()), fmt.Sprint("--fsize=", limit)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	body := `{"type":"t","data":"` + strings.Repeat("x", 50_000) + `"}`
	taken, refused := 0, 0
	for range 60 { // 3 MB
		switch a := s.Do(http.MethodPost, "/api/v1/users/alice/events", s.APIKey, body); {
		case a.Status == http.StatusInsufficientStorage && strings.Contains(string(a.Body), "disk-full"):
			refused++
		case a.Status < 300:
			taken++
		default:
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	if refused < 2 || refused > 6 || len(segments(t, s)) < 3 {
		t.Errorf("%d taken, %d refused, files %v", taken, refused, segments(t, s))
	}
	s.Kill()
	s.Restart()
	if r := s.Publish("alice", "t", "1"); r.Seq != uint64(taken+1) { //nolint:gosec // a count
		t.Errorf("%d were taken, and the next is %d", taken, r.Seq)
	}
}
