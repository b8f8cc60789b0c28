package notify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
)

// Durability is where an event was when its publish was answered.
type Durability string

// What holds when a publish has been answered.
const (
	// Memory: a restart of the server loses the event.
	Memory Durability = "memory"
	// Disk: the event survives a crash of the server, and a power cut.
	Disk Durability = "disk"
	// Replicated: it survives the loss of the server's machine.
	Replicated Durability = "replicated"
)

// Receipt says what became of an event for one user.
type Receipt struct {
	// ID is the event's. It is set with an error too, for sending the event again.
	ID string `json:"id"`
	// Seq and Cursor are its place in the user's log.
	Seq    uint64 `json:"seq"`
	Cursor string `json:"cursor"`
	// Durability is what holds now.
	Durability Durability `json:"durability"`
	// Delivered is how many connections it was handed to. 0 is no failure: it is kept
	// for whoever comes later.
	Delivered int `json:"delivered"`
	// Duplicate: an earlier try of this call, or an earlier call with the same ID, had
	// published it, and this is the answer to that one.
	Duplicate bool `json:"duplicate"`
}

// ChannelReceipt says what became of an event for a channel.
type ChannelReceipt struct {
	// ID is the event's. It is set with an error too, for sending the event again.
	ID string `json:"id"`
	// Members is in how many logs it is: those of all members, connected or not.
	Members int `json:"members"`
	// Failed is 0: an event is in the logs of all members or, with an error, of none.
	Failed int `json:"failed"`
	// Durability, Delivered and Duplicate are as in a [Receipt], Delivered over all
	// members.
	Durability Durability `json:"durability"`
	Delivered  int        `json:"delivered"`
	Duplicate  bool       `json:"duplicate"`
}

// BroadcastReceipt says what became of an event for everybody.
type BroadcastReceipt struct {
	// ID is the event's. It is set with an error too, for sending the event again.
	ID string `json:"id"`
	// Users is how many got it: all that have a log or a connection. It is 0 in the
	// answer to a duplicate from before a restart of the server.
	Users int `json:"users"`
	// Durability, Delivered and Duplicate are as in a [Receipt], Delivered over all
	// users.
	Durability Durability `json:"durability"`
	Delivered  int        `json:"delivered"`
	Duplicate  bool       `json:"duplicate"`
}

// SendToUser publishes an event to one user, whether connected or not. The user need
// not be known. Needs the scope publish.
func (n *Notifier) SendToUser(ctx context.Context, user string, e Event) (Receipt, error) {
	const op = "SendToUser"
	var r Receipt
	if err := checkUser(user); err != nil {
		return r, invalid(op, err)
	}
	id, err := n.publish(ctx, op, userPath(user)+"/events", e, func(text []byte, id string) error {
		r = Receipt{}
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		return r.check(id)
	})
	return keep(r, Receipt{ID: id}, err)
}

// SendToChannel publishes an event to all members of a channel, connected or not.
// A channel without members is no error. Needs the scope publish.
func (n *Notifier) SendToChannel(ctx context.Context, channel string, e Event) (ChannelReceipt, error) {
	const op = "SendToChannel"
	var r ChannelReceipt
	if err := checkChannel(channel); err != nil {
		return r, invalid(op, err)
	}
	id, err := n.publish(ctx, op, channelPath(channel)+"/events", e, func(text []byte, id string) error {
		r = ChannelReceipt{}
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		return checkReceipt(r.ID == id, r.Members, r.Delivered, r.Durability)
	})
	return keep(r, ChannelReceipt{ID: id}, err)
}

// Broadcast publishes an event to every user who has a log or a connection. Needs
// the scope publish.
func (n *Notifier) Broadcast(ctx context.Context, e Event) (BroadcastReceipt, error) {
	var r BroadcastReceipt
	id, err := n.publish(ctx, "Broadcast", "/broadcasts", e, func(text []byte, id string) error {
		r = BroadcastReceipt{}
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		return checkReceipt(r.ID == id, r.Users, r.Delivered, r.Durability)
	})
	return keep(r, BroadcastReceipt{ID: id}, err)
}

// publish sends an event to one place.
func (n *Notifier) publish(ctx context.Context, op, path string, e Event, answer func(text []byte, id string) error) (id string, err error) {
	body, id, err := e.encode()
	if err != nil {
		return id, invalid(op, err)
	}
	return id, n.do(ctx, op, request{
		method: http.MethodPost, path: path, body: body,
		answer: func(text []byte) error { return answer(text, id) },
	})
}

// keep returns the receipt or, with an error, what there is instead of it.
func keep[R any](r, instead R, err error) (R, error) {
	if err != nil {
		return instead, err
	}
	return r, nil
}

var errReceipt = errors.New("it is no receipt of this event")

func (r *Receipt) check(id string) error {
	if r.Seq == 0 || r.Cursor == "" {
		return errReceipt
	}
	return checkReceipt(r.ID == id, 0, r.Delivered, r.Durability)
}

// checkReceipt tells receipts from other JSON, and those of other events.
func checkReceipt(same bool, receivers, delivered int, d Durability) error {
	if !same || receivers < 0 || delivered < 0 || d == "" {
		return errReceipt
	}
	return nil
}

func userPath(user string) string { return "/users/" + segment(user) }

func channelPath(channel string) string { return "/channels/" + segment(channel) }

// segment is a name as a piece of a path.
func segment(name string) string {
	switch name {
	case ".", "..": // would be taken for directions
		return "%2E%2E"[:3*len(name)]
	}
	return url.PathEscape(name)
}
