package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// replayCommand is `hubline replay`.
type replayCommand struct {
	User   string   `placeholder:"USER" help:"Whose events to deliver again."`
	Since  string   `placeholder:"CURSOR" help:"Begin after this cursor or seq; 0: with all that is kept."`
	Until  string   `placeholder:"CURSOR" help:"End with this cursor or seq (the newest event)."`
	Types  []string `placeholder:"TYPE" help:"Only events of these types."`
	Device string   `placeholder:"DEVICE" help:"Only to this device of the user."`
	DryRun bool     `help:"Only show what would be sent."`
	JSON   bool     `help:"Print the server's answer as one line of JSON."`

	serverFlags
	APIKey  string `name:"api-key" placeholder:"KEY" help:"API key with the scope admin (the one in the data directory)."`
	DataDir string `env:"HUBLINE_DATA_DIR,HUBLINE_DATA" default:"./hubline-data" placeholder:"DIR" help:"Data directory of the server (${default})."`
}

// Help fulfils kong.HelpProvider.
func (replayCommand) Help() string {
	return `Delivers events of a user's log once more to the user's connections, with the id and seq that they have, and marked as replayed. Nobody's cursor moves. Look first:

    hubline replay --user alice --since 0 --types order.paid --dry-run

Clients that are not connected get nothing: they resume by themselves. The server notes each replay in its log.

` + envNote
}

// Run asks for the replay.
func (c replayCommand) Run(ctx context.Context, env environment) error {
	switch {
	case c.User == "":
		return usageError("whose events? Give --user")
	case c.Since == "":
		return usageError("from where on? Give --since, a cursor such as k7q2-57 or a seq; 0 for all that is kept")
	}
	key, err := apiKey(c.APIKey, c.DataDir)
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	path := "/api/v1/users/" + url.PathEscape(c.User) + "/replays"
	answer, err := newClient(c.base(), key).post(ctx, path, "application/json", body, nil)
	if err != nil {
		return publishCommand{APIKey: c.APIKey, DataDir: c.DataDir}.explain(fmt.Errorf("replay: %w", err))
	}
	if c.JSON {
		return say(env.stdout, "%s\n", strings.TrimSpace(string(answer)))
	}
	var r replayAnswer
	if err := json.Unmarshal(answer, &r); err != nil || r.Epoch == "" {
		return fmt.Errorf("replay: the answer is not that of the backend API; is --server right?")
	}
	return say(env.stdout, "%s", r.text(c.User))
}

// body writes the request. A flag that was not given is left out: the server takes an
// empty one for a mistake.
func (c replayCommand) body() ([]byte, error) {
	return json.Marshal(struct {
		Since  string   `json:"since"`
		Until  string   `json:"until,omitempty"`
		Types  []string `json:"types,omitempty"`
		Device string   `json:"device,omitempty"`
		DryRun bool     `json:"dryRun,omitempty"`
	}{c.Since, c.Until, c.Types, c.Device, c.DryRun})
}
