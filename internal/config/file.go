package config

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFileBytes bounds the configuration file: a few dozen keys fit in a
// fraction of it, and a path that names something else fails early.
const maxFileBytes = 1 << 20

// File is a configuration file that has been read and checked. It fulfils
// [kong.Resolver]: a flag takes its value from the file unless the command line
// or the environment sets it. The zero File sets nothing.
type File struct {
	name   string
	values map[string]any    // by key: string or bool
	lines  map[string]int    // by key
	taken  map[string]string // flags that have their value from here, and its key
}

// ReadFile reads the YAML file at path for a command with the active flags.
// Keys for flags that only other commands have (known holds the flags of all)
// are passed over, so that one file can serve the server and its clients.
// Problems holds everything that is wrong, each with file, line and key; the
// File returned beside them holds the keys that are right.
func ReadFile(path string, active, known []*kong.Flag) (file File, problems []error) {
	f, err := os.Open(path) // #nosec G304 -- the user names the file
	if err != nil {
		return File{}, []error{fmt.Errorf("--config: %w", err)}
	}
	defer f.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return File{}, []error{fmt.Errorf("--config: %w", err)}
	}
	if len(text) > maxFileBytes {
		return File{}, []error{fmt.Errorf("--config: %s is larger than %s", path, Size(maxFileBytes))}
	}
	return parseFile(path, text, active, known)
}

// parseFile is ReadFile for text that has been read; name is for messages.
func parseFile(name string, text []byte, active, known []*kong.Flag) (file File, problems []error) {
	doc, err := parser.ParseBytes(text, 0)
	if err != nil {
		return File{}, []error{syntaxError(name, text, err)}
	}
	file = File{name: name, values: map[string]any{}, lines: map[string]int{}, taken: map[string]string{}}
	activeByKey, knownByKey := flagsByKey(active), flagsByKey(known)
	seen := map[string]int{}
	for node, err := range entries(doc) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%w", name, err))
			continue
		}
		line, key := node.Key.GetToken().Position.Line, node.Key.GetToken().Value
		file.lines[key] = line
		if err := file.set(key, node.Value, activeByKey, knownByKey); err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: key %q: %w", name, line, key, err))
		}
		if first, again := seen[key]; again {
			problems = append(problems, fmt.Errorf("%s:%d: key %q: already set in line %d", name, line, key, first))
		} else {
			seen[key] = line
		}
	}
	return file, problems
}

// set stores one key of the file after checking that the flag accepts it.
func (f File) set(key string, node ast.Node, active, known map[string]*kong.Flag) error {
	flag, ok := active[key]
	if !ok {
		if _, ok := known[key]; ok {
			return nil
		}
		return fmt.Errorf("unknown%s", suggest(key, known))
	}
	value, err := convert(node, flag)
	if err != nil {
		return err
	}
	if err := tryDecode(flag, value); err != nil {
		return err
	}
	f.values[key] = value
	return nil
}

// entries yields the top-level keys of a file, or an error "<line>: …" in place
// of what is not one.
func entries(doc *ast.File) iter.Seq2[*ast.MappingValueNode, error] {
	return func(yield func(*ast.MappingValueNode, error) bool) {
		for i, d := range doc.Docs {
			if d.Body == nil {
				continue
			}
			mapping, ok := d.Body.(ast.MapNode)
			if _, comment := d.Body.(*ast.CommentGroupNode); comment {
				continue
			}
			line := d.Body.GetToken().Position.Line
			if i > 0 {
				yield(nil, fmt.Errorf("%d: only one YAML document is read", line))
				return
			}
			if !ok {
				yield(nil, fmt.Errorf("%d: expected lines of \"key: value\"", line))
				return
			}
			for it := mapping.MapRange(); it.Next(); {
				if !yield(it.KeyValue(), nil) {
					return
				}
			}
		}
	}
}

// syntaxError keeps the line of a YAML error and drops the excerpt around it.
func syntaxError(name string, text []byte, err error) error {
	if e, ok := errors.AsType[yaml.Error](err); ok && e.GetToken() != nil {
		line, text := explainSyntax(text, e.GetToken().Position.Line, e.GetMessage())
		return fmt.Errorf("%s:%d: %s", name, line, text)
	}
	return fmt.Errorf("%s: %w", name, err)
}

func flagsByKey(flags []*kong.Flag) map[string]*kong.Flag {
	byKey := map[string]*kong.Flag{}
	for _, flag := range flags {
		for _, key := range keys(flag) {
			byKey[key] = flag
		}
	}
	return byKey
}

// Validate fulfils [kong.Resolver]; ReadFile has checked everything.
func (File) Validate(*kong.Application) error { return nil }

// Resolve fulfils [kong.Resolver]. Kong asks for flags that the command line
// does not set; the environment goes before the file here.
func (f File) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if _, _, ok := envOf(flag); ok {
		return nil, nil
	}
	for _, key := range keys(flag) {
		if value, ok := f.values[key]; ok {
			f.taken[flag.Name] = key
			return value, nil
		}
	}
	return nil, nil
}

// Locate puts the place in the file before a [FlagError] about a value that was
// taken from there. Other errors it returns as they are.
func (f File) Locate(err error) error {
	flag, ok := errors.AsType[*FlagError](err)
	if !ok {
		return err
	}
	key, ok := f.taken[flag.Flag]
	if !ok {
		return err
	}
	return fmt.Errorf("%s:%d: key %q: %w", f.name, f.lines[key], key, flag.Err)
}

var _ kong.Resolver = File{}
