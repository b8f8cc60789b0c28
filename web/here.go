package web

import (
	"encoding/json"
	"net/http"

	"hubline/internal/loopback"
)

// herePath is where the page asks what it needs to know of the server.
const herePath = "console/here.json"

// Here is what the page tells people to type beside this server, and whether
// there is a demo to look at.
type Here struct {
	// Program is how hubline was called.
	Program string `json:"program,omitempty"`
	// Token is the command that makes a token, without --user. Empty: there is none.
	Token string `json:"token,omitempty"`
	// KeyFile has the API key. Empty: there is none.
	KeyFile string `json:"keyFile,omitempty"`
	// Demo: demo/session gives a token, and demo/key, if Local, a key.
	Demo bool `json:"demo"`
	// Local is set for a browser on the server's own machine.
	Local bool `json:"local"`
}

// serve answers with all of it only on the same machine, where the paths mean
// something; others have no business with where programs and secrets lie.
func (h Here) serve(w http.ResponseWriter, r *http.Request) {
	if h.Local = loopback.Request(r); !h.Local {
		h = Here{Demo: h.Demo}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(h) // the client is gone
}
