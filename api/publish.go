package api

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/replay"
)

const durabilityMemory = "memory"

// bodies are buffers for request bodies up to a moderate size.
var bodies = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

const keptBody = 64 << 10

// readBody reads a body of at most limit bytes within the body timeout and
// hands it to use; the bytes are only valid during the call.
func (a *API) readBody(c echo.Context, limit int64, use func([]byte) error) error {
	r := c.Request()
	if r.ContentLength > limit {
		return &http.MaxBytesError{Limit: limit}
	}
	buf := bodies.Get().(*[]byte)
	b := (*buf)[:0]
	defer func() {
		if cap(b) <= keptBody {
			*buf = b
			bodies.Put(buf)
		}
	}()
	src := http.MaxBytesReader(c.Response(), r.Body, limit)
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := src.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF { //nolint:errorlint // the reader's contract
			return use(b)
		}
		if err != nil {
			return bodyError(err)
		}
	}
}

// key reads the Idempotency-Key header.
func key(r *http.Request, body []byte) (broker.Key, error) {
	name := r.Header.Get("Idempotency-Key")
	if name == "" {
		return broker.Key{}, nil
	}
	if !text(name, maxIDBytes) {
		return broker.Key{}, badRequest("Idempotency-Key must be at most 256 bytes without control characters.")
	}
	return broker.Key{Name: strings.Clone(name), Digest: digest(body)}, nil
}

// publishUser serves POST /users/{user}/events.
func (a *API) publishUser(c echo.Context) error {
	if _, err := a.require(c, auth.ScopePublish); err != nil {
		return err
	}
	user := c.Param("user")
	if !text(user, auth.MaxUserBytes) {
		return badRequest("The user's name must be 1 to 256 bytes without control characters.")
	}
	return a.readBody(c, a.cfg.MaxPublishBytes, func(body []byte) error {
		ev, err := a.event(body)
		if err != nil {
			return err
		}
		k, err := key(c.Request(), body)
		if err != nil {
			return err
		}
		r, err := a.broker.Publish(strings.Clone(user), ev, k)
		if err != nil {
			return err
		}
		var out [256]byte
		return writeJSON(c, http.StatusCreated, appendReceipt(out[:0], &r))
	})
}

// event makes the event of a body.
func (a *API) event(body []byte) (*replay.Event, error) {
	e, err := decodeEvent(body)
	if err != nil {
		return nil, err
	}
	return e.event(time.Now())
}

// broadcast serves POST /broadcasts.
func (a *API) broadcast(c echo.Context) error {
	if _, err := a.require(c, auth.ScopePublish); err != nil {
		return err
	}
	return a.readBody(c, a.cfg.MaxPublishBytes, func(body []byte) error {
		ev, err := a.event(body)
		if err != nil {
			return err
		}
		k, err := key(c.Request(), body)
		if err != nil {
			return err
		}
		r, err := a.broker.Broadcast(ev, k)
		if err != nil {
			return err
		}
		var out [256]byte
		return writeJSON(c, http.StatusCreated, appendBroadcast(out[:0], &r))
	})
}

func appendReceipt(b []byte, r *broker.Receipt) []byte {
	b = append(b, `{"id":`...)
	b = appendQuoted(b, r.ID)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, r.Cursor.Seq, 10)
	b = append(b, `,"cursor":"`...)
	b = r.Cursor.AppendTo(b)
	b = append(b, `","durability":"`+durabilityMemory+`","delivered":`...)
	b = strconv.AppendInt(b, int64(r.Delivered), 10)
	b = append(b, `,"duplicate":`...)
	b = strconv.AppendBool(b, r.Duplicate)
	return append(b, '}')
}

func appendBroadcast(b []byte, r *broker.BroadcastReceipt) []byte {
	b = append(b, `{"id":`...)
	b = appendQuoted(b, r.ID)
	b = append(b, `,"users":`...)
	b = strconv.AppendInt(b, int64(r.Users), 10)
	b = append(b, `,"durability":"`+durabilityMemory+`","delivered":`...)
	b = strconv.AppendInt(b, int64(r.Delivered), 10)
	b = append(b, `,"duplicate":`...)
	b = strconv.AppendBool(b, r.Duplicate)
	return append(b, '}')
}

func writeJSON(c echo.Context, status int, body []byte) error {
	w := c.Response()
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

var jsonType = []string{"application/json"}
