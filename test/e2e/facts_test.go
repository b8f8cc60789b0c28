package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hubline/test/internal/harness"
)

// What holds beside the events, who is in a channel and which tokens are revoked,
// outlives the records that said it, and then the table too.
func TestMembersAndRevocationsOutliveTheirRecords(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--log-disk-bytes", "16MiB")
	s.Do(http.MethodPut, "/api/v1/channels/news/members/carol", s.APIKey, "")
	token := s.Token("mallory")
	if a := s.Do(http.MethodPost, "/api/v1/tokens:revoke", s.APIKey, `{"user":"mallory"}`); a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	first := segments(t, s)[0]
	fill := strings.Repeat("x", 64<<10)
	for gone := false; !gone; { // 16 MiB and some
		s.PublishSized("bob", "t", 60, fill)
		await(t, s, 0.5)
		gone = segments(t, s)[0] != first && diskBytes(t, s) <= 16<<20
	}
	for _, lose := range []bool{false, true} {
		s.Kill()
		if lose {
			if err := os.Remove(filepath.Join(s.Data, "log", "state.db")); err != nil {
				t.Fatal(err)
			}
		}
		s.Restart()
		if a := s.Do(http.MethodGet, "/api/v1/channels/news/members", s.APIKey, ""); !strings.Contains(string(a.Body), "carol") {
			t.Errorf("members: %s", a.Body)
		}
		if a := s.Do(http.MethodGet, "/events?wait=0", token, ""); a.Status != http.StatusUnauthorized {
			t.Errorf("a revoked token is answered %d %s", a.Status, a.Body)
		}
	}
}
