package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// refusalQuiet is for how long an origin that has been logged is not again.
	refusalQuiet = time.Minute
	// maxRefusals bounds the origins that are logged, and remembered, in that
	// time: anybody can send any Origin.
	maxRefusals = 20
	// maxLoggedOrigin bounds the text of one.
	maxLoggedOrigin = 200
)

// refusals logs the origins that are turned away, for whoever set the server up
// and now looks at a page that does not connect. It is safe for concurrent use.
type refusals struct {
	log *slog.Logger

	mu    sync.Mutex
	began time.Time
	seen  map[string]struct{} // since began
}

// note logs the origin of a request, unless it, or too many, have been lately.
func (r *refusals) note(ctx context.Context, header http.Header) {
	origin := strings.Join(header["Origin"], " ")
	origin = strings.ToValidUTF8(origin[:min(len(origin), maxLoggedOrigin)], "")
	if r.isNew(origin, time.Now()) {
		r.log.LogAttrs(ctx, slog.LevelWarn, "origin refused",
			slog.String("origin", origin), slog.String("reason", "not in --allowed-origins, and not the server's own as Host names it"))
	}
}

func (r *refusals) isNew(origin string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil || now.Sub(r.began) >= refusalQuiet {
		r.began, r.seen = now, make(map[string]struct{}, 1)
	}
	if _, known := r.seen[origin]; known || len(r.seen) == maxRefusals {
		return false
	}
	r.seen[strings.Clone(origin)] = struct{}{}
	return true
}

// originAllowed is the check of Origin that every connection passes.
func (a *API) originAllowed(r *http.Request) bool {
	if a.cfg.Origins.Allowed(r) {
		return true
	}
	a.refused.note(r.Context(), r.Header)
	return false
}
