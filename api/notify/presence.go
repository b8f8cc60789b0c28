package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// maxKeepOut is the longest that somebody can be kept out.
const maxKeepOut = 24 * time.Hour

// Presence is whether a user is connected.
type Presence struct {
	// Online: there is at least one connection. A client that polls has one while a
	// poll waits.
	Online      bool `json:"online"`
	Connections int  `json:"connections"`
	// Devices of those connections whose token names one, sorted.
	Devices []string `json:"devices"`
}

// Presence says whether a user is connected. A user who was never heard of is not.
// Needs the scope read.
func (n *Notifier) Presence(ctx context.Context, user string) (Presence, error) {
	const op = "Presence"
	if err := checkUser(user); err != nil {
		return Presence{}, invalid(op, err)
	}
	var p Presence
	err := n.do(ctx, op, request{
		method: http.MethodGet, path: userPath(user) + "/presence",
		answer: func(text []byte) error {
			p = Presence{}
			if err := json.Unmarshal(text, &p); err != nil {
				return err
			}
			if p.Devices == nil || p.Connections < 0 || p.Online != (p.Connections > 0) {
				return errAnswer
			}
			return nil
		},
	})
	if err != nil {
		return Presence{}, err
	}
	return p, nil
}

// DisconnectOptions say whom [Notifier.Disconnect] disconnects and what they are told.
type DisconnectOptions struct {
	// Device narrows it to the connections of one device. Empty means all.
	Device string
	// Reason is what clients are told, at most 123 bytes of it. Empty means
	// "Disconnected by server".
	Reason string
	// KeepOut refuses the user, or the device, for so long, in whole seconds and at
	// most 24 h; the server forgets it when it is started again. Zero changes nothing.
	KeepOut time.Duration
	// LetIn ends a KeepOut of before. It cannot be combined with one.
	LetIn bool
}

// Disconnected says what a disconnect did.
type Disconnected struct {
	// Connections were told to end, which they do within seconds.
	Connections int
	// KeptOutUntil is the end of KeepOut; zero without one.
	KeptOutUntil time.Time
}

// Disconnect ends the connections of a user on every transport, behind what waits for
// them. Clients may come back at once, unless KeepOut is given. A user without a
// connection is no error. A retry ends those that have come back meanwhile, too, and
// counts them alone. Needs the scope admin.
func (n *Notifier) Disconnect(ctx context.Context, user string, o DisconnectOptions) (Disconnected, error) {
	const op = "Disconnect"
	body, err := o.encode()
	if err = errors.Join(checkUser(user), checkDevice(o.Device), err); err != nil {
		return Disconnected{}, invalid(op, err)
	}
	path := userPath(user) + "/connections"
	if o.Device != "" {
		path += "?device=" + url.QueryEscape(o.Device)
	}
	var d Disconnected
	err = n.do(ctx, op, request{
		method: http.MethodDelete, path: path, body: body,
		answer: func(text []byte) error {
			var a struct {
				Disconnected *int   `json:"disconnected"`
				RefusedUntil *int64 `json:"refusedUntil"`
			}
			if err := json.Unmarshal(text, &a); err != nil {
				return err
			}
			if a.Disconnected == nil {
				return errAnswer
			}
			d = Disconnected{Connections: *a.Disconnected}
			if a.RefusedUntil != nil && o.KeepOut > 0 {
				d.KeptOutUntil = time.UnixMilli(*a.RefusedUntil)
			}
			return nil
		},
	})
	return d, err
}

// encode returns the body, or nil where there is nothing to say.
func (o DisconnectOptions) encode() ([]byte, error) {
	body := struct {
		Reason        *string `json:"reason,omitempty"`
		RefuseSeconds *int64  `json:"refuseSeconds,omitempty"`
	}{}
	if o.Reason != "" {
		body.Reason = &o.Reason
	}
	switch {
	case o.KeepOut < 0 || o.KeepOut > maxKeepOut:
		return nil, fmt.Errorf("KeepOut is not between 0 and %v", maxKeepOut)
	case o.KeepOut > 0 && o.LetIn:
		return nil, errors.New("KeepOut and LetIn exclude each other")
	case o.KeepOut > 0:
		body.RefuseSeconds = new(int64((o.KeepOut + time.Second - 1) / time.Second))
	case o.LetIn:
		body.RefuseSeconds = new(int64)
	}
	if body.Reason == nil && body.RefuseSeconds == nil {
		return nil, nil
	}
	return json.Marshal(body)
}
