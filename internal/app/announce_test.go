package app

import (
	"cmp"
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

// Whatever the configuration, the commands work or it is said what is missing.
func TestAnnounceFitsTheConfiguration(t *testing.T) {
	for name, tt := range map[string]struct {
		change      func(*config.Config)
		base        string
		want, wrong []string
	}{
		"in memory": {
			change: func(c *config.Config) { c.Data = "" },
			want:   []string{"in memory", "Bearer $TOKEN", "Bearer $KEY", "TOKEN=$(bin/hubline token --jwt-secret-file FILE --user alice)", "--api-key-file FILE", "sha256sum"},
			wrong:  []string{"api-key)"},
		},
		"in memory, with a secret and keys": {
			change: func(c *config.Config) { c.Data, c.JWTSecretFile, c.APIKeyFile = "", "s", "k" },
			want:   []string{"$(bin/hubline token --jwt-secret-file s --user alice)", "Bearer $KEY", "whose hashes stand in k"},
			wrong:  []string{"$TOKEN"},
		},
		"secret of its own": {
			change: func(c *config.Config) { c.JWTSecretFile, c.JWTIssuer, c.JWTAudience = "a secret", "me", "you" },
			want:   []string{"token --jwt-secret-file 'a secret' --jwt-issuer me --jwt-audience you --user alice"},
		},
		"issuer's keys": {
			change: func(c *config.Config) { c.JWKSURL = "https://issuer.example/keys" },
			want:   []string{"Bearer $TOKEN", "your issuer", "$(cat hubline-data/api-key)"},
			wrong:  []string{"hubline token"},
		},
		"every address": {
			base: "http://[::]:8080/base",
			want: []string{"Hubline is at http://127.0.0.1:8080/base/ and at this machine's other addresses\n", "'http://127.0.0.1:8080/base/events'"},
		},
		"IPv6": {
			base: "https://[::1]:8443",
			want: []string{"Hubline is at https://[::1]:8443/\n", "'https://[::1]:8443/events'"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config.Default()
			if tt.change != nil {
				tt.change(&cfg)
			}
			var b strings.Builder
			announce(&b, cfg, "bin/hubline", cmp.Or(tt.base, "http://127.0.0.1:8080"))
			for _, want := range tt.want {
				if !strings.Contains(b.String(), want) {
					t.Errorf("announcement lacks %q:\n%s", want, b.String())
				}
			}
			for _, wrong := range tt.wrong {
				if strings.Contains(b.String(), wrong) {
					t.Errorf("announcement has %q:\n%s", wrong, b.String())
				}
			}
		})
	}
}
