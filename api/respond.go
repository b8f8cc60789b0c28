package api

import (
	"net/http"
	"strconv"
)

var (
	jsonType   = []string{"application/json"}
	ndjsonType = []string{"application/x-ndjson"}
	noStore    = []string{"no-store"}
)

// smallAnswer is what the HTTP server measures by itself before it sends the
// headers, so that a length of our own would be work done twice.
const smallAnswer = 2048

// writeBody answers with a body in one piece. It does not keep it.
func writeBody(w http.ResponseWriter, status int, contentType []string, body []byte) error {
	h := w.Header()
	h["Content-Type"] = contentType
	if len(body) >= smallAnswer {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}
