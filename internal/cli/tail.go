package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"hubline/internal/cli/subscribe"
)

// tailTokenTTL is how long the tokens last that tail signs for itself. Each
// connection brings a new one.
const tailTokenTTL = time.Hour

// tailCommand is `hubline tail`.
type tailCommand struct {
	User      string   `placeholder:"USER" help:"Whose events to follow."`
	Device    string   `placeholder:"DEVICE" help:"As which device of the user."`
	Since     string   `default:"latest" placeholder:"CURSOR" help:"Where to begin: a cursor, a seq, 0 for all that is kept, latest, or device for what the device has not seen (${default})."`
	Transport string   `default:"ws" enum:"ws,sse,poll" placeholder:"TRANSPORT" help:"ws, sse or poll (${default})."`
	Types     []string `placeholder:"TYPE" help:"Only events of these types."`
	JSON      bool     `help:"Print each event as one line of JSON, also on a terminal."`
	Token     string   `placeholder:"TOKEN" help:"Client token to use instead of signing one; --user then has no meaning."`

	serverFlags
	DataDir string `aliases:"data" env:"HUBLINE_DATA_DIR,HUBLINE_DATA" default:"./hubline-data" placeholder:"DIR" help:"Data directory of the server, to sign tokens with (${default})."`
	secretFlags
}

// Help fulfils kong.HelpProvider.
func (tailCommand) Help() string {
	return `It reconnects by itself and goes on where it was. Events are printed for people on a terminal, and as JSON, one a line, everywhere else. What can no longer be replayed is announced on standard error.

` + envNote
}

// Run follows the events until SIGINT or SIGTERM.
func (c tailCommand) Run(ctx context.Context, env environment) error {
	token, err := c.tokens()
	if err != nil {
		return err
	}
	write := writeLine
	if c.JSON || !isTerminal(env.stdout) {
		write = writeJSON
	}
	var line bytes.Buffer
	err = subscribe.Run(ctx, subscribe.Config{
		Server: c.base(), Transport: subscribe.Transport(c.Transport), Since: c.Since, Types: c.Types, Token: token,
	}, subscribe.Handler{
		Event: func(event subscribe.Event) error {
			line.Reset()
			if err := write(&line, event); err != nil {
				return err
			}
			_, err := env.stdout.Write(line.Bytes())
			return err
		},
		Connected: c.greet(env),
		Gap:       func(gap subscribe.Gap) { env.tell("%s\n", gapText(gap)) },
		Disconnected: func(reason error, pause time.Duration) {
			env.tell("disconnected: %v; trying again in %v\n", explainConnect(c.base(), reason), pause.Round(10*time.Millisecond))
		},
	})
	if ctx.Err() != nil {
		return nil
	}
	return c.explain(err)
}

// greet returns what is said to a person at a terminal when a connection stands;
// nil anywhere else.
func (c tailCommand) greet(env environment) func() {
	if !isTerminal(env.stderr) {
		return nil
	}
	words := "connected, waiting for events"
	return func() {
		env.tell("%s\n", words)
		words = "connected again"
	}
}

// tokens returns where the tokens come from.
func (c tailCommand) tokens() (func(context.Context) (string, error), error) {
	if c.Token != "" {
		return func(context.Context) (string, error) { return c.Token, nil }, nil
	}
	if c.User == "" {
		return nil, usageError("whose events? Give --user, or a client's --token")
	}
	sign := tokenCommand{User: c.User, Device: c.Device, TTL: tailTokenTTL, DataDir: c.DataDir, secretFlags: c.secretFlags}
	if _, err := sign.sign(); err != nil { // before the first connection
		return nil, err
	}
	return func(context.Context) (string, error) { return sign.sign() }, nil
}

// explain says what to do about a refused token.
func (c tailCommand) explain(err error) error {
	status, ok := errors.AsType[*subscribe.StatusError](err)
	if ok && status.Code == http.StatusNotFound {
		return fmt.Errorf("%w; check --server, and its base path", err)
	}
	if !ok || status.Code != http.StatusUnauthorized {
		return err
	}
	if c.Token != "" {
		return fmt.Errorf("%w; get a new --token", err)
	}
	if status.Problem == "token-revoked" {
		return fmt.Errorf("%w; start again to sign a new one", err)
	}
	return fmt.Errorf("%w; it does not know the secret in %s: give the server's --data-dir or --jwt-secret-file, or a --token", err, c.DataDir)
}

// gapText announces a gap. After a change of epoch nobody may know how many
// events were missed.
func gapText(gap subscribe.Gap) string {
	which := "events"
	switch {
	case gap.From == gap.To && gap.To > 0:
		which = fmt.Sprintf("event %d", gap.To)
	case gap.From < gap.To:
		which = fmt.Sprintf("events %d to %d", gap.From, gap.To)
	}
	return fmt.Sprintf("gap: %s can no longer be replayed (%s); fetch the state anew", which, printable(gap.Reason))
}

// writeJSON writes an event as one line of JSON. Line ends inside are removed;
// nothing else changes.
func writeJSON(b *bytes.Buffer, event subscribe.Event) error {
	if err := json.Compact(b, event.Raw); err != nil {
		return fmt.Errorf("event %s: %w", event.Cursor, err)
	}
	return b.WriteByte('\n')
}

// writeLine writes an event for people: time, cursor, type, data.
func writeLine(b *bytes.Buffer, event subscribe.Event) error {
	b.WriteString(event.Time.Local().Format("15:04:05.000"))
	for _, field := range []string{event.Cursor, event.Type} {
		b.WriteString("  " + visible(field))
	}
	if event.Channel != "" {
		b.WriteString("  #" + visible(event.Channel))
	}
	if event.Replayed {
		b.WriteString("  (again)")
	}
	if len(event.Data) > 0 {
		var data bytes.Buffer
		if err := json.Compact(&data, event.Data); err != nil {
			return fmt.Errorf("event %s: %w", event.Cursor, err)
		}
		b.WriteString("  " + visible(data.String()))
	}
	return b.WriteByte('\n')
}

// visible writes characters that could steer a terminal as JSON escapes.
func visible(text string) string {
	if !strings.ContainsFunc(text, unprintable) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unprintable(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unprintable finds control characters and those that reorder text.
func unprintable(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
