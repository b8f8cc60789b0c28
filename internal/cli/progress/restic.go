package progress

import (
	"encoding/json"
	"fmt"
	"strings"
)

// parseRestic reads a line of `restic backup --json` or `restic restore --json`
// (restic's manual, "Scripting", "JSON lines"). It reports whether the line is
// one.
func parseRestic(line []byte, s *State) bool {
	var m struct {
		Type        string   `json:"message_type"`
		Action      string   `json:"action"`
		PercentDone *float64 `json:"percent_done"` // a fraction
		Remaining   float64  `json:"seconds_remaining"`
		TotalBytes  int64    `json:"total_bytes"`
		BytesDone   int64    `json:"bytes_done"`
		Restored    int64    `json:"bytes_restored"`
		Current     []string `json:"current_files"`

		Error   json.RawMessage `json:"error"`
		Item    string          `json:"item"`
		Message string          `json:"message"`

		Files      int64  `json:"total_files_processed"`
		Processed  int64  `json:"total_bytes_processed"`
		FilesDone  int64  `json:"files_restored"`
		SnapshotID string `json:"snapshot_id"`
	}
	if json.Unmarshal(line, &m) != nil {
		return false
	}
	switch m.Type {
	case "status":
		if m.PercentDone == nil { // the end of the scan: says nothing of the backup
			return true
		}
		s.count(max(m.BytesDone, m.Restored), m.TotalBytes)
		s.measure(*m.PercentDone * 100)
		s.remain(m.Remaining)
		if len(m.Current) > 0 {
			s.Detail = several(m.Current[0], len(m.Current))
		}
	case "verbose_status":
		if m.Item != "" {
			s.Detail = cut(tidy([]byte(m.Action)) + " " + tidy([]byte(m.Item)))
		}
	case "error":
		s.Failure = cut(join(tidy([]byte(m.Item)), tidy([]byte(resticReason(m.Error)))))
		s.Detail = s.Failure
	case "exit_error":
		s.Failure = tidy([]byte(m.Message))
	case "summary":
		s.measure(100)
		s.ETA = 0
		switch {
		case m.Restored > 0 || m.FilesDone > 0:
			s.count(m.Restored, m.TotalBytes)
			s.Detail = fmt.Sprintf("%d files", max(m.FilesDone, 0))
		default:
			s.count(m.Processed, m.Processed)
			s.Detail = fmt.Sprintf("%d files", max(m.Files, 0))
		}
		if m.SnapshotID != "" {
			s.Detail = cut(s.Detail + ", snapshot " + tidy([]byte(m.SnapshotID)))
		}
	default:
		return strings.HasPrefix(m.Type, "verbose") // of a newer restic
	}
	return true
}

// resticReason reads the error of a message: {"message":…} since 0.17, before
// it whatever the Go error's fields were, such as {"Op":"open","Path":…,"Err":13}.
func resticReason(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var reason struct {
		Message string `json:"message"`
		Op      string `json:"Op"`
	}
	if json.Unmarshal(raw, &reason) != nil {
		return "an error"
	}
	switch {
	case reason.Message != "":
		return reason.Message
	case reason.Op != "":
		return reason.Op + " failed"
	}
	return "an error"
}

// several names the first of a number of things that go on at once.
func several(first string, n int) string {
	name := tidy([]byte(first))
	if n > 1 {
		name = cut(fmt.Sprintf("%s and %d more", name, n-1))
	}
	return name
}

// join puts a colon between two texts, if there are two.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
}
