package progress

import (
	"fmt"
	"math"
	"strings"
)

// State is how far a command is, as far as its output tells. The zero State
// knows nothing. States can be compared.
type State struct {
	// Percent is from 0 to 100, with one digit behind the point; it counts
	// only if Measured.
	Percent  float64
	Measured bool
	// BytesDone and BytesTotal are 0 where they are not known.
	BytesDone, BytesTotal int64
	// ETA is the rest of the time in seconds; 0 is unknown.
	ETA int64
	// Detail is what the command works on, or its last line. It is one line
	// of at most maxText bytes, without control characters, and so is Failure.
	Detail string
	// Failure is what the command last said went wrong. It may end well
	// nevertheless.
	Failure string
}

// measure sets the percentage. What is no number counts as not said.
func (s *State) measure(percent float64) {
	if math.IsNaN(percent) {
		return
	}
	s.Percent, s.Measured = math.Round(min(max(percent, 0), 100)*10)/10, true
}

// count sets the bytes, and the percentage if the total is known.
func (s *State) count(done, total int64) {
	s.BytesDone, s.BytesTotal = max(done, 0), max(total, 0)
	if s.BytesTotal > 0 {
		s.measure(float64(s.BytesDone) / float64(s.BytesTotal) * 100)
	}
}

// remain sets the rest of the time in seconds.
func (s *State) remain(seconds float64) {
	s.ETA = 0
	if seconds > 0 && seconds < math.MaxInt32 { // further away is no estimate
		s.ETA = int64(math.Ceil(seconds))
	}
}

// shown is the state without what is not published while the command runs.
func (s State) shown() State {
	s.Failure = ""
	return s
}

// text puts bytes and detail into words.
func (s State) text() string {
	var parts []string
	switch {
	case s.BytesTotal > 0:
		parts = append(parts, size(s.BytesDone)+" of "+size(s.BytesTotal))
	case s.BytesDone > 0:
		parts = append(parts, size(s.BytesDone))
	}
	if s.Detail != "" {
		parts = append(parts, s.Detail)
	}
	return strings.Join(parts, ", ")
}

// size writes a number of bytes for people.
func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value := float64(n)
	unit := -1
	for value >= 1024 && unit < 5 {
		value /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTPE"[unit])
}
