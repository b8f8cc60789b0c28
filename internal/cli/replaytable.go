package cli

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// shownEvents is how many events of a dry run are shown to a person.
const shownEvents = 20

// replayAnswer is what the server says about a replay.
type replayAnswer struct {
	Epoch    string `json:"epoch"`
	From     uint64 `json:"from"`
	To       uint64 `json:"to"`
	DryRun   bool   `json:"dryRun"`
	Matching int    `json:"matching"`
	Sent     int    `json:"sent"`
	NotSent  int    `json:"notSent"`
	Gaps     []struct {
		From   uint64 `json:"from"`
		To     uint64 `json:"to"`
		Reason string `json:"reason"`
	} `json:"gaps"`
	Connections []struct {
		ConnectionID string `json:"connectionId"`
		Transport    string `json:"transport"`
		Device       string `json:"device"`
		Sent         int    `json:"sent"`
		NotSent      int    `json:"notSent"`
		Last         uint64 `json:"last"`
	} `json:"connections"`
	Events []struct {
		Seq    uint64 `json:"seq"`
		ID     string `json:"id"`
		Type   string `json:"type"`
		TS     int64  `json:"ts"`
		Device string `json:"device"`
		Except string `json:"exceptDevice"`
	} `json:"events"`
}

// text is the answer for people.
func (r *replayAnswer) text(user string) string {
	var b strings.Builder
	b.WriteString(r.headline(printable(user)) + "\n")
	if len(r.Connections) > 0 {
		b.WriteString("\n" + r.connections())
	}
	if len(r.Events) > 0 {
		b.WriteString("\n" + r.events())
	}
	if r.NotSent > 0 {
		fmt.Fprintf(&b, "\nNO ROOM: the connection's queue is full. Go on after its LAST, with --since %s-<LAST>.\n", printable(r.Epoch))
	}
	if len(r.Gaps) > 0 {
		b.WriteString("\n")
	}
	for _, gap := range r.Gaps {
		b.WriteString(goneText(gap.From, gap.To, gap.Reason) + "\n")
	}
	return b.String()
}

// headline is the answer in a sentence.
func (r *replayAnswer) headline(user string) string {
	what := "No event of " + user + " is"
	if r.Matching > 0 {
		what = fmt.Sprintf("%s of %s", plural(r.Matching, "event"), user)
		if r.From == r.To {
			what += fmt.Sprintf(" (seq %d)", r.From)
		} else {
			what += fmt.Sprintf(" (of seq %d to %d)", r.From, r.To)
		}
	}
	switch {
	case r.Matching == 0:
		return what + " kept in that range."
	case len(r.Connections) == 0:
		return what + ", and no connection to deliver to."
	case r.DryRun:
		return "Would deliver " + what + " again, to " + plural(len(r.Connections), "connection") + ":"
	}
	return "Delivered " + what + " again, to " + plural(len(r.Connections), "connection") + ":"
}

// table lays out rows, the first of which is the head.
func table(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				cell = "\t" + cell
			}
			_, _ = fmt.Fprint(w, cell) // into memory
		}
		_, _ = fmt.Fprintln(w)
	}
	_ = w.Flush()
	return b.String()
}

func (r *replayAnswer) connections() string {
	rows := [][]string{{"DEVICE", "TRANSPORT", "CONNECTION", "EVENTS", "NO ROOM", "LAST"}}
	for _, c := range r.Connections {
		last := "-"
		if c.Last > 0 {
			last = strconv.FormatUint(c.Last, 10)
		}
		rows = append(rows, []string{cell(c.Device), cell(c.Transport), cell(c.ConnectionID), strconv.Itoa(c.Sent), strconv.Itoa(c.NotSent), last})
	}
	return table(rows)
}

func (r *replayAnswer) events() string {
	rows := [][]string{{"SEQ", "PUBLISHED", "TYPE", "FOR", "ID"}}
	for _, ev := range r.Events[:min(len(r.Events), shownEvents)] {
		to := "all"
		switch {
		case ev.Device != "":
			to = cell(ev.Device)
		case ev.Except != "":
			to = "all but " + cell(ev.Except)
		}
		at := time.UnixMilli(ev.TS).Local().Format(time.DateTime)
		rows = append(rows, []string{strconv.FormatUint(ev.Seq, 10), at, cell(ev.Type), to, cell(ev.ID)})
	}
	text := table(rows)
	if more := r.Matching - shownEvents; more > 0 {
		text += fmt.Sprintf("and %s more; --json lists up to 1,000\n", grouped(more))
	}
	return text
}

// cell is foreign text in a table. A dash stands for none.
func cell(text string) string {
	if text == "" {
		return "-"
	}
	return visible(text) // tabs too
}

// goneText says what was asked for and could not be had.
func goneText(from, to uint64, reason string) string {
	which := fmt.Sprintf("events %d to %d", from, to)
	switch {
	case reason == "ahead":
		return which + " are not there yet: that is beyond the newest one"
	case reason == "epoch":
		return "gap: the cursor is of another life of the log, of which nothing is kept (epoch)"
	case from == to:
		which = fmt.Sprintf("event %d", to)
	}
	return fmt.Sprintf("gap: %s can no longer be replayed (%s)", which, printable(reason))
}
