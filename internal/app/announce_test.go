package app

import (
	"strings"
	"testing"

	"hubline/internal/config"
)

func TestAnnounceShowsThreeCommands(t *testing.T) {
	cfg := config.Default()
	var b strings.Builder
	announce(&b, cfg, "bin/hubline", "http://127.0.0.1:8080")
	for _, want := range []string{
		"Hubline is at http://127.0.0.1:8080/\n",
		"Subscribe:", "Publish:", "Replay:",
		"$(bin/hubline token --user alice)", "hubline-data/api-key", "since=0",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("announcement lacks %q:\n%s", want, b.String())
		}
	}
}

func TestAnnounceNamesAnotherDataDirectoryQuoted(t *testing.T) {
	cfg := config.Default()
	cfg.Data = "/srv/my data/it's"
	var b strings.Builder
	announce(&b, cfg, "bin/hubline", "http://127.0.0.1:8080")
	if want := `--data-dir '/srv/my data/it'\''s'`; !strings.Contains(b.String(), want) {
		t.Errorf("announcement lacks %q:\n%s", want, b.String())
	}
}

func TestAnnounceWithoutDataDirectorySaysSo(t *testing.T) {
	var b strings.Builder
	announce(&b, config.Config{}, "bin/hubline", "http://127.0.0.1:8080")
	if !strings.Contains(b.String(), "in memory") || strings.Contains(b.String(), "curl") {
		t.Errorf("announcement:\n%s", b.String())
	}
}
