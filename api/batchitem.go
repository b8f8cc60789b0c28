package api

import (
	"net/http"
	"time"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/internal/jsonscan"
)

// batchItem is one item of a batch: to whom, and what. Its parts are the
// request's memory.
type batchItem struct {
	user, channel, key []byte   // strings, or nil
	many               bool     // there is "users"
	users              []string // their names, as far as the batch has room
	named              int      // how many they are
	broadcast          bool
	event              []byte
	fields             eventFields
}

// receivers is how many users an item names, at least 1.
func (it *batchItem) receivers() int { return max(1, it.named) }

var (
	errItem   = badRequest("An item must be a JSON object.")
	errTarget = badRequest(`An item names exactly one of "user", "users", "channel" and "broadcast": true.`)
	errEvent  = badRequest(`"event" must be a JSON object.`)
	errUsers  = badRequest(`"users" must be an array of users' names, each 1 to 256 bytes of UTF-8 without control characters.`)
)

// scanItem reads the item that comes next in s, which reads text. It reads to the
// item's end also when something is wrong with it, as long as it is JSON. No more
// than room users' names are kept.
func scanItem(s *jsonscan.Scanner, text []byte, room int) (it batchItem, err error) {
	if s.Peek() != jsonscan.Object {
		if s.Value() == nil {
			return it, badJSON("item", s.Err())
		}
		return it, errItem
	}
	var scratch [16]byte
	var users, broadcast []byte
	for ok := s.Object(); ok && s.Member(); {
		name := jsonscan.Text(s.Name(), scratch[:])
		if string(name) == "event" {
			it.scanEvent(s, text)
			continue
		}
		value := s.Value()
		switch string(name) {
		case "user":
			it.user = value
		case "users":
			users = value
		case "channel":
			it.channel = value
		case "broadcast":
			broadcast = value
		case "idempotencyKey":
			it.key = value
		}
	}
	if s.Err() != nil {
		return it, badJSON("item", s.Err())
	}
	return it, it.check(users, broadcast, room)
}

// scanEvent reads the event, whatever it is; of two the later one counts.
func (it *batchItem) scanEvent(s *jsonscan.Scanner, text []byte) {
	from := s.Offset()
	it.fields = eventFields{}
	if s.Peek() != jsonscan.Object {
		it.event = s.Value()
		return
	}
	s.Object()
	it.fields.scan(s)
	it.event = text[from:s.Offset()]
}

// check looks at the members' kinds. null counts as absent.
func (it *batchItem) check(users, broadcast []byte, room int) error {
	targets := 0
	for _, target := range []*[]byte{&it.user, &it.channel, &users} {
		if jsonscan.KindOf(*target) == jsonscan.Null {
			*target = nil
		} else if *target != nil {
			targets++
		}
	}
	switch string(broadcast) {
	case "true":
		it.broadcast = true
		targets++
	case "", "false", "null":
	default:
		return badRequest(`"broadcast" must be true or false.`)
	}
	if targets != 1 {
		return errTarget
	}
	if jsonscan.KindOf(it.key) == jsonscan.Null {
		it.key = nil
	}
	switch jsonscan.KindOf(it.event) {
	case jsonscan.Object:
	case jsonscan.None:
		return badRequest(`"event" is missing.`)
	default:
		return errEvent
	}
	if users == nil {
		return nil
	}
	it.many = true
	return it.readUsers(users, room)
}

// readUsers reads the names, so that all are known to be good before anything
// is sent.
func (it *batchItem) readUsers(users []byte, room int) error {
	s := jsonscan.New(users, maxItemDepth)
	for ok := s.Array(); ok && s.Element(); {
		value := s.Value()
		if it.named++; it.named > room {
			continue // the item will be refused
		}
		name, err := nameOf(value)
		if err != nil {
			return errUsers
		}
		it.users = append(it.users, name)
	}
	if !s.End() {
		return errUsers
	}
	return nil
}

// nameOf returns the user's name that a value is.
func nameOf(value []byte) (string, error) {
	if jsonscan.KindOf(value) != jsonscan.String || len(value) > longestQuoted(auth.MaxUserBytes) {
		return "", errUser
	}
	var scratch [auth.MaxUserBytes]byte
	name := jsonscan.Text(value, scratch[:])
	if !auth.Usable(name, auth.MaxUserBytes) {
		return "", errUser
	}
	return string(name), nil
}

// publish publishes the item and appends its receipt.
func (b *batch) publish(it *batchItem) error {
	a := b.api
	if int64(len(it.event)) > a.cfg.MaxPublishBytes {
		return &http.MaxBytesError{Limit: a.cfg.MaxPublishBytes}
	}
	ev, err := it.fields.event(time.Now())
	if err != nil {
		return err
	}
	var key broker.Key
	if it.key != nil {
		if jsonscan.KindOf(it.key) != jsonscan.String || len(it.key) > longestQuoted(maxKeyBytes) {
			return errKey
		}
		if key, err = idempotency(string(jsonscan.AppendText(nil, it.key)), it.event); err != nil {
			return err
		}
	}
	switch {
	case it.broadcast:
		r, err := a.broker.Broadcast(ev, key)
		if err != nil {
			return err
		}
		b.out = appendBroadcast(b.out, &r, a.durability())
	case it.channel != nil:
		channel, err := channelName(it.channel)
		if err != nil {
			return err
		}
		ev.Channel = channel
		b.awaitChannel(a.broker.SubmitToChannel(channel, ev, key))
	case it.many:
		b.publishMany(it, ev, key)
	default:
		user, err := nameOf(it.user)
		if err != nil {
			return err
		}
		return b.send(user, ev, key)
	}
	return nil
}
