package proxies

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
)

// middlebox is an HTTP proxy of the kind that stands in offices and in antivirus
// software: it knows requests and answers, and nothing that does not end.
type middlebox struct {
	target string   // host:port
	strip  []string // headers of requests that it does not pass on
	// hold passes an answer on only when it is complete.
	hold bool

	carrier http.Transport
}

// startMiddlebox starts one that ends with the test and returns its URL.
func startMiddlebox(t testing.TB, m *middlebox) string {
	t.Helper()
	server := httptest.NewServer(m)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		m.carrier.CloseIdleConnections()
	})
	return server.URL
}

// ServeHTTP implements http.Handler.
func (m *middlebox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ask := r.Clone(r.Context())
	ask.URL.Scheme, ask.URL.Host, ask.RequestURI = "http", m.target, ""
	for _, name := range m.strip {
		ask.Header.Del(name)
	}
	resp, err := m.carrier.RoundTrip(ask)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	maps.Copy(w.Header(), resp.Header)
	w.Header().Del("Connection")
	if m.hold {
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(b)
		return
	}
	w.WriteHeader(resp.StatusCode)
	buf := make([]byte, 4<<10)
	for {
		n, err := resp.Body.Read(buf)
		if _, failed := w.Write(buf[:n]); failed != nil || err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
	}
}
