package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// slugsInCode finds the types that calls of problem and badToken name, and that
// helpers around them do.
func slugsInCode(t *testing.T) []string {
	t.Helper()
	found := []string{slugInternal} // named by a constant
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if fn, ok := call.Fun.(*ast.Ident); !ok || fn.Name != "problem" && fn.Name != "badToken" {
				return true
			}
			if lit, ok := call.Args[0].(*ast.BasicLit); ok {
				found = append(found, must(strconv.Unquote(lit.Value)))
			}
			return true
		})
	}
	slices.Sort(found)
	return slices.Compact(found)
}
