package app

import (
	"fmt"
	"io"
	"strings"

	"hubline/internal/config"
)

// announce tells a person where to look and what to try. The commands work
// when copied from another terminal in the same directory; program is how this
// one was called.
func announce(w io.Writer, cfg config.Config, program, base string) {
	text := fmt.Sprintf("Hubline is at %s/\n", base)
	if cfg.Data == "" {
		text += "It keeps everything in memory: secrets and events are gone when it stops.\n\n"
	} else {
		text += commands(cfg, program, base)
	}
	// In one piece, for whoever reads along. If that fails there is nobody.
	_, _ = io.WriteString(w, text)
}

// commands are the three to copy.
func commands(cfg config.Config, program, base string) string {
	data := ""
	if cfg.Data != "./hubline-data" {
		data = " --data-dir " + quote(cfg.Data)
	}
	return fmt.Sprintf(`
Subscribe:  curl -N -H "Authorization: Bearer $(%[4]s token%[2]s --user alice)" %[1]s/events
Publish:    curl -H "Authorization: Bearer $(cat %[3]s/api-key)" %[1]s/api/v1/users/alice/events -d '{"type":"hello","data":{"n":1}}'
Replay:     curl -N -H "Authorization: Bearer $(%[4]s token%[2]s --user alice)" '%[1]s/events?since=0'

`, base, data, quote(cfg.Data), quote(program))
}

// quote makes s safe to copy into a shell.
func quote(s string) string {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '/' && r != '.' && r != '-' && r != '_' {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}
	}
	return s
}
