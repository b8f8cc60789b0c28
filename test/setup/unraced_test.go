// Package setup holds the scripts that prepare and run the tests, and a test of
// their lists.
package setup

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A test that holds something back when the race detector is on runs without it
// as well, or nobody would ever see what it measures.
func TestWhatTheRaceDetectorSkipsRunsWithoutIt(t *testing.T) {
	text, err := os.ReadFile("unraced.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := strings.Split(strings.TrimSpace(string(text)), "\n")
	var found []string
	root := filepath.Join("..", "..")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || len(d.Name()) > 2 && d.Name()[0] == '.'):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		pkg, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		names, err := skipping(path)
		for _, name := range names {
			found = append(found, filepath.ToSlash(pkg)+" "+name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if diff := cmp.Diff(found, listed); diff != "" {
		t.Errorf("unraced.txt (-tests that ask for the race detector +listed):\n%s", diff)
	}
}

// skipping lists the tests of a file that ask whether the race detector is on.
func skipping(path string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") || f.Body == nil {
			continue
		}
		asks := false
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				asks = asks || n.Name == "raceEnabled" || n.Name == "raceDetector"
			case *ast.SelectorExpr:
				x, _ := n.X.(*ast.Ident)
				asks = asks || x != nil && (x.Name == "xtest" && (n.Sel.Name == "Budget" || n.Sel.Name == "Race") || x.Name == "harness" && n.Sel.Name == "Race")
			}
			return !asks
		})
		if asks {
			names = append(names, f.Name.Name)
		}
	}
	return names, nil
}
