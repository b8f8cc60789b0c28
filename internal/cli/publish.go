package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// publishCommand is `hubline publish`.
type publishCommand struct {
	User      string `xor:"target" placeholder:"USER" help:"Publish to one user."`
	Channel   string `xor:"target" placeholder:"CHANNEL" help:"Publish to the members of a channel."`
	Broadcast bool   `xor:"target" help:"Publish to every user."`

	Type           string `placeholder:"TYPE" help:"Type of the event, such as backup.progress."`
	Data           string `env:"-" placeholder:"JSON" help:"Data of the event, any JSON (null)."`
	ID             string `name:"id" placeholder:"ID" help:"Id of the event; publishing it again does nothing (a random one)."`
	Device         string `placeholder:"DEVICE" help:"Only for this device of the user."`
	TTLSeconds     int    `name:"ttl-seconds" placeholder:"N" help:"Do not deliver or replay it after this time."`
	IdempotencyKey string `placeholder:"KEY" help:"Publishing again with the same key does nothing."`

	JSON bool `help:"Print the server's answers as JSON, one a line."`

	serverFlags
	APIKey  string `name:"api-key" placeholder:"KEY" help:"API key with the scope publish (the one in the data directory)."`
	DataDir string `env:"HUBLINE_DATA_DIR,HUBLINE_DATA" default:"./hubline-data" placeholder:"DIR" help:"Data directory of the server (${default})."`

	Stdin string `arg:"" optional:"" name:"-" help:"\"-\" reads events from standard input, one JSON object a line."`
}

// Help fulfils kong.HelpProvider.
func (publishCommand) Help() string {
	return `One event:

    hubline publish --user alice --type hello --data '{"n":1}'

Many, as lines of {"type":…,"data":…} to one target, or with the target in each line:

    generate-events | hubline publish --user alice -
    echo '{"user":"alice","event":{"type":"hello"}}' | hubline publish -

A stream is sent in batches as it comes; each event is published once even if a batch has to be sent again.

` + envNote
}

// Run publishes.
func (c publishCommand) Run(ctx context.Context, env environment) error {
	if err := c.check(); err != nil {
		return err
	}
	key, err := apiKey(c.APIKey, c.DataDir)
	if err != nil {
		return err
	}
	client := newClient(c.base(), key)
	if c.Stdin == "-" {
		return c.explain(c.stream(ctx, env, client))
	}
	return c.explain(c.one(ctx, env, client))
}

// explain says what to do about a refused key, or an address without routes.
func (c publishCommand) explain(err error) error {
	problem, ok := errors.AsType[*apiError](err)
	switch {
	case !ok:
		return err
	case problem.Status == http.StatusNotFound:
		return fmt.Errorf("%w; check --server, and its base path", err)
	case problem.Status != http.StatusUnauthorized:
		return err
	case c.APIKey != "":
		return fmt.Errorf("%w; check --api-key", err)
	}
	return fmt.Errorf("%w; it does not know the key in %s: give the server's --data-dir, or an --api-key", err, c.DataDir)
}

// check reports flags that do not go together.
func (c publishCommand) check() error {
	target := c.User != "" || c.Channel != "" || c.Broadcast
	switch {
	case c.Stdin != "" && c.Stdin != "-":
		return usageError(fmt.Sprintf("unexpected argument %q: the event's data goes into --data", c.Stdin))
	case c.Stdin == "-" && (c.Type != "" || c.Data != "" || c.ID != "" || c.Device != "" || c.TTLSeconds != 0 || c.IdempotencyKey != ""):
		return usageError("with -, the events come from standard input: --type, --data, --id, --device, --ttl-seconds and --idempotency-key have no place")
	case c.Stdin == "-":
		return nil
	case !target:
		return usageError("whom? Give --user, --channel or --broadcast, or - to read events from standard input")
	case c.Type == "":
		return usageError("--type is missing: name the kind of event, such as backup.progress; or add - to read events from standard input")
	case c.Data != "" && !json.Valid([]byte(c.Data)):
		return usageError("--data is not JSON: quote it for the shell, such as --data '{\"n\":1}' or --data '\"text\"'")
	case c.TTLSeconds < 0:
		return usageError("--ttl-seconds must be more than 0")
	}
	return nil
}

// path returns the address of the publishing call for the command's target.
func (c publishCommand) path() string {
	switch {
	case c.User != "":
		return "/api/v1/users/" + url.PathEscape(c.User) + "/events"
	case c.Channel != "":
		return "/api/v1/channels/" + url.PathEscape(c.Channel) + "/events"
	default:
		return "/api/v1/broadcasts"
	}
}

// body writes the event. The data go through untouched.
func (c publishCommand) body() []byte {
	b := appendText([]byte(`{"type":`), c.Type)
	for _, field := range []struct{ name, text string }{{"id", c.ID}, {"device", c.Device}} {
		if field.text != "" {
			b = appendText(append(b, `,"`+field.name+`":`...), field.text)
		}
	}
	if c.TTLSeconds > 0 {
		b = strconv.AppendInt(append(b, `,"ttlSeconds":`...), int64(c.TTLSeconds), 10)
	}
	if c.Data != "" {
		b = append(append(b, `,"data":`...), c.Data...)
	}
	return append(b, '}')
}

// appendText appends text as a JSON string.
func appendText(b []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		return append(b, `""`...) // a string always marshals
	}
	return append(b, quoted...)
}

// receipt is the answer to one published event. A broadcast has users instead
// of seq and cursor.
type receipt struct {
	ID         string `json:"id"`
	Cursor     string `json:"cursor"`
	Users      *int   `json:"users"`
	Members    *int   `json:"members"` // of a channel
	Durability string `json:"durability"`
	Delivered  int    `json:"delivered"`
	Duplicate  bool   `json:"duplicate"`
}

// one publishes a single event.
func (c publishCommand) one(ctx context.Context, env environment, client *client) error {
	header := http.Header{}
	if c.IdempotencyKey != "" {
		header.Set("Idempotency-Key", c.IdempotencyKey)
	}
	answer, err := client.post(ctx, c.path(), "application/json", c.body(), header)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if c.JSON {
		return say(env.stdout, "%s\n", strings.TrimSpace(string(answer)))
	}
	var r receipt
	if err := json.Unmarshal(answer, &r); err != nil {
		return fmt.Errorf("decode the answer: %w", err)
	}
	return say(env.stdout, "%s\n", printable(r.text()))
}

// text says in words what became of the event.
func (r receipt) text() string {
	text := "Published " + r.ID
	if r.Duplicate {
		text = "Was published before: " + r.ID
	}
	if r.Cursor != "" {
		text += " at " + r.Cursor
	}
	if r.Members != nil {
		text += " to " + plural(*r.Members, "member")
	}
	if r.Users != nil {
		text += " to " + plural(*r.Users, "user")
	}
	if !r.Duplicate {
		text += ", delivered to " + plural(r.Delivered, "connection")
	}
	return text + "."
}

// plural writes a number of things, with commas between thousands.
func plural(n int, thing string) string {
	text := grouped(n) + " " + thing
	if n != 1 {
		text += "s"
	}
	return text
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
