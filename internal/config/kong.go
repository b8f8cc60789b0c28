package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// EnvPrefix stands before the name of every flag in the environment.
const EnvPrefix = "HUBLINE"

// Groups returns the headings under which `hubline serve --help` lists the
// flags of a [Config], in the order of its fields.
func Groups() []kong.Group {
	return []kong.Group{
		{Key: "listen", Title: "Listening"},
		{Key: "storage", Title: "Storage"},
		{Key: "identity", Title: "Who may connect and publish"},
		{Key: "logging", Title: "Logging (standard error)"},
		{Key: "publish", Title: "Limits on publishing"},
		{Key: "clients", Title: "Limits on connections"},
		{Key: "channels", Title: "Limits on channels"},
		{Key: "rates", Title: "Limits on rates (COUNT/TIME, such as 100/s or 1000/10s)"},
		{Key: "replay", Title: "Limits on what can be replayed"},
		{Key: "timeouts", Title: "Timeouts"},
	}
}

// Default returns the configuration of a server started without flags,
// environment and file. It panics when a default in a struct tag of Config is
// wrong, which is a broken build.
func Default() Config {
	var cfg Config
	parser, err := kong.New(&cfg, append(Mappers(), kong.NoDefaultHelp(), kong.ExplicitGroups(Groups()))...)
	if err == nil {
		_, err = parser.Parse(nil)
	}
	if err != nil {
		panic(fmt.Sprintf("config: defaults: %v", err))
	}
	return cfg
}

// keys returns the names under which the file may set a flag: its environment
// variables without the prefix, lower case, with hyphens. A flag that cannot be
// set from the environment cannot be set from the file.
func keys(flag *kong.Flag) []string {
	var names []string
	for _, env := range flag.Envs {
		if name, ok := strings.CutPrefix(env, EnvPrefix+"_"); ok {
			names = append(names, strings.ReplaceAll(strings.ToLower(name), "_", "-"))
		}
	}
	return names
}

// envOf returns the first environment variable that sets a flag.
func envOf(flag *kong.Flag) (name, value string, ok bool) {
	for _, name := range flag.Envs {
		if value, ok := os.LookupEnv(name); ok {
			return name, value, true
		}
	}
	return "", "", false
}

// EnvNames returns the environment variables that set one of the flags.
func EnvNames(flags []*kong.Flag) (names []string) {
	for _, flag := range flags {
		if name, _, ok := envOf(flag); ok {
			names = append(names, name)
		}
	}
	return names
}

// CheckEnv reports every environment variable that does not fit its flag, and
// returns their names. Kong itself would stop at the first.
func CheckEnv(flags []*kong.Flag) (names []string, problems []error) {
	for _, flag := range flags {
		name, value, ok := envOf(flag)
		if !ok {
			continue
		}
		if err := tryDecode(flag, value); err != nil {
			names = append(names, name)
			problems = append(problems, fmt.Errorf("environment variable %s: %w", name, err))
		}
	}
	return names, problems
}

// tryDecode decodes value as flag would, into a scratch variable.
func tryDecode(flag *kong.Flag, value any) error {
	target := reflect.New(flag.Target.Type()).Elem()
	scan := kong.Scan().PushTyped(value, kong.FlagValueToken)
	if err := flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, target); err != nil {
		return err
	}
	if flag.Enum == "" || target.Kind() != reflect.String {
		return nil
	}
	if choices := flag.EnumSlice(); !slices.Contains(choices, target.String()) {
		return fmt.Errorf("%q is not one of %s", target.String(), strings.Join(choices, ", "))
	}
	return nil
}
