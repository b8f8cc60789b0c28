package app

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"

	"hubline/internal/config"
)

// announce tells a person where to look and what to try. The commands work
// when copied from another terminal in the same directory; program is how this
// one was called.
func announce(w io.Writer, cfg config.Config, program, base string) {
	base, everywhere := reachable(base)
	text := fmt.Sprintf("Hubline is at %s/", base)
	if everywhere {
		text += " and at this machine's other addresses"
	}
	text += "\n"
	if cfg.Data == "" {
		text += "It keeps everything in memory: events are gone when it stops, and so are the secrets it made.\n"
	}
	// In one piece, for whoever reads along. If that fails there is nobody.
	_, _ = io.WriteString(w, text+commands(cfg, program, base)+"\n")
}

// reachable returns an address that works on this machine in the place of the
// one that stands for all (0.0.0.0, [::]).
func reachable(base string) (_ string, everywhere bool) {
	u, err := url.Parse(base)
	if err != nil {
		return base, false
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsUnspecified() {
		return base, false
	}
	u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	return u.String(), true
}

// commands are the three to copy, with what stands in for a token or a key that
// only somebody else has.
func commands(cfg config.Config, program, base string) string {
	token, key, notes := credentials(cfg, program)
	return fmt.Sprintf(`
Subscribe:  curl -N -H "Authorization: Bearer %s" %s
Publish:    curl -H "Authorization: Bearer %s" %s -d '{"type":"hello","data":{"n":1}}'
Replay:     curl -N -H "Authorization: Bearer %s" %s
%s`, token, quote(base+"/events"), key, quote(base+"/api/v1/users/alice/events"), token, quote(base+"/events?since=0"), notes)
}

// signing returns the command that makes tokens for this server, without the
// user; "" if there is none: another issuer makes them, or the secret is known to
// nobody.
func signing(cfg config.Config, program string) string {
	if len(cfg.JWTPublicKeyFile) > 0 || cfg.JWKSURL != "" || cfg.Data == "" && cfg.JWTSecretFile == "" {
		return ""
	}
	sign := []string{quote(program), "token"}
	if cfg.Data != "" && cfg.Data != "./hubline-data" {
		sign = append(sign, "--data-dir", quote(cfg.Data))
	}
	for _, flag := range []struct{ name, value string }{
		{"jwt-secret-file", cfg.JWTSecretFile}, {"jwt-issuer", cfg.JWTIssuer}, {"jwt-audience", cfg.JWTAudience},
	} {
		if flag.value != "" {
			sign = append(sign, "--"+flag.name, quote(flag.value))
		}
	}
	return strings.Join(sign, " ")
}

// keyFile is where the API key stands; "" if it is known to nobody.
func keyFile(cfg config.Config) string {
	if cfg.Data == "" {
		return ""
	}
	return filepath.Join(cfg.Data, config.APIKeyName)
}

// credentials returns what to write for a token of alice and for an API key, and
// notes on what has to be had first.
func credentials(cfg config.Config, program string) (token, key, notes string) {
	token, key = "$TOKEN", "$KEY"
	switch sign := signing(cfg, program); {
	case sign != "":
		token = "$(" + sign + " --user alice)"
	case len(cfg.JWTPublicKeyFile) > 0 || cfg.JWKSURL != "":
		notes = "\nTOKEN is one that your issuer has made for the user alice.\n"
	default:
		notes = "\nFor tokens, start it with --jwt-secret-file FILE (32 characters or more on one line); then\nTOKEN=$(" +
			quote(program) + " token --jwt-secret-file FILE --user alice)\n"
	}
	if file := keyFile(cfg); file != "" {
		key = "$(cat " + quote(file) + ")"
	} else {
		if cfg.APIKeyFile != "" {
			notes += "\nKEY is one of those whose hashes stand in " + quote(cfg.APIKeyFile) + ".\n"
		} else {
			notes += "\nTo publish, start it with --api-key-file FILE that has the hash of a KEY of yours:\n" +
				"echo \"backend publish,read sha256:$(printf %s \"$KEY\" | sha256sum | cut -d' ' -f1)\" > FILE\n"
		}
	}
	return token, key, notes
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
