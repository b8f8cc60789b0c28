package config

import (
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"hubline/internal/ratelimit"
)

// InForce returns the value of every flag that is a number or a rate, by the flag's name: whole
// numbers, sizes in bytes, durations in seconds, rates as texts such as 100/s. What a bound is zero for is said by
// the flag's help.
func (c Config) InForce() map[string]any {
	parser, err := kong.New(&c, append(Mappers(), kong.NoDefaultHelp(), kong.ExplicitGroups(Groups()))...)
	if err != nil {
		panic(fmt.Sprintf("config: %v", err)) // as in Default
	}
	limits := map[string]any{}
	for _, f := range parser.Model.Flags {
		switch v := f.Target.Interface().(type) {
		case int, float64:
			limits[f.Name] = v
		case Size:
			limits[f.Name] = int64(v)
		case time.Duration:
			limits[f.Name] = v.Seconds()
		case ratelimit.Rate:
			limits[f.Name] = v.String()
		}
	}
	return limits
}
