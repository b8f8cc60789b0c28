package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

func TestAPanicIsAnInternalErrorAndCounted(t *testing.T) {
	f := newFixture(t, func(s *setup) {
		s.page = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the page") })
		s.Demo = func() (string, string, error) { return "", "", errors.New("no randomness, says eve") }
	})
	f.api.mount(http.MethodGet, "/panics/:what", func(c echo.Context) error {
		switch c.Param("what") {
		case "late":
			_ = c.String(http.StatusOK, "begun")
		case "abort":
			panic(http.ErrAbortHandler)
		}
		return []error{}[len(c.Param("none"))]
	})
	g := f.bulk() // the route is of this test alone, and no document has it
	for _, path := range []string{"/panics/early", "/"} {
		a := g.send(http.MethodGet, path, "", "")
		f.wantProblem(a, http.StatusInternalServerError, "internal")
		if strings.Contains(a.body, "out of range") || strings.Contains(a.body, "the page") {
			t.Errorf("the answer tells the outside: %s", a.body)
		}
	}
	if a := g.send(http.MethodGet, "/panics/late", "", ""); a.status != http.StatusOK || a.body != "begun" {
		t.Errorf("late: %+v", a)
	}
	if got := f.metric("hubline_panics_total"); got != "3" {
		t.Errorf("counted %s", got)
	}
	req := f.request(http.MethodGet, "/panics/abort", "", "")
	if resp, err := g.client.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("an aborted answer arrived: %d", resp.StatusCode)
	}
	if got := f.metric("hubline_panics_total"); got != "3" {
		t.Errorf("an abort counts as a panic: %s", got)
	}
	for _, want := range []string{"handler panicked", "/panics/:what", "out of range", "panic_test.go"} {
		if !strings.Contains(f.logs.String(), want) {
			t.Errorf("%q is not in the log", want)
		}
	}
	if strings.Contains(f.logs.String(), "request failed") {
		t.Error("a panic is logged twice")
	}
	f.wantProblem(f.send(http.MethodGet, "/demo/session", "", ""), http.StatusInternalServerError, "internal")
	if !strings.Contains(f.logs.String(), "request failed") || !strings.Contains(f.logs.String(), "says eve") {
		t.Errorf("the error is not in the log:\n%s", f.logs)
	}
}
