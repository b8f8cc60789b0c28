package api

import (
	"bytes"
	"flag"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

//go:generate go test -run ^TestProblemDocs$ -write-docs .

var writeDocs = flag.Bool("write-docs", false, "write docs/problems.md instead of comparing it")

// docs/problems.md is what the table says.
func TestProblemDocs(t *testing.T) {
	const name = "../docs/problems.md"
	var want bytes.Buffer
	if err := writeProblemDocs(&want); err != nil {
		t.Fatal(err)
	}
	if *writeDocs {
		if err := os.WriteFile(name, want.Bytes(), 0o644); err != nil { //nolint:gosec // a file of the repository
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("run make generate (-table +file):\n%s", diff)
	}
}

// Rows are complete, in order, and say of waiting what is sent.
func TestProblemTableIsComplete(t *testing.T) {
	if !slices.IsSortedFunc(problemTypes, func(a, b problemType) int { return strings.Compare(a.slug, b.slug) }) {
		t.Error("the table is not sorted")
	}
	for _, p := range problemTypes {
		if p.slug == "" || p.status < 400 || p.title == "" || p.meaning == "" || p.remedy == "" || p.retry == "" {
			t.Errorf("%s lacks something: %+v", p.slug, p)
		}
		if wait, says := p.wait > 0, p.retry == retryWaiting; wait && !says {
			t.Errorf("%s sends Retry-After, and says: %s", p.slug, p.retry)
		}
		if must := p.status == http.StatusTooManyRequests || p.status == http.StatusServiceUnavailable; must && p.retry != retryWaiting {
			t.Errorf("%s: a %d that does not say when to come back", p.slug, p.status)
		}
	}
	if len(problemsBySlug) != len(problemTypes) {
		t.Error("two types have one slug")
	}
}

// Every problem that the code makes is in the table, and the code makes every problem
// of the table.
func TestProblemsOfTheCodeAreInTheTable(t *testing.T) {
	if diff := cmp.Diff(slices.Sorted(maps.Keys(problemsBySlug)), slugsInCode(t)); diff != "" {
		t.Errorf("problems (-table +code):\n%s", diff)
	}
}

// The page of each type says the same to everybody, in the form that is asked for.
func TestProblemPages(t *testing.T) {
	f := newFixture(t, func(s *setup) { s.BasePath = "/realtime" })
	for _, p := range problemTypes {
		path := "/problems/" + p.slug
		for accept, kind := range map[string]string{
			"text/html,application/xhtml+xml,*/*;q=0.8": "text/html; charset=UTF-8",
			"application/json":                          "application/json",
			"*/*":                                       "text/plain; charset=UTF-8",
			"":                                          "text/plain; charset=UTF-8",
		} {
			a := f.send(http.MethodGet, path, "", "", "Accept", accept)
			if a.status != http.StatusOK || a.header.Get("Content-Type") != kind || !slices.Contains(a.header.Values("Vary"), "Accept") {
				t.Errorf("%s, %q: %d %v", path, accept, a.status, a.header)
			}
			for _, want := range []string{p.slug, strconv.Itoa(p.status)} {
				if !strings.Contains(a.body, want) {
					t.Errorf("%s, %q: %q is not in %s", path, accept, want, a.body)
				}
			}
		}
		got := decode[problemAnswer](t, f.send(http.MethodGet, path, "", "", "Accept", "application/json").body)
		if want := p.answer("/realtime"); got != want || got.Type != "/realtime/problems/"+p.slug {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	for _, slug := range []string{"none", "%3Cscript%3E"} {
		f.wantProblem(f.send(http.MethodGet, "/problems/"+slug, "", ""), http.StatusNotFound, "not-found")
	}
}

// reached are the types of problems that tests have been answered.
var reached sync.Map

// noteReached is called at the end of each fixture.
func (f *fixture) noteReached() {
	for slug, c := range f.api.metrics.problems {
		if testutil.ToFloat64(c) > 0 {
			reached.Store(slug, true)
		}
	}
}

// everyProblemWasReached reports false after a whole run in which no test was answered
// some problem of the table.
func everyProblemWasReached() bool {
	for _, name := range []string{"run", "skip", "list", "bench", "fuzz"} {
		if v := flag.Lookup("test." + name).Value.String(); v != "" {
			return true // a part of the tests
		}
	}
	all := true
	for slug := range problemsBySlug {
		if _, ok := reached.Load(slug); !ok {
			os.Stderr.WriteString("no test is answered the problem " + slug + "\n")
			all = false
		}
	}
	return all
}
