package web

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	htmlReference = regexp.MustCompile(`(?:src|href)="([^"#][^"]*)"`)
	jsImport      = regexp.MustCompile(`(?m)^(?:import|export) [^'"]*?from '([^']+)'|^import '([^']+)'|import\('([^']+)'\)`)
)

// Not the handler's own: other parts of the server answer there.
var served = []string{"api/openapi.yaml", "healthz"}

func TestEmbeddedFilesAreThoseOnDisk(t *testing.T) {
	var want []string
	err := fs.WalkDir(os.DirFS("static"), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			want = append(want, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for name := range loadAssets() {
		if name == "" {
			name = "index.html"
		}
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("embedded files (-disk +embedded):\n%s", diff)
	}
}

// Every file that the page names is there, and every file there is named: follows
// the page's links and the modules' imports from index.html.
func TestPageReachesEveryAssetAndNothingElse(t *testing.T) {
	assets := loadAssets()
	reached := map[string]bool{"": true}
	queue := []string{""}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		for _, target := range references(name, assets[name].body) {
			if slices.Contains(served, target) || reached[target] {
				continue
			}
			if _, ok := assets[target]; !ok {
				t.Errorf("%q names %q, which is not embedded", name, target)
				continue
			}
			reached[target] = true
			queue = append(queue, target)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(assets)) {
		if !reached[name] {
			t.Errorf("%q is embedded and never used", name)
		}
	}
}

func references(name string, content []byte) []string {
	var targets []string
	switch {
	case name == "":
		for _, match := range htmlReference.FindAllStringSubmatch(string(content), -1) {
			targets = append(targets, match[1])
		}
	case path.Ext(name) == ".js":
		for _, match := range jsImport.FindAllStringSubmatch(string(content), -1) {
			targets = append(targets, path.Join(path.Dir(name), match[1]+match[2]+match[3]))
		}
	}
	return targets
}

// The policy forbids inline code, other origins and HTML from text. A browser
// would only say so on its console.
func TestPageKeepsToItsPolicy(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		"inline script":    regexp.MustCompile(`<script(?:>| [^>]*[^"]>|[^>]*>\s*[^<\s])`),
		"inline style":     regexp.MustCompile(`<style|\sstyle=|setAttribute\('style'`),
		"inline handler":   regexp.MustCompile(`<[^>]*\son[a-z]+=`),
		"other origin":     regexp.MustCompile(`(?:src|href|url|from|import)\s*[=(]?\s*["']?(?:https?:)?//`),
		"absolute path":    regexp.MustCompile(`(?:src|href)="/|fetch\(\s*['"` + "`" + `]/`),
		"HTML from a text": regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function`),
		"token kept":       regexp.MustCompile(`localStorage\.|document\.cookie|access_token`),
	}
	for name, a := range loadAssets() {
		for what, pattern := range forbidden {
			if found := pattern.Find(a.body); found != nil {
				t.Errorf("%q contains %s: %q", name, what, found)
			}
		}
	}
}

func TestClientImportsNothingOutsideItsFolder(t *testing.T) {
	for name, a := range loadAssets() {
		if path.Ext(name) != ".js" || !strings.HasPrefix(name, "console/client/") {
			continue
		}
		for _, target := range references(name, a.body) {
			if !strings.HasPrefix(target, "console/client/") {
				t.Errorf("%s imports %s", name, target)
			}
		}
	}
}

// TestModules runs the tests of the browser client and of the page's state with
// node's own runner. They use fake timers and no network.
func TestModules(t *testing.T) {
	if testing.Short() {
		t.Skip("runs node")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	files, err := filepath.Glob("test/*.test.js")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test modules found: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), node, append([]string{"--test"}, files...)...) //nolint:gosec // our own files
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("node --test: %v\n%s", err, out)
	}
}
