package progress

import "encoding/json"

// parseRclone reads a line of `rclone --use-json-log` (rclone's manual,
// "--use-json-log" and "core/stats"): a message of the log, or, with
// `--stats 1s -v`, the figures. It reports whether the line is one. Other
// programs that log JSON with a level and a msg are read as well.
func parseRclone(line []byte, s *State) bool {
	var m struct {
		Level  string `json:"level"`
		Msg    string `json:"msg"`
		Object string `json:"object"`
		Stats  *struct {
			Bytes        int64    `json:"bytes"`
			TotalBytes   int64    `json:"totalBytes"`
			ETA          *float64 `json:"eta"` // seconds, or null
			Errors       int64    `json:"errors"`
			LastError    string   `json:"lastError"`
			Transferring []struct {
				Name string `json:"name"`
			} `json:"transferring"`
		} `json:"stats"`
	}
	if json.Unmarshal(line, &m) != nil || m.Level == "" || m.Msg == "" {
		return false
	}
	stats := m.Stats
	if stats == nil {
		s.Detail = cut(join(tidy([]byte(m.Object)), tidy([]byte(m.Msg))))
		switch m.Level {
		case "error", "ERROR", "critical", "alert", "emergency", "fatal":
			s.Failure = s.Detail
		}
		return true
	}
	s.count(stats.Bytes, stats.TotalBytes)
	s.ETA = 0
	if stats.ETA != nil {
		s.remain(*stats.ETA)
	}
	if n := len(stats.Transferring); n > 0 {
		s.Detail = several(stats.Transferring[0].Name, n)
	}
	if stats.Errors > 0 && stats.LastError != "" {
		s.Failure = tidy([]byte(stats.LastError))
	}
	return true
}
