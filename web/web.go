package web

import (
	"bytes"
	"net/http"
	"path"
	"strings"
	"time"
)

// contentSecurityPolicy lets the page run its own files and talk to its own
// origin, and nothing else. Events carry foreign data into the page, so there is
// no inline script or style, and Trusted Types turn off the DOM sinks that parse
// text as HTML. 'self' in connect-src covers ws: and wss: on the same host.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// Handler returns the console under basePath ("" and "/" mean the root; "/live",
// "live" and "/live/" mean the same). It expects request paths that still carry
// basePath. It serves basePath/ and basePath/console/…, redirects basePath without
// the slash, and answers 404 to everything else and 405 to anything but GET and HEAD.
//
// The handler is immutable and safe for concurrent use.
func Handler(basePath string, here Here) http.Handler {
	base := "/" + strings.Trim(basePath, "/")
	if base == "/" {
		base = ""
	}
	return &handler{base: base, assets: loadAssets(), here: here}
}

type handler struct {
	base   string // "" or "/live", never with a slash at the end
	assets map[string]asset
	here   Here
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setSecurityHeaders(w.Header())

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the console answers GET and HEAD only", http.StatusMethodNotAllowed)
		return
	}
	if h.base != "" && r.URL.Path == h.base {
		// Relative to the request, so it holds behind a proxy that adds a prefix of
		// its own. http.Redirect would make it absolute.
		w.Header().Set("Location", path.Base(h.base)+"/")
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, h.base+"/")
	if !ok {
		notFound(w)
		return
	}
	if rest == herePath {
		h.here.serve(w, r)
		return
	}
	a, ok := h.assets[rest]
	if !ok {
		notFound(w)
		return
	}
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("ETag", a.etag)
	// File names carry no hash, so a browser asks each time and is answered 304
	// until the content changes: no stale module next to a new one after an upgrade.
	header.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}

func notFound(w http.ResponseWriter) {
	// A 404 kept by a cache would outlive the upgrade that adds the file.
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "not found", http.StatusNotFound)
}

func setSecurityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
