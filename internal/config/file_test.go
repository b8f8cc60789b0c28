package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// program has the shape of the real command line: the server's flags, and a
// client command with flags of its own.
type program struct {
	Serve struct {
		Config Config `embed:""`
	} `cmd:""`
	Tail struct {
		Since   string `default:"latest"`
		DataDir string `env:"HUBLINE_DATA_DIR,HUBLINE_DATA" default:"./hubline-data"`
		Data    string `env:"-"`
	} `cmd:""`
}

func newParser(t testing.TB, p *program, options ...kong.Option) *kong.Kong {
	t.Helper()
	parser, err := kong.New(p, append(Mappers(), append(options, kong.DefaultEnvars(EnvPrefix), kong.ExplicitGroups(Groups()))...)...)
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

func flagsOf(t testing.TB, command string) (active, known []*kong.Flag) {
	t.Helper()
	for _, child := range newParser(t, &program{}).Model.Children {
		known = append(known, child.Flags...)
		if child.Name == command {
			active = child.Flags
		}
	}
	return active, known
}

// parse runs the whole way from file, environment and command line to values.
func parse(t *testing.T, yaml string, args ...string) (program, error) {
	t.Helper()
	active, known := flagsOf(t, args[0])
	file, problems := parseFile("f.yaml", []byte(yaml), active, known)
	for _, problem := range problems {
		t.Errorf("unexpected problem: %v", problem)
	}
	var p program
	_, err := newParser(t, &p, kong.Resolvers(file)).Parse(args)
	return p, err
}

func TestFileProblems(t *testing.T) {
	for _, tt := range []struct {
		name, yaml string
		want       []string
	}{
		{"empty", "", nil},
		{"only a comment", "# nothing\n", nil},
		{"document mark", "---\naddr: :1\n", nil},
		{"unknown key", "addres: :1\n", []string{`f.yaml:1: key "addres": unknown, did you mean "addr"?`}},
		{"unknown key far from all", "\n\nfrobnicate: 1\n", []string{`f.yaml:3: key "frobnicate": unknown`}},
		{"underscores", "log_events: 5\n", []string{`f.yaml:1: key "log_events": unknown, did you mean "log-events"?`}},
		{"key of another command", "since: latest\n", nil},
		{"command-line only flag", "help: true\n", []string{`f.yaml:1: key "help": unknown`}},
		{"twice", "log-events: 1\nlog-events: 2\n", []string{`f.yaml:2: mapping key "log-events" already defined at [1:1]`}},
		{"text for number", "log-events: many\n", []string{`f.yaml:1: key "log-events": expected a whole number, got text`}},
		{"fraction for number", "log-events: 1.5\n", []string{`f.yaml:1: key "log-events": expected a whole number, got a fraction`}},
		{"number for text", "jwt-issuer: 5\n", []string{`f.yaml:1: key "jwt-issuer": expected text (in quotes), got a number`}},
		{"bool for text", "addr: yes\nbase-path: true\n", []string{`f.yaml:2: key "base-path": expected text (in quotes), got true or false`}},
		{"list for text", "addr: [a]\n", []string{`f.yaml:1: key "addr": expected text (in quotes), got a list`}},
		{"mapping for text", "addr:\n  host: x\n", []string{`f.yaml:1: key "addr": expected text (in quotes), got mapping`}},
		{"number for duration", "log-age: 24\n", []string{`f.yaml:1: key "log-age": expected a duration with a unit such as 30s, got a number`}},
		{"bad duration", "log-age: 1 day\n", []string{`f.yaml:1: key "log-age": "1 day" is not a duration such as 30s, 5m or 24h`}},
		{"bad size", "log-bytes: 1TiB\n", []string{`f.yaml:1: key "log-bytes": "1TiB" is not a size such as 65536, 64KiB or 1MiB`}},
		{"text for bool", "demo: maybe\n", []string{`f.yaml:1: key "demo": expected true or false, got text`}},
		{"bad choice", "log-format: xml\n", []string{`f.yaml:1: key "log-format": "xml" is not one of auto, text, json`}},
		{"bad network", "trusted-proxies: [10.0.0.0/99]\n", []string{`f.yaml:1: key "trusted-proxies": "10.0.0.0/99" is not a network such as 10.0.0.0/8, or 127.0.0.1/32 for one address`}},
		{"number in list", "allowed-origins:\n- a\n- 5\n", []string{`f.yaml:1: key "allowed-origins": line 3: expected text in the list`}},
		{"no value", "jwt-issuer:\n", []string{`f.yaml:1: key "jwt-issuer": has no value: write text (in quotes), or "" for none`}},
		{"anchor", "addr: &a x\n", []string{`f.yaml:1: key "addr": expected text (in quotes), got anchor`}},
		{"not a mapping", "- addr\n", []string{`f.yaml:1: expected lines of "key: value"`}},
		{"two documents", "addr: x\n---\naddr: y\n", []string{`f.yaml:3: only one YAML document is read`}},
		{"syntax", "addr: [\n", []string{`f.yaml:1: sequence end token ']' not found`}},
		{"all at once", "addres: x\nlog-events: many\nlog-age: 1h\n", []string{
			`f.yaml:1: key "addres": unknown, did you mean "addr"?`,
			`f.yaml:2: key "log-events": expected a whole number, got text`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			active, known := flagsOf(t, "serve")
			_, problems := parseFile("f.yaml", []byte(tt.yaml), active, known)
			var got []string
			for _, problem := range problems {
				got = append(got, problem.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFileSetsEveryKind(t *testing.T) {
	p, err := parse(t, `
# a comment
addr: "0.0.0.0:9"          # text
log-events: 7              # number
log-bytes: 2MiB            # size
max-message-bytes: 65536   # size as a number
log-age: 90m               # duration
demo: true                 # bool
allowed-origins: ["https://a.example", "https://b.example,c"]
trusted-proxies:
  - 10.0.0.0/8
  - ::1/128
jwt-audience: ""
`, "serve")
	if err != nil {
		t.Fatal(err)
	}
	got := p.Serve.Config
	want := Default()
	want.Addr, want.LogEvents, want.LogBytes, want.MaxMessageBytes = "0.0.0.0:9", 7, 2*MiB, 64*KiB
	want.LogAge, want.Demo = 90*60*1e9, true
	want.AllowedOrigins = []string{"https://a.example", "https://b.example,c"}
	if diff := cmp.Diff(want.Replay, got.Replay); diff != "" {
		t.Errorf("replay (-want +got):\n%s", diff)
	}
	if got.Addr != want.Addr || got.MaxMessageBytes != want.MaxMessageBytes || !got.Demo {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff(want.Identity, got.Identity); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.AllowedOrigins, got.AllowedOrigins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
	if len(got.TrustedProxies) != 2 || got.TrustedProxies[0].String() != "10.0.0.0/8" || got.TrustedProxies[1].String() != "::1/128" {
		t.Errorf("trusted proxies = %v", got.TrustedProxies)
	}
}

func TestOneTextIsAListToo(t *testing.T) {
	p, err := parse(t, "jwt-public-key-file: testdata/ed25519.pem\n", "serve")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"testdata/ed25519.pem"}, p.Serve.Config.JWTPublicKeyFile); diff != "" {
		t.Errorf("key files (-want +got):\n%s", diff)
	}
}

func TestPrecedenceIsFlagEnvFileDefault(t *testing.T) {
	const yaml = "log-events: 3\nlog-users: 3\nwatermarks: 3\nallowed-origins: [https://file.example]\n"
	t.Setenv("HUBLINE_LOG_EVENTS", "2")
	t.Setenv("HUBLINE_LOG_USERS", "2")
	t.Setenv("HUBLINE_ALLOWED_ORIGINS", "https://a.example,https://b.example")
	p, err := parse(t, yaml, "serve", "--log-events=1")
	if err != nil {
		t.Fatal(err)
	}
	cfg := p.Serve.Config
	if cfg.LogEvents != 1 || cfg.LogUsers != 2 || cfg.Watermarks != 3 || cfg.OutboxEvents != Default().OutboxEvents {
		t.Errorf("flag, env, file, default = %d, %d, %d, %d", cfg.LogEvents, cfg.LogUsers, cfg.Watermarks, cfg.OutboxEvents)
	}
	if diff := cmp.Diff([]string{"https://a.example", "https://b.example"}, cfg.AllowedOrigins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
}

func TestEmptyEnvironmentVariableEmptiesTheFlag(t *testing.T) {
	t.Setenv("HUBLINE_DATA", "")
	t.Setenv("HUBLINE_ALLOWED_ORIGINS", "")
	p, err := parse(t, "data: /from/file\nallowed-origins: [https://x.example]\n", "serve")
	if err != nil {
		t.Fatal(err)
	}
	if p.Serve.Config.Data != "" || len(p.Serve.Config.AllowedOrigins) != 0 {
		t.Errorf("data = %q, origins = %q; want both empty", p.Serve.Config.Data, p.Serve.Config.AllowedOrigins)
	}
}

func TestClientCommandSharesTheServersDataKey(t *testing.T) {
	p, err := parse(t, "data: /var/lib/hubline\nsince: 'x-5'\n", "tail")
	if err != nil {
		t.Fatal(err)
	}
	if p.Tail.DataDir != "/var/lib/hubline" || p.Tail.Data != "" || p.Tail.Since != "x-5" {
		t.Errorf("got %+v", p.Tail)
	}
}

func TestCheckEnvReportsEveryVariable(t *testing.T) {
	t.Setenv("HUBLINE_LOG_AGE", "soon")
	t.Setenv("HUBLINE_LOG_EVENTS", "x")
	t.Setenv("HUBLINE_LOG_FORMAT", "xml")
	t.Setenv("HUBLINE_LOG_USERS", "5")
	active, _ := flagsOf(t, "serve")
	_, problems := CheckEnv(active)
	if len(problems) != 3 {
		t.Fatalf("got %d problems, want 3: %v", len(problems), problems)
	}
	for i, name := range []string{"HUBLINE_LOG_FORMAT", "HUBLINE_LOG_EVENTS", "HUBLINE_LOG_AGE"} {
		if !strings.Contains(problems[i].Error(), name) {
			t.Errorf("problem %d = %v, want it to name %s", i, problems[i], name)
		}
	}
}

func TestReadFileBoundsTheFile(t *testing.T) {
	active, known := flagsOf(t, "serve")
	dir := t.TempDir()
	for size, wantProblems := range map[int]int{maxFileBytes: 0, maxFileBytes + 1: 1} {
		path := filepath.Join(dir, "big.yaml")
		if err := os.WriteFile(path, []byte("#"+strings.Repeat("x", size-1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, problems := ReadFile(path, active, known); len(problems) != wantProblems {
			t.Errorf("file of %d bytes: problems %v, want %d", size, problems, wantProblems)
		}
	}
	if _, problems := ReadFile(filepath.Join(dir, "absent"), active, known); len(problems) != 1 {
		t.Errorf("absent file: problems %v, want 1", problems)
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add("addr: x\nlog-events: 5\n")
	f.Add("a: &x [1, {b: *x}]\n---\n- y\n")
	f.Add("log-bytes: 1KiB\nlog-age: !!str 5\n? x\n: y\n")
	f.Add("addr: |\n  text\n")
	active, known := flagsOf(f, "serve")
	f.Fuzz(func(t *testing.T, yaml string) {
		file, _ := parseFile("f", []byte(yaml), active, known)
		byKey := flagsByKey(active)
		for key, value := range file.values {
			if err := tryDecode(byKey[key], value); err != nil {
				t.Errorf("key %q was accepted with %v, but: %v", key, value, err)
			}
		}
	})
}

func TestLocateNamesThePlaceOfAValueThatWasTaken(t *testing.T) {
	active, known := flagsOf(t, "serve")
	file, problems := parseFile("f.yaml", []byte("log-age: 1ms\nlog-users: 0\n"), active, known)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var p program
	_, err := newParser(t, &p, kong.Resolvers(file)).Parse([]string{"serve", "--log-age", "1us"})
	var got []string
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		for _, problem := range Problems(inner) {
			got = append(got, file.Locate(problem).Error())
		}
	}
	for _, want := range []string{
		`f.yaml:2: key "log-users": 0 is not between 1 and 1000000000`,
		"--log-age: 1µs is not between 1s and 87600h0m0s",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
	if plain := errors.New("x"); file.Locate(plain) != plain { //nolint:errorlint // identity
		t.Error("another error was changed")
	}
}

func TestSyntaxErrorsNameTheLineToMend(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\n  b: 2\n":     "f:2: is indented",
		"a: 1\n b: 2\n":      "f:2: is indented",
		"\ta: 1\n":           "f:1: has a tab",
		"a: 1\n\tb: 2\n":     "f:2: has a tab",
		"log-users: [1\n":    "f:1: ",
		"log-users: a: b\n":  `f:1: is not of the form "key: value"`,
		"a: \"x\n\n\nb: 2\n": "f:1: ",
	} {
		_, problems := parseFile("f", []byte(text), nil, nil)
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), want) {
			t.Errorf("%q: problems %v, want %q", text, problems, want)
		}
	}
}
