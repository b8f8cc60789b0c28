package api

import (
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/internal/jsonscan"
	"hubline/replay"
)

// durability says what holds when a publish is answered.
func (a *API) durability() string {
	if a.broker.Durable() {
		return "disk"
	}
	return "memory"
}

// maxKeyBytes bounds an idempotency key.
const maxKeyBytes = 256

var errKey = badRequest("An idempotency key must be a text of at most 256 bytes without control characters.")

// publishUser serves POST /users/{user}/events.
func (a *API) publishUser(c echo.Context) error {
	if err := a.require(c, auth.ScopePublish); err != nil {
		return err
	}
	user, err := userParam(c)
	if err != nil {
		return err
	}
	in, ev, key, err := a.publication(c.Request())
	if err != nil {
		return err
	}
	defer in.free()
	r, err := a.broker.Publish(user, ev, key)
	if err != nil {
		return err
	}
	in.b = appendReceipt(in.b[:0], &r, a.durability()) // nothing of the request is needed any more
	return writeBody(c.Response(), http.StatusCreated, jsonType, in.b)
}

// broadcast serves POST /broadcasts.
func (a *API) broadcast(c echo.Context) error {
	if err := a.require(c, auth.ScopePublish); err != nil {
		return err
	}
	in, ev, key, err := a.publication(c.Request())
	if err != nil {
		return err
	}
	defer in.free()
	r, err := a.broker.Broadcast(ev, key)
	if err != nil {
		return err
	}
	in.b = appendBroadcast(in.b[:0], &r, a.durability())
	return writeBody(c.Response(), http.StatusCreated, jsonType, in.b)
}

// publication reads the event that a request brings. Without an error the caller
// frees the body, of which nothing is left in event and key.
func (a *API) publication(r *http.Request) (*body, *replay.Event, broker.Key, error) {
	in, err := readBody(r, a.cfg.MaxPublishBytes)
	if err != nil {
		return nil, nil, broker.Key{}, err
	}
	var ev *replay.Event
	fields, err := scanEvent(in.b)
	if err == nil {
		ev, err = fields.event(time.Now())
	}
	var key broker.Key
	if name := r.Header["Idempotency-Key"]; err == nil && len(name) > 0 {
		key, err = idempotency(name[0], in.b)
	}
	if err != nil {
		in.free()
		return nil, nil, broker.Key{}, err
	}
	return in, ev, key, nil
}

// idempotency makes the key of a publish of these bytes. Without a name it is
// the zero Key.
func idempotency(name string, content []byte) (broker.Key, error) {
	if name == "" {
		return broker.Key{}, nil
	}
	if !auth.Usable(name, maxKeyBytes) {
		return broker.Key{}, errKey
	}
	sum := sha256.Sum256(content)
	return broker.Key{Name: strings.Clone(name), Digest: [16]byte(sum[:16])}, nil
}

func appendReceipt(b []byte, r *broker.Receipt, durability string) []byte {
	b = append(b, `{"id":`...)
	b = jsonscan.AppendString(b, r.ID)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, r.Cursor.Seq, 10)
	b = append(b, `,"cursor":"`...)
	b = r.Cursor.AppendTo(b)
	return appendDelivery(append(b, '"'), durability, r.Delivered, r.Duplicate)
}

func appendBroadcast(b []byte, r *broker.BroadcastReceipt, durability string) []byte {
	b = append(b, `{"id":`...)
	b = jsonscan.AppendString(b, r.ID)
	b = append(b, `,"users":`...)
	b = strconv.AppendInt(b, int64(r.Users), 10)
	return appendDelivery(b, durability, r.Delivered, r.Duplicate)
}

// appendDelivery appends what every receipt ends with.
func appendDelivery(b []byte, durability string, delivered int, duplicate bool) []byte {
	b = append(b, `,"durability":"`...)
	b = append(b, durability...)
	b = append(b, `","delivered":`...)
	b = strconv.AppendInt(b, int64(delivered), 10)
	b = append(b, `,"duplicate":`...)
	b = strconv.AppendBool(b, duplicate)
	return append(b, '}')
}
