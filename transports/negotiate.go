package transports

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Negotiation is the answer to a negotiate request. The order of its fields is
// the order on the wire.
type Negotiation struct {
	// URL and AccessToken send the client to another server; nothing else is set.
	URL                  string  `json:"url,omitempty"`
	AccessToken          string  `json:"accessToken,omitempty"`
	Error                string  `json:"error,omitempty"`
	UseStatefulReconnect bool    `json:"useStatefulReconnect,omitempty"`
	NegotiateVersion     *int    `json:"negotiateVersion,omitempty"`
	ConnectionID         string  `json:"connectionId,omitempty"`
	ConnectionToken      string  `json:"connectionToken,omitempty"`
	AvailableTransports  []Offer `json:"availableTransports,omitzero"` // nil only with Error and URL
	// Cursor is the head of the user's log, on the native endpoint only.
	Cursor string `json:"cursor,omitempty"`
}

// Offer is one transport of a negotiation.
type Offer struct {
	Transport       Transport `json:"transport"`
	TransferFormats []string  `json:"transferFormats"`
	// URL to connect to, on the native endpoint only.
	URL string `json:"url,omitempty"`
}

// Offers lists the transports with their transfer formats.
func Offers(ts []Transport) []Offer {
	out := make([]Offer, 0, len(ts))
	for _, t := range ts {
		formats := []string{"Text"}
		if t.Binary() {
			formats = append(formats, "Binary")
		}
		out = append(out, Offer{Transport: t, TransferFormats: formats})
	}
	return out
}

// Narrow keeps of ts those that the text, a comma list, names: by negotiate's
// names or by ours (ws, sse, poll), in any case. Without text it keeps all.
func Narrow(ts []Transport, text string) []Transport {
	if text == "" {
		return ts
	}
	var out []Transport
	for _, t := range ts {
		for name := range strings.SplitSeq(text, ",") {
			name = strings.TrimSpace(name)
			if strings.EqualFold(name, string(t)) || strings.EqualFold(name, t.Label()) {
				out = append(out, t)
				break
			}
		}
	}
	return out
}

// Version reads the negotiateVersion of a request: absent is 0, anything
// above 1 is 1. ok is false for what is not a 32-bit integer.
func Version(text string) (v int, ok bool) {
	if text == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, false
	}
	return min(int(n), 1), true
}

// Query parses the request's query with its keys in lower case: clients spell
// them as they like, while values are compared byte for byte. Of a key that
// comes in several spellings the lower-case one stands first.
func Query(r *http.Request) url.Values {
	q := r.URL.Query()
	for _, k := range slices.Sorted(maps.Keys(q)) {
		if low := strings.ToLower(k); low != k {
			q[low] = append(q[low], q[k]...)
			delete(q, k)
		}
	}
	return q
}

// WriteNegotiation writes the answer with the type and length that clients
// expect. Caches never keep an answer to a POST that does not ask for it.
func WriteNegotiation(w http.ResponseWriter, n *Negotiation) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)              // URLs stay readable
	if err := enc.Encode(n); err != nil { //nolint:gosec // a token that is for the client
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	b := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b)
}
