package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/internal/jsonscan"
	"hubline/replay"
	"hubline/signalr"
	"hubline/transports"
)

// The inlets of NodeWarden: its backend posts to /internal/notify what its clients on
// /notifications/hub are to be told, and asks /internal/online which devices are there.

// userHeader names the user where the body or the query does not.
const userHeader = "X-Nodewarden-Userid"

var (
	errNotifyUser = badRequest(`The user is missing: send "userId", or the header X-NodeWarden-UserId, 1 to 256 bytes of UTF-8 without control characters.`)
	errRevision   = badRequest(`"revisionDate" must be a text.`)
)

// notification is the body of /internal/notify as it stands in it: parts of the
// request's memory. Members that are not known are ignored.
type notification struct {
	eventFields
	user, revision []byte
}

// scanNotification reads the body.
func scanNotification(text []byte) (n notification, err error) {
	s := jsonscan.New(text, maxDepth)
	for ok := s.Object(); ok && s.Member(); {
		var scratch [32]byte
		name := jsonscan.Text(s.Name(), scratch[:])
		value := s.Value()
		switch string(name) {
		case "userId":
			n.user = value
		case "updateType":
			n.kind = value
		case "revisionDate":
			n.revision = value
		case "contextId":
			n.contextID = value
		case "targetDeviceIdentifier":
			n.device = value
		case "payload":
			n.data = value
		}
	}
	if !s.End() {
		return n, badJSON("body", s.Err())
	}
	return n, nil
}

// event makes the event and says whose it is. Without a type the clients are to fetch
// everything anew, and a payload is made for them.
func (n *notification) event(header string, now time.Time) (user string, ev *replay.Event, err error) {
	user = header
	switch jsonscan.KindOf(n.user) {
	case jsonscan.None, jsonscan.Null:
	case jsonscan.String:
		if len(n.user) > longestQuoted(auth.MaxUserBytes) {
			return "", nil, errNotifyUser
		}
		user = string(jsonscan.AppendText(nil, n.user))
	default:
		return "", nil, errNotifyUser
	}
	if !auth.Usable(user, auth.MaxUserBytes) {
		return "", nil, errNotifyUser
	}
	if kind := jsonscan.KindOf(n.kind); kind == jsonscan.None || kind == jsonscan.Null {
		n.kind = []byte("5")
	}
	revision := n.revision
	switch jsonscan.KindOf(revision) {
	case jsonscan.None, jsonscan.Null:
		revision = now.UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`)
	case jsonscan.String:
	default:
		return "", nil, errRevision
	}
	if kind := jsonscan.KindOf(n.data); kind == jsonscan.None || kind == jsonscan.Null {
		n.data = jsonscan.AppendString([]byte(`{"UserId":`), user)
		n.data = append(append(append(n.data, `,"Date":`...), revision...), '}')
	}
	ev, err = n.eventFields.event(now)
	return strings.Clone(user), ev, err
}

// notify serves POST /internal/notify.
func (a *API) notify(c echo.Context) error {
	if err := a.require(c, auth.ScopePublish); err != nil {
		return err
	}
	in, err := readBody(c.Request(), a.cfg.MaxPublishBytes)
	if err != nil {
		return err
	}
	defer in.free()
	n, err := scanNotification(in.b)
	if err != nil {
		return err
	}
	user, ev, err := n.event(c.Request().Header.Get(userHeader), time.Now())
	if err != nil {
		return err
	}
	var key broker.Key
	if name := c.Request().Header["Idempotency-Key"]; len(name) > 0 {
		if key, err = idempotency(name[0], in.b); err != nil {
			return err
		}
	}
	if _, err := a.broker.Publish(user, ev, key); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// onlineAnswer is what GET /internal/online says.
type onlineAnswer struct {
	DeviceIdentifiers []string `json:"deviceIdentifiers"`
}

// onlineDevices serves GET /internal/online: the devices of the user on the family's
// hub whose handshake is done, each once.
func (a *API) onlineDevices(c echo.Context) error {
	if err := a.require(c, auth.ScopeRead); err != nil {
		return err
	}
	q, err := query(c.Request())
	if err != nil {
		return err
	}
	user := c.Request().Header.Get(userHeader)
	if q.Has("userid") { // names of parameters are found in any case, and are lower case here
		user = q.Get("userid")
	}
	if !auth.Usable(user, auth.MaxUserBytes) {
		return errNotifyUser
	}
	out := onlineAnswer{DeviceIdentifiers: []string{}}
	connections := a.broker.ConnectionsOf(user, "")
	for i := range connections {
		conn, ok := connections[i].Waker.(*transports.Connection)
		if !ok || connections[i].Device == "" || a.dialectOf(conn) != dialectBitwarden {
			continue
		}
		if s, ok := conn.Session().(*signalr.Session); ok && s.Protocol() != "" {
			out.DeviceIdentifiers = append(out.DeviceIdentifiers, connections[i].Device)
		}
	}
	slices.Sort(out.DeviceIdentifiers)
	out.DeviceIdentifiers = slices.Compact(out.DeviceIdentifiers)
	return answerJSON(c, http.StatusOK, out)
}
