package api

import (
	"errors"

	"hubline/internal/jsonscan"
)

// maxDepth bounds the nesting of an event, itself included. Whatever reads it
// later, in a browser or another language, need not fear for its stack. A hub's
// message has one level more than the event, and many readers stop at 64.
const maxDepth = 63

// eventFields are the members of a publish body as they stand in it. They are
// parts of the request's memory; event copies what it needs.
type eventFields struct {
	kind, data, id, arguments, device, exceptDevice, ttlSeconds, contextID []byte
}

// scan reads the members of the object that s has entered. Unknown ones are
// ignored; of two with the same name the later one counts.
func (f *eventFields) scan(s *jsonscan.Scanner) {
	var scratch [16]byte
	for s.Member() {
		name := jsonscan.Text(s.Name(), scratch[:])
		value := s.Value()
		switch string(name) {
		case "type":
			f.kind = value
		case "data":
			f.data = value
		case "id":
			f.id = value
		case "arguments":
			f.arguments = value
		case "device":
			f.device = value
		case "exceptDevice":
			f.exceptDevice = value
		case "ttlSeconds":
			f.ttlSeconds = value
		case "contextId":
			f.contextID = value
		}
	}
}

// scanEvent reads a publish body.
func scanEvent(text []byte) (f eventFields, err error) {
	s := jsonscan.New(text, maxDepth)
	if s.Object() {
		f.scan(&s)
	}
	if !s.End() {
		return f, badJSON("body", s.Err())
	}
	return f, nil
}

// badJSON makes a problem of a scanner's error. It says where the text is wrong
// without repeating any of it.
func badJSON(what string, err error) error {
	e, ok := errors.AsType[*jsonscan.Error](err)
	if !ok {
		return err
	}
	if e.Reason == jsonscan.NotAnObject {
		return badRequest("The " + what + " must be a JSON object.")
	}
	return badRequest("The " + what + " is not the expected JSON: " + e.Error() + ", counted from 0.")
}
