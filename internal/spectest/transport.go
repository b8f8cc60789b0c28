package spectest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// Transport is an http.RoundTripper that holds every request and answer against the
// document. It is safe for concurrent use if Next, Base and Report are.
type Transport struct {
	Next     http.RoundTripper
	Document *Document
	// Base returns what stands before every path of the server that the request is
	// for. Requests for which it reports false are passed on unseen.
	Base func(*http.Request) (string, bool)
	// Known reports that a path is none of the document's business: a web page. It is
	// called with the path below the base. Nil: all are.
	Known func(path string) bool
	// Report is told of each difference.
	Report func(r *http.Request, fault string)
}

// CloseIdleConnections is for http.Client.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.Next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base, ok := t.Base(r)
	if !ok {
		return t.Next.RoundTrip(r)
	}
	sent, seen := body(r)
	resp, err := t.Next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	path, below := under(r.URL.EscapedPath(), base)
	if below && t.Known != nil && t.Known(path) {
		return resp, nil
	}
	e := exchange{Document: t.Document}
	if below {
		e = t.Document.find(r.Method, path)
	}
	e.r, e.sent, e.seen, e.resp = r, sent, seen, resp
	stream := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream")
	if !stream && resp.StatusCode != http.StatusSwitchingProtocols {
		if e.body, err = io.ReadAll(resp.Body); err != nil {
			// The test ends the request, or cuts the connection; it sees the same.
			resp.Body = broken{bytes.NewReader(e.body), err, resp.Body}
			return resp, nil
		}
		_ = resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(e.body))
		e.read = true
	}
	for _, f := range e.faults() {
		t.Report(r, f)
	}
	return resp, nil
}

// under cuts the base off a path. Hubs are found whatever its case.
func under(path, base string) (string, bool) {
	if len(path) < len(base) || !strings.EqualFold(path[:len(base)], base) {
		return path, false
	}
	return path[len(base):], true
}

// body returns what the request is about to send, and false where that cannot be read
// twice.
func body(r *http.Request) ([]byte, bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, true
	}
	if r.GetBody == nil {
		return nil, false
	}
	again, err := r.GetBody()
	if err != nil {
		return nil, false
	}
	defer func() { _ = again.Close() }()
	b, err := io.ReadAll(again)
	return b, err == nil
}

// broken is a body that could not be read to its end.
type broken struct {
	io.Reader
	err error
	io.Closer
}

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = b.err
	}
	return n, err
}
