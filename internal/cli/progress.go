package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"hubline/internal/cli/progress"
)

// progressCommand is `hubline progress`.
type progressCommand struct {
	User      string `placeholder:"USER" help:"Whom to tell."`
	Operation string `default:"backup-export" placeholder:"NAME" help:"What the command does, such as export or backup-restore (${default})."`
	FileName  string `placeholder:"NAME" help:"What it is done to; runs are told apart by it (the command's name)."`
	Source    string `placeholder:"NAME" help:"Where it is done, such as a host."`
	Title     string `placeholder:"TEXT" help:"Title as long as the command runs (Running)."`
	Step      string `placeholder:"NAME" help:"Step as long as the command runs (export_running)."`
	Type      string `default:"backup.progress" placeholder:"TYPE" help:"Type of the events; clients of the Bitwarden family need a number, such as 13 (${default})."`
	Device    string `placeholder:"DEVICE" help:"Only for this device of the user."`

	Watch    string        `default:"both" enum:"both,stdout,stderr" placeholder:"STREAM" help:"Output to read: both, stdout or stderr; the other is handed to the command as it is (${default})."`
	NoDetail bool          `help:"Publish figures only, nothing else of what the command prints."`
	Every    time.Duration `default:"500ms" placeholder:"DURATION" help:"Least time between two events (${default})."`
	Linger   time.Duration `default:"30s" placeholder:"DURATION" help:"How long to go on trying to publish the end after it (${default})."`
	JSON     bool          `help:"Say on standard error, as one line of JSON, what was published."`

	serverFlags
	APIKey  string `name:"api-key" placeholder:"KEY" help:"API key with the scope publish (the one in the data directory)."`
	DataDir string `env:"HUBLINE_DATA_DIR,HUBLINE_DATA" default:"./hubline-data" placeholder:"DIR" help:"Data directory of the server (${default})."`

	Command []string `arg:"" optional:"" passthrough:"partial" help:"The command, with its arguments."`
}

// Help fulfils kong.HelpProvider.
func (progressCommand) Help() string {
	return `Runs a command and publishes its progress as backup events, as it is read from the output of restic --json, pv -n, rclone --use-json-log, or from percentages and lines:

    hubline progress --user alice --operation export -- restic backup --json /home

Its output and its exit status are the command's (127: there is none of the name, 128+n: ended by signal n). If the server is away the command runs all the same, and what could not be published is said at its end.

` + envNote
}

// Run runs the command.
func (c progressCommand) Run(env environment) error {
	if err := c.check(); err != nil {
		return err
	}
	end, report := progress.Run(progress.Config{
		Args: c.args(), Stdin: env.stdin, Stdout: env.stdout, Stderr: env.stderr, Streams: progress.Streams(c.Watch),
		Labels: progress.Labels{
			User: c.User, Device: c.Device, Type: c.Type, Operation: c.Operation, FileName: c.FileName, Source: c.Source,
			Step: c.Step, Title: c.Title, NoDetail: c.NoDetail,
		},
		Every: c.Every, Linger: c.Linger, Send: c.send(newClient(c.base(), "")),
	})
	if !end.Ran() {
		env.tell("hubline: %s\n", printable(end.Reason))
	}
	c.conclude(env, end, report)
	if end.Status != exitOK {
		return exitRequest(end.Status)
	}
	return nil
}

// args is the command without the dashes before it.
func (c progressCommand) args() []string {
	if len(c.Command) > 0 && c.Command[0] == "--" {
		return c.Command[1:]
	}
	return c.Command
}

// check reports flags that do not go together.
func (c progressCommand) check() error {
	switch {
	case c.User == "":
		return usageError("whom? Give --user")
	case len(c.args()) == 0 || c.args()[0] == "":
		return usageError("which command? Give it behind two dashes: hubline progress --user " + printable(c.User) + " -- restic backup --json /home")
	case c.Every <= 0:
		return usageError("--every must be more than 0")
	case c.Linger < 0:
		return usageError("--linger must not be less than 0")
	}
	return nil
}

// send publishes events. The key is read each time: a server that is away may
// make its data directory while the command runs.
func (c progressCommand) send(client *client) progress.Send {
	path := "/api/v1/users/" + url.PathEscape(c.User) + "/events"
	return func(ctx context.Context, body []byte) (duplicate bool, err error) {
		key, err := apiKey(c.APIKey, c.DataDir)
		if err != nil {
			return false, &progress.Refused{Err: err, RetryAfter: -1}
		}
		asks := *client
		asks.key = key
		answer, err := asks.post(ctx, path, "application/json", body, nil)
		if problem, ok := errors.AsType[*apiError](err); ok {
			return false, &progress.Refused{Err: c.explain(problem), Status: problem.Status, RetryAfter: problem.retryAfter}
		}
		if err != nil {
			return false, err
		}
		var r receipt
		if json.Unmarshal(answer, &r) != nil || r.ID == "" {
			return false, &progress.Refused{
				Err: errors.New("the answer is not that of the backend API; is --server right?"), Status: http.StatusNotFound, RetryAfter: -1,
			}
		}
		return r.Duplicate, nil
	}
}

// explain says what to do about a refusal.
func (c progressCommand) explain(err error) error {
	return publishCommand{APIKey: c.APIKey, DataDir: c.DataDir}.explain(err)
}

// conclude says what became of the events: with --json always, else if something
// could not be published. The exit status stays the command's.
func (c progressCommand) conclude(env environment, end progress.Outcome, report progress.Report) {
	problem := report.Problem()
	if !c.JSON {
		if problem != nil {
			env.complain(fmt.Errorf("progress: %w", problem))
		}
		return
	}
	result := struct {
		ExitStatus  int    `json:"exitStatus"`
		Published   int    `json:"published"`
		Duplicates  int    `json:"duplicates"`
		Undelivered int    `json:"undelivered"`
		Error       string `json:"error,omitempty"`
	}{end.Status, report.Published, report.Duplicates, report.Lost(), ""}
	if problem != nil {
		result.Error = problem.Error()
	}
	text, err := json.Marshal(result)
	if err != nil {
		return // a plain struct always marshals
	}
	env.tell("%s\n", text)
}
