package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

const (
	// requestTimeout bounds one call to the backend API.
	requestTimeout = 60 * time.Second
	// maxAnswerBytes bounds its answer.
	maxAnswerBytes = 64 << 20
)

// client calls the backend API of a server.
type client struct {
	base, key string
	http      *http.Client
}

func newClient(base, key string) *client {
	return &client{base: base, key: key, http: &http.Client{Timeout: requestTimeout}}
}

// apiError is an answer that says no: the problem of RFC 9457, as far as the
// server sent one.
type apiError struct {
	Type   string `json:"type,omitempty"`
	Title  string `json:"title"`
	Status int    `json:"status,omitempty"`
	Detail string `json:"detail,omitempty"`

	// retryAfter is the pause the server asks for; negative if it does not.
	retryAfter time.Duration
}

func (e *apiError) Error() string {
	text := http.StatusText(e.Status)
	if e.Title != "" {
		text = e.Title
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return fmt.Sprintf("%s (status %d)", printable(text), e.Status)
}

// temporary reports whether the same request may succeed later.
func (e *apiError) temporary() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return e.Status >= 500 && e.Status != http.StatusNotImplemented && e.Status != http.StatusInsufficientStorage
	}
}

// post sends a body and returns the body of a 2xx answer. Other answers are an
// *apiError.
func (c *client) post(ctx context.Context, path, contentType string, body []byte, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", contentType)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, explainConnect(c.base, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(text) > maxAnswerBytes {
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxAnswerBytes)
	}
	if resp.StatusCode/100 == 2 {
		return text, nil
	}
	problem := &apiError{}
	if json.Unmarshal(text, problem) != nil {
		problem = &apiError{}
	}
	problem.Status, problem.retryAfter = resp.StatusCode, -1
	if seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 16); err == nil {
		problem.retryAfter = time.Duration(seconds) * time.Second // #nosec G115 -- 16 bits
	}
	return nil, problem
}

// explainConnect says what to do when nobody answers.
func explainConnect(base string, err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nobody answers at %s: is hubline serve running, and --server right? (%w)", base, syscall.ECONNREFUSED)
	}
	return err
}

// printable keeps foreign text from moving the cursor of a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
