// Package cli is the hubline command: it reads the command line, the
// environment and the configuration file, and runs one command.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"hubline/internal/config"
)

// ServeFunc runs the server until ctx ends and its ordered stop is done. It
// writes what a person should see (the page's address, commands to copy) to
// stdout, and everything else to logger.
type ServeFunc func(ctx context.Context, cfg config.Config, logger *slog.Logger, stdout io.Writer) error

// Exit statuses of the command.
const (
	exitOK    = 0
	exitError = 1 // the command ran and did not succeed
	exitUsage = 2 // flags, environment or file are wrong
)

// grammar is the command line.
type grammar struct {
	Config string `placeholder:"FILE" help:"YAML file with values for any of the flags, by their names without the dashes."`

	Serve    serveCommand    `cmd:"" help:"Run the server."`
	Publish  publishCommand  `cmd:"" help:"Publish an event, or a stream of them from standard input."`
	Progress progressCommand `cmd:"" help:"Run a command, such as a backup, and publish its progress."`
	Tail     tailCommand     `cmd:"" help:"Follow a user's events."`
	Replay   replayCommand   `cmd:"" help:"Deliver events of a user's log again."`
	Token    tokenCommand    `cmd:"" help:"Print a client token for development."`
	Check    checkCommand    `cmd:"" help:"Check the configuration without starting the server."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

// environment is what commands have besides their flags. It is passed to
// their Run methods.
type environment struct {
	stdin          io.Reader
	stdout, stderr *os.File
	serve          ServeFunc
	// sources are the file and the variables that values were looked for in.
	sources []string
}

// Main runs the command line of this process and returns its exit status.
func Main(serve ServeFunc) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks to stop; from then on a second one ends the process.
	context.AfterFunc(ctx, stop)
	env := environment{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, serve: serve}
	return run(ctx, env, os.Args[1:])
}

func run(ctx context.Context, env environment, args []string) int {
	command, err := parse(ctx, env, args)
	if exit, ok := errors.AsType[exitRequest](err); ok {
		return int(exit)
	}
	if err != nil {
		env.complain(err)
		return exitUsage
	}
	err = command.Run()
	if err == nil {
		return exitOK
	}
	if exit, ok := errors.AsType[exitRequest](err); ok { // the status of a command of the user's
		return int(exit)
	}
	env.complain(err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitError
}

// usageError is a command that could not be tried: its flags do not go together.
type usageError string

func (e usageError) Error() string { return string(e) }

// tell writes a note to standard error. If that fails there is nobody to tell.
func (e environment) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(e.stderr, format, args...)
}

// complain writes an error, each of several on its own line.
func (e environment) complain(err error) {
	for _, problem := range config.Problems(err) {
		e.tell("hubline: %v\n", problem)
	}
}

// exitRequest is how --help ends the parsing, and how the status of another
// command becomes ours. What there is to say has been said.
type exitRequest int

func (e exitRequest) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// parse reads all sources of values. Its error holds every problem of the
// environment, the file and the values themselves.
func parse(ctx context.Context, env environment, args []string) (_ *kong.Context, err error) {
	args = spelled(args)
	// --help asks to exit while kong is in the middle of parsing.
	defer func() {
		if r := recover(); r != nil {
			exit, ok := r.(exitRequest)
			if !ok {
				panic(r)
			}
			err = exit
		}
	}()
	file, sources, problems, err := readSources(env, args)
	if err != nil {
		return nil, err
	}
	env.sources = sources
	parser, err := newParser(env, &grammar{}, kong.Resolvers(file), kong.Bind(env), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return nil, err
	}
	command, err := parser.Parse(args)
	for _, problem := range valueProblems(err) {
		problems = append(problems, file.Locate(problem))
	}
	return command, errors.Join(problems...)
}

// spelled turns what people try first into what is meant.
func spelled(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	}
	return args
}

// readSources looks at the command line only far enough to know the command
// and the file, and reports everything that is wrong with environment and
// file. It returns an error if that itself is not possible to say.
func readSources(env environment, args []string) (file config.File, sources []string, problems []error, err error) {
	parser, err := newParser(env, &grammar{})
	if err != nil {
		return config.File{}, nil, nil, err
	}
	trace, err := kong.Trace(parser, args)
	if err != nil || trace.Error != nil || trace.Selected() == nil {
		return config.File{}, nil, nil, nil //nolint:nilerr // the real parsing says it better
	}
	var active, known []*kong.Flag
	for _, node := range parser.Model.Children {
		known = append(known, node.Flags...)
	}
	active = append(active, parser.Model.Flags...)
	active = append(active, trace.Selected().Flags...)

	if path := configPath(trace, parser.Model.Flags); path != "" {
		sources = append(sources, path)
		file, problems = config.ReadFile(path, trace.Selected().Flags, known)
	}
	sources = append(sources, config.EnvNames(active)...)
	names, wrong := config.CheckEnv(active)
	for _, name := range names {
		// Reported now; without them the rest can be read and be reported too.
		if err := os.Unsetenv(name); err != nil {
			return config.File{}, nil, nil, err
		}
	}
	return file, sources, append(problems, wrong...), nil
}

// configPath returns the value of --config, or of its environment variable.
func configPath(trace *kong.Context, flags []*kong.Flag) string {
	for _, flag := range flags {
		if flag.Name != "config" {
			continue
		}
		if path, ok := trace.FlagValue(flag).(string); ok && path != "" {
			return path
		}
		return os.Getenv(flag.Envs[0])
	}
	return ""
}

// valueProblems takes apart an error of kong: the part before the values' own
// problems names the command, which whoever typed it knows.
func valueProblems(err error) []error {
	if err == nil {
		return nil
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		if problems := config.Problems(inner); len(problems) > 1 || problems[0] != inner { //nolint:errorlint // identity: is it a list?
			return problems
		}
	}
	return []error{err}
}

func newParser(env environment, target *grammar, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(target, slices.Concat(config.Mappers(), []kong.Option{
		kong.Name("hubline"),
		kong.Description("Hubline sends events to users' devices over WebSocket, Server-Sent Events, long polling and SignalR, and replays what they missed."),
		kong.DefaultEnvars(config.EnvPrefix),
		kong.ExplicitGroups(config.Groups()),
		kong.Writers(env.stdout, env.stderr),
		kong.Exit(func(code int) { panic(exitRequest(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.ValueFormatter(helpText),
	}, options)...)
}

// envNote stands once in the help instead of a variable behind every flag.
const envNote = "Every flag can also be set by an environment variable (--log-events: HUBLINE_LOG_EVENTS) or a key of the --config file (log-events). The flag goes before the environment, that before the file."

// helpText is the help of a flag without its environment variable.
func helpText(value *kong.Value) string { return strings.TrimSpace(value.Help) }
