package api

import (
	"strconv"
	"time"

	"hubline/internal/jsonscan"
)

const (
	// maxDisconnectBytes bounds the body of a disconnect.
	maxDisconnectBytes = 8 << 10
	// maxRefusal is for how long a user may be refused: longer, revoke the tokens.
	maxRefusal = 24 * time.Hour
	// defaultWords is what clients are told when nothing else is said.
	defaultWords = "Disconnected by server"
)

// disconnectBody is what is asked for by DELETE /users/{user}/connections. Nothing in
// it refers to the request's memory.
type disconnectBody struct {
	reason string
	refuse *time.Duration // nil: as it is
}

var (
	errReason             = badRequest(`"reason" must be a text. Of more than 123 bytes, which is what a WebSocket can be told, the rest is cut off.`)
	errRefuse             = badRequest(`"refuseSeconds" must be a whole number of seconds, 0 to ` + strconv.Itoa(int(maxRefusal.Seconds())) + `; 0 lets the user in again.`)
	errNoDisconnectMember = badRequest("The body has a member that this call does not know. It knows reason and refuseSeconds.")
)

// scanDisconnect reads the body, which may be empty.
func scanDisconnect(text []byte) (d disconnectBody, err error) {
	d.reason = defaultWords
	if len(text) == 0 {
		return d, nil
	}
	var reason, refuse []byte
	err = scanMembers(text, errNoDisconnectMember,
		bodyMember{"reason", &reason}, bodyMember{"refuseSeconds", &refuse})
	if err != nil {
		return d, err
	}
	switch jsonscan.KindOf(reason) {
	case jsonscan.None, jsonscan.Null:
	case jsonscan.String:
		d.reason = string(jsonscan.AppendText(nil, reason))
	default:
		return d, errReason
	}
	switch jsonscan.KindOf(refuse) {
	case jsonscan.None, jsonscan.Null:
		return d, nil
	case jsonscan.Number:
		if n, err := strconv.ParseUint(string(refuse), 10, 32); err == nil && n <= uint64(maxRefusal.Seconds()) {
			d.refuse = new(time.Duration(n) * time.Second) //nolint:gosec // at most a day
			return d, nil
		}
	}
	return d, errRefuse
}
