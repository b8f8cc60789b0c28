package imports

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the repository, seen from here.
const root = "../.."

// load reads the imports of all Go files of the module, whatever their build
// tags. Of tests only those in the folder test count: others may use what they
// need, these are the outside.
func load(t *testing.T, files fs.FS) graph {
	t.Helper()
	g := graph{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" || base == "bin") {
				return fs.SkipDir
			}
			if _, err := fs.Stat(files, path.Join(name, "go.mod")); err == nil && name != "." {
				return fs.SkipDir // another module
			}
			return nil
		}
		folder := path.Dir(name)
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") && !below("test", folder) {
			return nil
		}
		src, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if _, ok := g[folder]; !ok {
			g[folder] = []string{}
		}
		for _, spec := range file.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			p = strings.TrimPrefix(p, ours)
			if p != folder && !slices.Contains(g[folder], p) {
				g[folder] = append(g[folder], p)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestNobodyImportsWhatIsForbidden(t *testing.T) {
	g := load(t, os.DirFS(root))
	if len(g) < 10 || !slices.Contains(g["broker"], "replay") || !slices.Contains(g["websocket"], "net/http") {
		t.Fatalf("the packages were not found: %v", g)
	}
	for _, wrong := range check(g, rooms) {
		t.Error(wrong)
	}
}

// Every rule says why.
func TestEveryRuleHasAReason(t *testing.T) {
	for _, r := range rooms {
		if r.why == "" {
			t.Errorf("%s: no reason", r.path)
		}
		for _, n := range r.never {
			if n.why == "" || len(n.what) == 0 {
				t.Errorf("%s: a rule without a reason or an object: %v", r.path, n)
			}
		}
	}
}

// The rules of the architecture's table, held against a house in which each of
// them is broken.
func TestCheckFindsViolations(t *testing.T) {
	rules := []room{
		{path: "log", why: "w1", never: []rule{{[]string{"net/http"}, "w2"}}},
		{path: "core", may: []string{"log"}, why: "w3", never: []rule{{[]string{"example.com/r"}, "w4"}}},
		{path: "cmd/...", may: []string{"core", "cmd/..."}, why: "w5"},
		{path: "cmd/x", why: "w6"},
	}
	fine := graph{"log": {"sync"}, "core": {"log"}, "cmd/a": {"core", "cmd/b"}, "cmd/b": {"net/http"}, "cmd/x": {}}
	tests := []struct {
		name   string
		change func(graph)
		want   []string
	}{
		{"nothing", func(graph) {}, nil},
		{"an import of ours", func(g graph) { g["log"] = []string{"core"} }, []string{"log imports core: w1"}},
		{"an import of others", func(g graph) { g["log"] = []string{"net/http"} }, []string{"log imports net/http: w2"}},
		{"one that is below it", func(g graph) { g["log"] = []string{"net/http/httptest"} }, []string{"log imports net/http/httptest: w2"}},
		{"one with the same beginning", func(g graph) { g["log"] = []string{"net/httpx"} }, nil},
		{"one over another package", func(g graph) { g["log"] = []string{"example.com/r/v2"} }, []string{"core imports log imports example.com/r/v2: w4"}},
		{"a narrower room", func(g graph) { g["cmd/x"] = []string{"core"} }, []string{"cmd/x imports core: w6"}},
		{"a circle", func(g graph) { g["cmd/b"] = []string{"cmd/a"} }, nil},
		{"a new package", func(g graph) { g["new"] = nil }, []string{"new has no room: give it one, with what it may import and why not more"}},
		{"a package that is gone", func(g graph) { delete(g, "cmd/x") }, []string{"cmd/x is a room without a package"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := graph{}
			for p, imports := range fine {
				g[p] = slices.Clone(imports)
			}
			tt.change(g)
			if diff := cmp.Diff(tt.want, check(g, rules)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
