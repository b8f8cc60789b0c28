package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"hubline/internal/ratelimit"
)

// Mappers read the values of flags, environment and file, and say what they
// expect in the words of whoever typed them, not in those of a library.
func Mappers() []kong.Option {
	return []kong.Option{
		kong.KindMapper(reflect.Int, mapper("a whole number such as 1000", func(text string, target reflect.Value) error {
			n, err := strconv.ParseInt(text, 10, target.Type().Bits())
			target.SetInt(n)
			return err
		})),
		kong.KindMapper(reflect.String, mapper("a text", func(text string, target reflect.Value) error {
			target.SetString(text)
			return nil
		})),
		kong.TypeMapper(reflect.TypeFor[Size](), mapper("a size such as 65536, 64KiB or 1MiB", func(text string, target reflect.Value) error {
			size, err := ParseSize(text)
			target.SetInt(int64(size))
			return err
		})),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), mapper("a duration such as 30s, 5m or 24h", func(text string, target reflect.Value) error {
			d, err := time.ParseDuration(text)
			target.SetInt(int64(d))
			return err
		})),
		kong.TypeMapper(reflect.TypeFor[ratelimit.Rate](), mapper("a rate such as 100/s, 600/m or 1000/10s, or 0 for no limit", func(text string, target reflect.Value) error {
			r, err := ratelimit.ParseRate(text)
			target.Set(reflect.ValueOf(r))
			return err
		})),
		kong.TypeMapper(reflect.TypeFor[netip.Prefix](), mapper("a network such as 10.0.0.0/8, or 127.0.0.1/32 for one address", func(text string, target reflect.Value) error {
			p, err := netip.ParsePrefix(text)
			target.Set(reflect.ValueOf(p))
			return err
		})),
	}
}

// mapper makes a kong mapper of a parser of one value; wants is what to write.
func mapper(wants string, parse func(text string, target reflect.Value) error) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		next := ctx.Scan.Peek()
		token, err := ctx.Scan.PopValue("value")
		if err != nil {
			if next.IsEOL() {
				return fmt.Errorf("has no value: give %s", wants)
			}
			return fmt.Errorf("has no value: give %s; one that begins with a dash behind an equals sign, --%s=%v", wants, ctx.Value.Name, next.Value)
		}
		text := fmt.Sprint(token.Value)
		if parse(text, target) != nil {
			return fmt.Errorf("%q is not %s", text, wants)
		}
		return nil
	}
}
