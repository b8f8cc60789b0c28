package api

import "net/http"

// Values of headers that are the same in every answer; shared, never changed.
var (
	varyOrigin  = []string{"Origin"}
	yes         = []string{"true"}
	exposed     = []string{"Retry-After, WWW-Authenticate"}
	preflightOK = []string{"GET, HEAD, POST, PUT, DELETE"}
	// The headers that SignalR's browser client and clients of EventSource over
	// fetch send, and the publisher's own. Programs may add others.
	askable = []string{"Authorization, Cache-Control, Content-Type, Idempotency-Key, Last-Event-ID, X-Requested-With, X-SignalR-User-Agent"}
	maxAge  = []string{"600"}
)

// cors marks the answer, also that of an error or of a stream, for a page of an
// allowed origin, and answers preflights itself; then it reports true. The
// origin is named, never "*": requests with credentials need it. Where every
// origin is allowed, credentials are not (Fetch standard, "CORS protocol and
// credentials"). An origin that is not on the list gets no mark, and so the
// browser keeps the answer to itself.
func (a *API) cors(w http.ResponseWriter, r *http.Request) (answered bool) {
	preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
	if a.corsOff { // answers do not depend on the origin
		if preflight {
			a.refused.note(r.Context(), r.Header)
		}
		return false
	}
	h := w.Header()
	h["Vary"] = varyOrigin
	origin := r.Header["Origin"]
	if len(origin) != 1 || !a.cfg.Origins.Contains(origin[0]) {
		if preflight { // a browser sends none to the page's own origin
			a.refused.note(r.Context(), r.Header)
		}
		return false
	}
	h["Access-Control-Allow-Origin"] = origin[:1:1]
	if !a.cfg.Origins.Any() {
		h["Access-Control-Allow-Credentials"] = yes
	}
	if !preflight {
		h["Access-Control-Expose-Headers"] = exposed
		return false
	}
	h["Access-Control-Allow-Methods"] = preflightOK
	h["Access-Control-Allow-Headers"] = askable
	if asked := r.Header["Access-Control-Request-Headers"]; len(asked) == 1 {
		h["Access-Control-Allow-Headers"] = []string{askable[0] + ", " + asked[0]}
	}
	h["Access-Control-Max-Age"] = maxAge
	w.WriteHeader(http.StatusNoContent)
	return true
}
