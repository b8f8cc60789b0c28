package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml/ast"

	"hubline/internal/ratelimit"
)

// convert turns a YAML value into what the flag's own parser reads, and refuses
// a value of another type instead of guessing.
func convert(node ast.Node, flag *kong.Flag) (any, error) {
	switch v := node.(type) {
	case *ast.StringNode:
		return scalar(flag, v.Value, "text")
	case *ast.LiteralNode:
		return scalar(flag, strings.TrimRight(v.Value.Value, "\n"), "text")
	case *ast.IntegerNode:
		return scalar(flag, v.GetToken().Value, "a number")
	case *ast.FloatNode:
		return scalar(flag, v.GetToken().Value, "a fraction")
	case *ast.BoolNode:
		if !flag.IsBool() {
			return nil, fmt.Errorf("expected %s, got true or false", wants(flag))
		}
		return v.Value, nil
	case *ast.SequenceNode:
		if !flag.IsSlice() {
			return nil, fmt.Errorf("expected %s, got a list", wants(flag))
		}
		list := make([]string, 0, len(v.Values))
		for _, item := range v.Values {
			text, ok := item.(*ast.StringNode)
			if !ok {
				return nil, fmt.Errorf("line %d: expected text in the list", item.GetToken().Position.Line)
			}
			list = append(list, text.Value)
		}
		return joinList(flag, list), nil
	case *ast.NullNode:
		return nil, fmt.Errorf("has no value: write %s, or \"\" for none", wants(flag))
	default:
		return nil, fmt.Errorf("expected %s, got %s", wants(flag), strings.ToLower(node.Type().YAMLName()))
	}
}

// scalar checks that a scalar of the given kind may stand for the flag's type.
func scalar(flag *kong.Flag, text, kind string) (any, error) {
	ok := kind == "text"
	switch {
	case flag.IsBool():
		ok = false
	case flag.IsSlice():
		if ok && text != "" {
			return joinList(flag, []string{text}), nil
		}
	case flag.Target.Type() == reflect.TypeFor[time.Duration]():
	case flag.Target.Type() == reflect.TypeFor[Size](), flag.Target.Type() == reflect.TypeFor[ratelimit.Rate]():
		ok = kind != "a fraction"
	case flag.Target.CanInt(), flag.Target.CanUint():
		ok = kind == "a number"
	}
	if !ok {
		return nil, fmt.Errorf("expected %s, got %s", wants(flag), kind)
	}
	return text, nil
}

// joinList writes a list as it would stand on the command line.
func joinList(flag *kong.Flag, list []string) string {
	return kong.JoinEscaped(list, flag.Tag.Sep)
}

// wants names the type of a flag to somebody who writes YAML.
func wants(flag *kong.Flag) string {
	switch {
	case flag.IsBool():
		return "true or false"
	case flag.IsSlice():
		return "a list of texts"
	case flag.Target.Type() == reflect.TypeFor[time.Duration]():
		return "a duration with a unit such as 30s"
	case flag.Target.Type() == reflect.TypeFor[Size]():
		return "a size such as 64KiB"
	case flag.Target.Type() == reflect.TypeFor[ratelimit.Rate]():
		return "a rate such as 100/s"
	case flag.Target.CanInt(), flag.Target.CanUint():
		return "a whole number"
	default:
		return "text (in quotes)"
	}
}
