package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/alecthomas/kong"
)

// FromSettings returns the configuration that flags of `hubline serve`, by their names
// without dashes, make of the defaults. Environment and files are not looked at. It
// reports every setting that is not one or has a wrong value; Validate is the caller's.
func FromSettings(settings map[string]string) (Config, error) {
	cfg := Default()
	parser, err := kong.New(&cfg, append(Mappers(), kong.NoDefaultHelp(), kong.ExplicitGroups(Groups()))...)
	if err != nil {
		return Config{}, fmt.Errorf("settings: %w", err)
	}
	flags := map[string]*kong.Flag{}
	for _, f := range parser.Model.Flags {
		flags[f.Name] = f
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		f, ok := flags[name]
		if !ok {
			problems = append(problems, fmt.Errorf("%q is no flag of hubline serve", name))
			continue
		}
		if err := tryDecode(f, settings[name]); err != nil {
			problems = append(problems, flagError(name, "%w", err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return Config{}, err
	}
	args := make([]string, 0, len(settings))
	for name, value := range settings {
		args = append(args, "--"+name+"="+value)
	}
	if _, err := parser.Parse(args); err != nil {
		return Config{}, fmt.Errorf("settings: %w", err)
	}
	return cfg, nil
}
