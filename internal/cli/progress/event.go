package progress

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Labels is what stays the same in all events of a run.
type Labels struct {
	User string
	// Device is the one device that the events are for; empty is all.
	Device string
	// Type is the type of the events. Clients of the Bitwarden family get only
	// numeric ones.
	Type string
	// Operation, FileName and Source tell runs apart.
	Operation, FileName, Source string
	// Step and Title replace those that follow from the operation, as long as
	// the command runs.
	Step, Title string
	// NoDetail leaves out whatever the command printed, but for figures.
	NoDetail bool
}

// phase is where in its run a command is.
type phase int

const (
	started phase = iota
	running
	ended
)

// Outcome is how a command ended.
type Outcome struct {
	// Status is its exit status, as a shell gives it: 128 and the number for a
	// signal, 127 if there is no such command, 126 if it cannot be run.
	Status int
	// Reason says in words how it failed; empty if Status is 0.
	Reason string

	notRun bool
}

// Ran reports whether the command was started. The statuses 126 and 127 may also
// be its own.
func (o Outcome) Ran() bool { return !o.notRun }

// data is an event's data: what NodeWarden's backups report, with figures.
type data struct {
	// Of updates with a number as their type.
	UserID string `json:"UserId,omitempty"`
	Date   string `json:"Date,omitempty"`

	Operation   string   `json:"operation"`
	Source      string   `json:"source,omitempty"`
	Step        string   `json:"step"`
	FileName    string   `json:"fileName"`
	StageTitle  string   `json:"stageTitle"`
	StageDetail string   `json:"stageDetail"`
	Percent     *float64 `json:"percent,omitempty"`
	BytesDone   int64    `json:"bytesDone,omitempty"`
	BytesTotal  int64    `json:"bytesTotal,omitempty"`
	ETASeconds  int64    `json:"etaSeconds,omitempty"`
	Done        bool     `json:"done"`
	OK          bool     `json:"ok"`
	Error       string   `json:"error,omitempty"`
	ExitStatus  *int     `json:"exitStatus,omitempty"`
	// Timestamp is when it was so: the event may arrive much later.
	Timestamp string `json:"timestamp"`
}

// event is one event on its way to the server. Its body does not change, so
// that the server knows it again by its id.
type event struct {
	phase phase
	body  []byte
}

// newEvent makes the event of a state, or of an end.
func (l Labels) newEvent(p phase, s State, end Outcome, now time.Time) event {
	text := s.text()
	if l.NoDetail {
		s.Detail = ""
		text = s.text()
	}
	at := now.UTC().Format("2006-01-02T15:04:05.000Z")
	d := data{
		Operation: l.Operation, Source: l.Source, FileName: l.FileName,
		Step: l.Step, StageTitle: l.Title, StageDetail: text,
		BytesDone: s.BytesDone, BytesTotal: s.BytesTotal, ETASeconds: s.ETA, Timestamp: at,
	}
	if s.Measured {
		d.Percent = &s.Percent
	}
	if numeric(l.Type) {
		d.UserID, d.Date = l.User, at
	}
	switch p {
	case started:
		d.Step, d.StageTitle = cmp.Or(l.Step, l.step("started")), cmp.Or(l.Title, "Started")
	case running:
		d.Step, d.StageTitle = cmp.Or(l.Step, l.step("running")), cmp.Or(l.Title, "Running")
	case ended:
		d.Done, d.OK, d.ExitStatus, d.ETASeconds = true, end.Status == 0, &end.Status, 0
		d.Step, d.StageTitle = l.step("complete"), "Done"
		if d.OK {
			d.Percent = new(100.0)
		} else {
			d.Step, d.StageTitle, d.Error = l.step("failed"), "Failed", end.Reason
		}
	}
	return event{phase: p, body: marshal(struct {
		Type   string `json:"type"`
		ID     string `json:"id"`
		Device string `json:"device,omitempty"`
		Data   data   `json:"data"`
	}{l.Type, uuid.Must(uuid.NewV7()).String(), l.Device, d})}
}

// step names a step as NodeWarden does: export_failed of backup-export.
func (l Labels) step(end string) string {
	name := strings.TrimPrefix(l.Operation, "backup-")
	return strings.ReplaceAll(name, "-", "_") + "_" + end
}

// numeric reports whether an event's type is a number.
func numeric(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// marshal writes a struct of plain fields, which cannot fail.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
