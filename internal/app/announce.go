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
	say(w, "Hubline is at %s/\n", base)
	if cfg.Data == "" {
		say(w, "It keeps everything in memory: secrets and events are gone when it stops.\n\n")
		return
	}
	data := ""
	if cfg.Data != "./hubline-data" {
		data = " --data-dir " + quote(cfg.Data)
	}
	say(w, `
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

// say writes what a person may read; if that fails there is nobody to read it.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
