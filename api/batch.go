package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
)

// batchItem is one item of POST /events:batch: whom, and what.
type batchItem struct {
	User      *string         `json:"user"`
	Users     []string        `json:"users"`
	Channel   *string         `json:"channel"`
	Broadcast bool            `json:"broadcast"`
	Event     json.RawMessage `json:"event"`
	Key       string          `json:"idempotencyKey"`
}

// batch serves POST /events:batch: a JSON array, or one item a line
// (application/x-ndjson). The answer has a result for each item, in order, and
// in the same form; an item that fails does not stop the others.
func (a *API) batch(c echo.Context) error {
	if _, err := a.require(c, auth.ScopePublish); err != nil {
		return err
	}
	kind, _, _ := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if kind == "application/x-ndjson" || kind == "application/ndjson" || kind == "application/jsonl" {
		return a.batchLines(c)
	}
	return a.readBody(c, a.cfg.MaxBatchBytes, func(body []byte) error {
		if b := bytes.TrimLeft(body, " \t\r\n"); len(b) == 0 || b[0] != '[' {
			return badRequest("The body must be a JSON array, or one object a line with Content-Type: application/x-ndjson.")
		}
		items, err := a.items(body)
		if err != nil {
			return err
		}
		out := make([]byte, 0, 2+len(items)*160)
		out = append(out, '[')
		for i, raw := range items {
			if i > 0 {
				out = append(out, ',')
			}
			out = a.item(out, raw)
		}
		return writeJSON(c, http.StatusOK, append(out, ']'))
	})
}

// items cuts the array.
func (a *API) items(body []byte) ([]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if _, err := d.Token(); err != nil {
		return nil, badRequest("The body is not the expected JSON: " + jsonErrorText(err))
	}
	var items []json.RawMessage
	for d.More() {
		if len(items) == a.cfg.MaxBatchItems {
			return nil, problem(http.StatusRequestEntityTooLarge, "too-large", "The batch is too large",
				"At most "+strconv.Itoa(a.cfg.MaxBatchItems)+" items; see max-batch-items.")
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, badRequest("The body is not the expected JSON: " + jsonErrorText(err))
		}
		items = append(items, raw)
	}
	if _, err := d.Token(); err != nil {
		return nil, badRequest("The array does not end.")
	}
	return items, nil
}

// batchLines publishes line by line, as they come.
func (a *API) batchLines(c echo.Context) error {
	w := c.Response()
	body := http.MaxBytesReader(w, c.Request().Body, a.cfg.MaxBatchBytes)
	in := bufio.NewScanner(body)
	in.Buffer(make([]byte, 0, 16<<10), int(a.cfg.MaxPublishBytes)+1024)
	var out []byte
	n := 0
	for in.Scan() {
		line := bytes.TrimSpace(in.Bytes())
		if len(line) == 0 {
			continue
		}
		if n++; n > a.cfg.MaxBatchItems {
			out = appendItemProblem(out, problem(http.StatusRequestEntityTooLarge, "too-large", "The batch is too large",
				"At most "+strconv.Itoa(a.cfg.MaxBatchItems)+" items; see max-batch-items."))
			out = append(out, '\n')
			break
		}
		out = a.item(out, slices.Clone(line))
		out = append(out, '\n')
	}
	if err := in.Err(); err != nil {
		p := asProblem(bodyError(err))
		if errors.Is(err, bufio.ErrTooLong) {
			p = problem(http.StatusRequestEntityTooLarge, "too-large", "A line is too long", "See max-publish-bytes.")
		}
		if n == 0 {
			return p
		}
		out = append(appendItemProblem(out, p), '\n') // the lines before it count
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(out)
	return err
}

// item publishes one item and appends its result.
func (a *API) item(out []byte, raw []byte) []byte {
	out, err := a.publishItem(out, raw)
	if err != nil {
		return appendItemProblem(out, asProblem(err))
	}
	return out
}

func appendItemProblem(out []byte, p *Problem) []byte {
	b, err := json.Marshal(struct {
		Error *Problem `json:"error"`
	}{p})
	if err != nil {
		return append(out, `{"error":null}`...) // a struct of strings always marshals
	}
	return append(out, b...)
}

var errTarget = badRequest(`An item names exactly one of "user", "users", "channel" and "broadcast": true.`)

func (a *API) publishItem(out []byte, raw []byte) ([]byte, error) {
	var it batchItem
	if err := unmarshalStrict(raw, &it); err != nil {
		return out, err
	}
	targets := 0
	for _, given := range []bool{it.User != nil, it.Users != nil, it.Channel != nil, it.Broadcast} {
		if given {
			targets++
		}
	}
	if targets != 1 {
		return out, errTarget
	}
	if int64(len(it.Event)) > a.cfg.MaxPublishBytes {
		return out, &http.MaxBytesError{Limit: a.cfg.MaxPublishBytes}
	}
	ev, err := a.event(it.Event)
	if err != nil {
		return out, err
	}
	var k broker.Key
	if it.Key != "" {
		if !text(it.Key, maxIDBytes) {
			return out, badRequest("idempotencyKey must be at most 256 bytes without control characters.")
		}
		k = broker.Key{Name: it.Key, Digest: digest(it.Event)}
	}
	switch {
	case it.Broadcast:
		r, err := a.broker.Broadcast(ev, k)
		if err != nil {
			return out, err
		}
		return appendBroadcast(out, &r), nil
	case it.Channel != nil:
		return out, problem(http.StatusNotImplemented, "no-channels", "This server has no channels", "Publish to users or broadcast.")
	case it.User != nil:
		if !text(*it.User, auth.MaxUserBytes) {
			return out, badRequest("The user's name must be 1 to 256 bytes without control characters.")
		}
		r, err := a.broker.Publish(*it.User, ev, k)
		if err != nil {
			return out, err
		}
		return appendReceipt(out, &r), nil
	}
	// Several users: one event id, a receipt for each. All names are checked
	// before anything is sent.
	for _, u := range it.Users {
		if !text(u, auth.MaxUserBytes) {
			return out, badRequest("A user's name must be 1 to 256 bytes without control characters.")
		}
	}
	out = append(out, `{"id":`...)
	out = appendQuoted(out, ev.ID)
	out = append(out, `,"receipts":[`...)
	for i, u := range it.Users {
		if i > 0 {
			out = append(out, ',')
		}
		r, err := a.broker.Publish(u, ev, k)
		if err != nil {
			out = appendItemProblem(out, asProblem(err))
			continue
		}
		out = appendReceipt(out, &r)
	}
	return append(out, `]}`...), nil
}

// bodyError tells a body that is too large from one that did not arrive.
func bodyError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return badRequest("The body ended before its announced length.")
	}
	return problem(http.StatusRequestTimeout, "body-timeout", "The body did not arrive", "Send it faster, or in smaller pieces.")
}

func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			q, err := json.Marshal(s)
			if err != nil {
				return append(b, `""`...) // a string always marshals
			}
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
