package api

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/internal/jsonscan"
)

// Nesting of the two forms of a batch around an event: the item, and the array.
const (
	maxItemDepth  = maxDepth + 1
	maxArrayDepth = maxItemDepth + 1
)

// batch serves POST /events:batch: a JSON array, or one item a line
// (application/x-ndjson). The answer has a result for each item, in order, and
// in the same form; an item that fails does not stop the others. What is no
// JSON at all stops an array, of which nothing is published then, and one line.
func (a *API) batch(c echo.Context) error {
	id, err := a.backend(c, auth.ScopePublish)
	if err != nil {
		return err
	}
	in, err := readBody(c.Request(), a.cfg.MaxBatchBytes)
	if err != nil {
		return err
	}
	defer in.free()
	out := bodies.Get().(*body)
	defer out.free()
	b := batch{api: a, c: c, id: id, left: a.cfg.MaxBatchItems, out: out.b[:0]}
	kind := jsonType
	if isNDJSON(c.Request().Header.Get("Content-Type")) {
		kind = ndjsonType
		if err := b.weigh(b.countLines(in.b)); err != nil {
			return err
		}
		b.lines(in.b)
	} else if err := b.array(in.b); err != nil {
		return err
	}
	a.owe(id, b.extra)
	b.out = b.fill()
	out.b = b.out // it may have grown
	return writeBody(c.Response(), http.StatusOK, kind, b.out)
}

func isNDJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/x-ndjson" || kind == "application/ndjson" || kind == "application/jsonl")
}

// batch is the work on one request.
type batch struct {
	api  *API
	c    echo.Context
	id   *auth.Identity
	left int  // how many more receivers may be named; users count one by one
	full bool // an item did not fit, and so none of those behind it is taken
	out  []byte
	gaps []gap // in out, for receipts that are awaited
	// extra is how many receivers there were beyond one an item.
	extra int
}

// array publishes the items of a JSON array, once it is known to be one.
func (b *batch) array(text []byte) error {
	s := jsonscan.New(text, maxArrayDepth)
	n := 0
	if s.Array() {
		for ; s.Element(); n++ {
			if n == b.left {
				return b.tooMany()
			}
			s.Value()
		}
	}
	if !s.End() {
		return badArray(s.Err())
	}
	if err := b.weigh(n); err != nil {
		return err
	}
	s = jsonscan.New(text, maxArrayDepth)
	b.out = append(b.out, '[')
	s.Array()
	for i := 0; s.Element(); i++ {
		if i > 0 {
			b.out = append(b.out, ',')
		}
		it, err := scanItem(&s, text, b.left)
		b.item(&it, err)
	}
	b.out = append(b.out, ']')
	return nil
}

// badArray makes a problem of the error of a scanner that expected an array.
func badArray(err error) error {
	if e, ok := errors.AsType[*jsonscan.Error](err); ok && e.Reason == jsonscan.NotAnArray {
		return badRequest("The body must be a JSON array, or one object a line with Content-Type: application/x-ndjson.")
	}
	return badJSON("body", err)
}

// lines publishes one item a line; empty lines do not count. When the batch is
// full the last result says so, and the publisher sends the rest again.
func (b *batch) lines(text []byte) {
	for line := range bytes.Lines(text) {
		if line = bytes.Trim(line, " \t\r\n"); len(line) == 0 {
			continue
		}
		s := jsonscan.New(line, maxItemDepth)
		it, err := scanItem(&s, line, b.left)
		if err == nil && !s.End() {
			err = badJSON("line", s.Err())
		}
		b.item(&it, err)
		b.out = append(b.out, '\n')
		if b.full {
			return
		}
	}
}

// item publishes an item that was read, unless err says what is wrong with it,
// and appends its result.
func (b *batch) item(it *batchItem, err error) {
	switch {
	case b.full || b.left < 1:
		b.full, err = true, b.tooMany()
	case err == nil:
		if b.left -= it.receivers(); b.left < 0 {
			b.full, err = true, b.tooMany()
		} else {
			b.extra += it.receivers() - 1
			err = b.publish(it)
		}
	default:
		b.left-- // what is wrong costs time too
	}
	if err != nil {
		b.fail(err)
	}
}

// fail appends an error as the item's result.
func (b *batch) fail(err error) { b.out = b.api.appendProblem(b.c, b.out, err) }

func (b *batch) tooMany() error {
	return problem("too-large",
		"At most "+strconv.Itoa(b.api.cfg.MaxBatchItems)+" items, of whose users each counts as one; see max-batch-items.")
}
