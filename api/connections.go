package api

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/signalr"
	"hubline/transports"
)

// connectionsAnswer is one page of the live connections.
type connectionsAnswer struct {
	Connections []connectionAnswer `json:"connections"`
	Cursor      *string            `json:"cursor"` // of the next page; null: this was the last
}

// connectionAnswer is one connection.
type connectionAnswer struct {
	ConnectionID string      `json:"connectionId"`
	User         string      `json:"user"`
	Device       *string     `json:"device"`
	Transport    string      `json:"transport"`
	Dialect      string      `json:"dialect"`
	Protocol     *string     `json:"protocol"` // null: a hub's handshake is outstanding
	Since        int64       `json:"since"`    // Unix milliseconds
	Address      *string     `json:"address"`  // null without the scope admin
	Queue        queueAnswer `json:"queue"`
}

// queueAnswer is what waits for a connection.
type queueAnswer struct {
	Events int    `json:"events"`
	Bytes  int    `json:"bytes"`
	Lag    uint64 `json:"lag"`
}

// Dialects, as they are called in the API. Hubs get theirs when they are mounted.
const (
	dialectNative    = "native"
	dialectSignalR   = "signalr"
	dialectBitwarden = "bitwarden"
)

// maxConnectionID is how long the id of a connection is, in characters.
const maxConnectionID = 22

var (
	errTransport      = badRequest(`"transport" is ws, sse or poll.`)
	errPageCursor     = badRequest(`"cursor" is the cursor of the page before.`)
	errUserQuery      = badRequest(`"user" must be 1 to 256 bytes of UTF-8 without control characters.`)
	errConnectionPage = badRequest(`"limit" is a number of connections, 1 to 1000.`)
)

// listing is what is asked for by GET /connections.
type listing struct {
	user, device, transport string // empty: all
	after                   string // the last connection of the page before
	limit                   int
}

func listingOf(q url.Values) (l listing, err error) {
	if q.Has("user") {
		if l.user = q.Get("user"); !auth.Usable(l.user, auth.MaxUserBytes) {
			return l, errUserQuery
		}
	}
	if l.device, err = deviceOf(q); err != nil {
		return l, err
	}
	switch l.transport = q.Get("transport"); l.transport {
	case "", transports.WebSockets.Label(), transports.ServerSentEvents.Label(), transports.LongPolling.Label():
	default:
		return l, errTransport
	}
	if l.after = q.Get("cursor"); len(l.after) > maxConnectionID {
		return l, errPageCursor
	}
	if l.limit, err = limitOf(q); err != nil {
		return l, errConnectionPage
	}
	return l, nil
}

// place is a connection and its place in the order of the pages: connections have
// random ids, so that a page goes on where the last one ended, whoever came and went.
type place struct {
	id   string
	conn *transports.Connection
	sub  broker.Connection
}

// connections serves GET /connections.
func (a *API) connections(c echo.Context) error {
	who, err := a.backend(c, auth.ScopeRead)
	if err != nil {
		return err
	}
	q, err := query(c.Request())
	if err != nil {
		return err
	}
	l, err := listingOf(q)
	if err != nil {
		return err
	}
	page := a.page(&l)
	out := connectionsAnswer{Connections: make([]connectionAnswer, 0, len(page))}
	if len(page) > l.limit {
		page = page[:l.limit]
		out.Cursor = &page[l.limit-1].id
	}
	for i := range page {
		out.Connections = append(out.Connections, a.describe(&page[i], who.Scopes.Has(auth.ScopeAdmin)))
	}
	return answerJSON(c, http.StatusOK, out)
}

// page finds the first connections behind the last page, in order, and one more if
// there is any. It holds no more than that, however many there are.
func (a *API) page(l *listing) (page []place) {
	add := func(list []broker.Connection) bool {
		for i := range list {
			if conn, ok := list[i].Waker.(*transports.Connection); ok && l.wants(&list[i], conn) {
				page = insert(page, place{conn.ConnectionID(), conn, list[i]}, l.limit+1)
			}
		}
		return true
	}
	if l.user != "" {
		add(a.broker.ConnectionsOf(l.user, l.device))
	} else {
		a.broker.Connections(add)
	}
	return page
}

func (l *listing) wants(s *broker.Connection, conn *transports.Connection) bool {
	return conn.ConnectionID() > l.after && (l.device == "" || l.device == s.Device) &&
		(l.transport == "" || l.transport == conn.Transport().Label())
}

// insert keeps the first most places in order.
func insert(page []place, p place, most int) []place {
	at, _ := slices.BinarySearchFunc(page, p, func(a, b place) int { return cmp.Compare(a.id, b.id) })
	if at == most {
		return page
	}
	if len(page) == most {
		page = page[:most-1]
	}
	return slices.Insert(page, at, p)
}

func (a *API) describe(p *place, admin bool) connectionAnswer {
	out := connectionAnswer{
		ConnectionID: p.id, User: p.sub.User, Transport: p.conn.Transport().Label(), Dialect: a.dialectOf(p.conn),
		Since: p.conn.Since().UnixMilli(), Queue: queueAnswer{p.sub.Events, p.sub.Bytes, p.sub.Lag},
	}
	if p.sub.Device != "" {
		out.Device = &p.sub.Device
	}
	protocol := "json"
	if s, ok := p.conn.Session().(*signalr.Session); ok {
		protocol = s.Protocol()
	} else if out.Dialect != dialectNative {
		protocol = "" // not opened yet
	}
	if protocol != "" {
		out.Protocol = &protocol
	}
	if admin && p.conn.Addr != "" {
		out.Address = &p.conn.Addr
	}
	return out
}

// dialectOf tells which dialect a connection speaks, by the endpoint that it came to.
func (a *API) dialectOf(c *transports.Connection) string {
	if d, ok := a.dialects[c.Scope()]; ok {
		return d
	}
	return dialectNative
}
