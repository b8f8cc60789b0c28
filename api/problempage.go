package api

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// problemPolicy lets the page of a problem have the console's style, and nothing
// else.
const problemPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"

// problemPage serves GET /problems/{slug}: a page for browsers, a text for terminals,
// JSON for programs that ask for it.
func (a *API) problemPage(c echo.Context) error {
	p, ok := problemsBySlug[c.Param("slug")]
	if !ok {
		return notFound()
	}
	w := c.Response()
	w.Header().Add("Vary", "Accept")
	accept := strings.Join(c.Request().Header.Values("Accept"), ",")
	switch {
	case strings.Contains(accept, "text/html"):
		w.Header().Set("Content-Security-Policy", problemPolicy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		return c.HTML(http.StatusOK, p.page())
	case strings.Contains(accept, "application/json"):
		b, err := json.Marshal(p.answer(a.cfg.BasePath))
		if err != nil {
			return err
		}
		return writeBody(w, http.StatusOK, jsonType, b)
	}
	return c.String(http.StatusOK, p.text())
}

// problemAnswer is a type of problem as JSON.
type problemAnswer struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Meaning string `json:"meaning"`
	Remedy  string `json:"remedy"`
	Retry   string `json:"retry"`
}

func (p *problemType) answer(basePath string) problemAnswer {
	return problemAnswer{basePath + problemBase + p.slug, p.title, p.status, p.meaning, p.remedy, p.retry}
}

// text is the page on a terminal.
func (p *problemType) text() string {
	return fmt.Sprintf("%s (%s, status %d)\n\n%s\n\nWhat to do: %s\nRetry: %s\n", p.title, p.slug, p.status, p.meaning, p.remedy, p.retry)
}

// page is the page in a browser. Its links lead up, so that they hold under a base
// path, and behind a proxy that adds one.
func (p *problemType) page() string {
	title := html.EscapeString(p.title)
	return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>` + title + ` – Hubline</title>
<link rel="icon" href="../console/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="../console/css/tokens.css">
<link rel="stylesheet" href="../console/css/layout.css">
<header class="top"><p class="brand"><span class="brand-name">Hubline</span> <span class="brand-sub">problem</span></p></header>
<main><section class="card sign-in">
<h1>` + title + `</h1>
<p>` + html.EscapeString(p.meaning) + `</p>
<p><b>What to do:</b> ` + html.EscapeString(p.remedy) + `</p>
<p><b>Retry?</b> ` + html.EscapeString(p.retry) + `</p>
<p class="hint">Type: <code>` + p.slug + `</code> · status ` + fmt.Sprint(p.status) + `</p>
</section></main>
<footer class="foot"><p><a href="../api/openapi.yaml">API description</a></p></footer>
</html>
`
}

// writeProblemDocs writes docs/problems.md.
func writeProblemDocs(w io.Writer) error {
	var b strings.Builder
	b.WriteString("<!-- Made of api/problemtable.go by make generate. -->\n\n# Problems\n\n" +
		"Errors are `application/problem+json` (RFC 9457). `type` is stable and the address of a page of the server that sent it, such as\n" +
		"`/problems/cursor`; below `--base-path` if there is one. Programs tell problems apart by `type`, not by `title` or `detail`, which are for\n" +
		"people. The page is HTML in a browser, text for curl, and JSON with `Accept: application/json`. The metric\n" +
		"`hubline_api_problems_total` counts them by type. SignalR hubs answer errors as ASP.NET Core does, with the status alone.\n\n" +
		"| type | status | title |\n|---|---|---|\n")
	for i := range problemTypes {
		p := &problemTypes[i]
		fmt.Fprintf(&b, "| [%s](#%s) | %d | %s |\n", p.slug, p.slug, p.status, p.title)
	}
	for i := range problemTypes {
		p := &problemTypes[i]
		fmt.Fprintf(&b, "\n## %s\n\n%d %s. %s\n\n- **What to do**: %s\n- **Retry**: %s\n", p.slug, p.status, p.title, p.meaning, p.remedy, p.retry)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
