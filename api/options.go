package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hubline/api/auth"
	"hubline/native"
	"hubline/replay"
	"hubline/transports"
)

// Bounds of a long poll, in seconds, and of the events of an answer.
const (
	defaultWait  = 25
	maxWait      = 60
	defaultLimit = 100
	maxLimit     = 1000
)

// maxTypes bounds the filter of one subscription.
const maxTypes = 64

var errCursor = problem("cursor",
	`"since" is a cursor such as k7q2-57, a seq, 0 for everything kept, "latest", or "device" where the token names one.`)

// errNoDevice is better than events from now on: the client would count on having
// missed nothing.
var errNoDevice = problem("cursor",
	`"since=device" goes on from where the token's device stood, and this token names none: ask for one with the claim "device", or send a cursor.`)

// query parses the query. A pair that is not well-formed is an error here and is
// not left out: it might be "since", and the client would silently miss events.
func query(r *http.Request) (url.Values, error) {
	if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
		return nil, badRequest("The query is not well-formed: it has a broken escape or a semicolon.")
	}
	return transports.Query(r), nil
}

// options reads the query of a subscription.
func options(r *http.Request, q url.Values, t transports.Transport) (native.Options, error) {
	o := native.Options{Named: q.Get("named") == "1"}
	since := q.Get("since")
	if t == transports.ServerSentEvents {
		if last := r.Header.Get("Last-Event-ID"); last != "" {
			since = last // what the client saw last is later than what its URL says
		}
	}
	var err error
	if o.Since, err = replay.ParseSince(since); err != nil {
		return o, errCursor
	}
	if o.Types, err = typesOf(q); err != nil {
		return o, err
	}
	// A stock client of older servers must see only its events and pong.
	o.Control = t != transports.WebSockets || since != ""
	switch q.Get("control") {
	case "1", "true":
		o.Control = true
	case "0", "false":
		o.Control = false
	}
	return o, nil
}

// typesOf reads the comma list of types; none means all.
func typesOf(q url.Values) ([]string, error) {
	list := q.Get("types")
	if list == "" {
		return nil, nil
	}
	types := strings.Split(strings.Clone(list), ",")
	if len(types) > maxTypes {
		return nil, badRequest("At most " + strconv.Itoa(maxTypes) + " types can be named.")
	}
	for _, t := range types {
		if !auth.Usable(t, maxTypeBytes) {
			return nil, badRequest(`"types" is a list of event types with commas between them, each 1 to 128 bytes without control characters.`)
		}
	}
	return types, nil
}

// limitOf reads the most events that an answer may have.
func limitOf(q url.Values) (int, error) {
	v := q.Get("limit")
	if v == "" {
		return defaultLimit, nil
	}
	limit, err := strconv.Atoi(v)
	if err != nil || limit < 1 {
		return 0, badRequest(`"limit" is a number of events, 1 to 1000.`)
	}
	return min(limit, maxLimit), nil
}

// pollBounds reads wait and limit.
func pollBounds(q url.Values, t transports.Transport) (wait time.Duration, limit int, err error) {
	if t != transports.LongPolling {
		return 0, 0, nil
	}
	seconds := float64(defaultWait)
	if v := q.Get("wait"); v != "" {
		seconds, err = strconv.ParseFloat(v, 64)
		if err != nil || !(seconds >= 0) { // not a number is not below zero
			return 0, 0, badRequest(`"wait" is a number of seconds, at most 60.`)
		}
	}
	limit, err = limitOf(q)
	return time.Duration(min(seconds, maxWait) * float64(time.Second)), limit, err
}
