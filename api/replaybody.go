package api

import (
	"slices"
	"strconv"

	"hubline/api/auth"
	"hubline/broker"
	"hubline/internal/jsonscan"
	"hubline/replay"
)

// maxReplayBytes bounds the body of a replay: room for all types that it may name,
// each byte escaped.
const maxReplayBytes = 64 << 10

// replayBody is what is asked for by POST /users/{user}/replays. Nothing in it refers to
// the request's memory.
type replayBody struct {
	since  replay.Since
	until  *replay.Cursor // nil: the newest event
	types  []string       // none: all
	device string         // empty: all
	dryRun bool
}

var (
	errSince = problem("cursor",
		`"since" is missing or no cursor: the events after a cursor such as k7q2-57, or a seq, are delivered again, with 0 all that is kept.`)
	errUntil = problem("cursor",
		`"until" is no cursor: the last event to be delivered again is named by a cursor such as k7q2-57, or a seq.`)
	errOrder       = badRequest(`"until" is before "since": no event is after the one and not after the other.`)
	errReplayTypes = badRequest(`"types" is a list of 1 to ` + strconv.Itoa(maxTypes) + ` event types, each 1 to 128 bytes without control characters; without it all are meant.`)
	errDryRun      = badRequest(`"dryRun" must be true or false.`)
	errNoMember    = badRequest(`The body has a member that this call does not know. It knows since, until, types, device and dryRun; a misspelled one would send to more than was meant.`)
)

// scanReplay reads the body.
func scanReplay(text []byte) (r replayBody, err error) {
	var since, until, types, device, dryRun []byte
	err = scanMembers(text, errNoMember,
		bodyMember{"since", &since}, bodyMember{"until", &until}, bodyMember{"types", &types}, bodyMember{"device", &device}, bodyMember{"dryRun", &dryRun})
	if err != nil {
		return r, err
	}
	if r.since, err = replaySince(since); err != nil {
		return r, err
	}
	if r.until, err = replayUntil(until); err != nil {
		return r, err
	}
	if r.types, err = replayTypes(types); err != nil {
		return r, err
	}
	switch jsonscan.KindOf(device) {
	case jsonscan.None, jsonscan.Null:
	default:
		text, err := appendField(nil, "device", device, auth.MaxDeviceBytes)
		if err != nil || len(text) == 0 { // an empty one is none, and would mean all
			return r, errDevice
		}
		r.device = string(text)
	}
	switch string(dryRun) {
	case "true":
		r.dryRun = true
	case "", "false", "null":
	default:
		return r, errDryRun
	}
	return r, r.ordered()
}

// position is the text of a cursor, which may be a bare seq and then a number.
func position(value []byte) string {
	switch jsonscan.KindOf(value) {
	case jsonscan.String:
		if len(value) <= longestQuoted(replay.MaxCursorLen) {
			return string(jsonscan.AppendText(nil, value))
		}
	case jsonscan.Number:
		return string(value)
	}
	return ""
}

func replaySince(value []byte) (replay.Since, error) {
	since, err := replay.ParseSince(position(value))
	if err != nil || since.Kind != replay.SinceCursor && since.Kind != replay.SinceAll {
		return since, errSince
	}
	return since, nil
}

func replayUntil(value []byte) (*replay.Cursor, error) {
	if kind := jsonscan.KindOf(value); kind == jsonscan.None || kind == jsonscan.Null {
		return nil, nil //nolint:nilnil // no end is meant
	}
	c, err := replay.ParseCursor(position(value))
	if err != nil {
		return nil, errUntil
	}
	return &c, nil
}

// replayTypes reads a list of types.
func replayTypes(value []byte) (types []string, err error) {
	switch jsonscan.KindOf(value) {
	case jsonscan.None, jsonscan.Null:
		return nil, nil
	}
	s := jsonscan.New(value, 1)
	for ok := s.Array(); ok && s.Element(); {
		element := s.Value()
		if jsonscan.KindOf(element) != jsonscan.String || len(types) == maxTypes || len(element) > longestQuoted(maxTypeBytes) {
			return nil, errReplayTypes
		}
		text := jsonscan.AppendText(nil, element)
		if !auth.Usable(text, maxTypeBytes) {
			return nil, errReplayTypes
		}
		types = append(types, string(text))
	}
	if !s.End() || len(types) == 0 {
		return nil, errReplayTypes
	}
	return types, nil
}

// ordered reports an end before the beginning, where the two can be compared.
func (r *replayBody) ordered() error {
	if r.until == nil || r.since.Kind != replay.SinceCursor {
		return nil
	}
	since, until := r.since.Cursor, *r.until
	if (since.Epoch == "" || until.Epoch == "" || since.Epoch == until.Epoch) && until.Seq < since.Seq {
		return errOrder
	}
	return nil
}

// redelivery is what the broker is asked for.
func (r *replayBody) redelivery() broker.Redelivery {
	o := broker.Redelivery{Since: r.since, Until: r.until, Device: r.device, DryRun: r.dryRun}
	if r.dryRun {
		o.List = maxLimit
	}
	if len(r.types) > 0 {
		o.Match = func(ev *replay.Event) bool { return slices.Contains(r.types, ev.Type) }
	}
	return o
}
